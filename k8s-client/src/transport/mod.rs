//! The network: reqwest below [`Transport`](k8s_api::transport::Transport), and nothing of it above.

mod explain;
mod fetch;
mod http;
mod lanes;
mod name;
mod pools;
mod tls;

pub(crate) use self::fetch::Fetch;
pub(crate) use self::http::Http;
pub(crate) use self::tls::check_identity;

#[cfg(test)]
mod proxies;
#[cfg(test)]
mod rotation;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
