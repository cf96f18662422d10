//! The network: reqwest below [`Transport`](k8s_api::transport::Transport), and nothing of it above.

mod connections;
mod dial;
mod explain;
mod fetch;
mod gzip;
mod http;
mod lanes;
mod name;
mod outgoing;
mod pools;
mod recipe;
mod slot;
mod tls;
mod upgraded;

pub(crate) use self::connections::AllCounters;
pub use self::connections::{Connections, LaneConnections};
pub(crate) use self::fetch::Fetch;
pub(crate) use self::http::Http;
pub(crate) use self::tls::check_identity;

use crate::config::Config;
use crate::error::Result;

/// Whether the certificates and keys of a configuration can be used, with the place where one stands that can't.
pub(crate) fn check(config: &Config) -> Result<()> {
    let tls = &config.server.tls;
    if let Some(authority) = &tls.authority {
        tls::check_authority(authority).map_err(|error| error.within(&config.cluster_place))?;
    }
    if let Some(identity) = &tls.identity {
        check_identity(identity).map_err(|error| error.within(&config.user_place))?;
    }
    Ok(())
}

#[cfg(test)]
mod compressed;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod shared;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod upgrades;
