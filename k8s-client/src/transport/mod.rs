//! The network: reqwest below [`Transport`](k8s_api::transport::Transport), and nothing of it above.

mod explain;
mod http;
mod lanes;
mod name;
mod tls;

pub(crate) use self::http::Http;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
