//! How reqwest is set up.

use std::sync::Arc;
use std::time::Duration;

use k8s_api::transport::Lane;
use reqwest::redirect::Policy;

use super::connections::Counters;
use super::dial::{Dial, DialLayer};
use super::name::Elsewhere;
use super::slot::{Limit, Slot};
use crate::config::{Proxy, Settings};
use crate::error::{Error, Result};

/// What the client calls itself unless the program has a name.
pub(super) const NAME: &str = concat!("k8s-client-rs/", env!("CARGO_PKG_VERSION"));

/// What the pings are for HTTP/2; of HTTP/1.1 the kernel has to ask. Linux ends the connection at `UNANSWERED`.
const PROBE: Duration = Duration::from_secs(15);
#[cfg(target_os = "linux")]
const UNANSWERED: Duration = Duration::from_secs(45);

/// What one answer may have on its way. A list has to fill a fast line; a watch has to be small when its reader is slow.
const WINDOW: u32 = 2 << 20;
const WATCH_WINDOW: u32 = 256 << 10;
/// All answers together have no limit of their own: a few slow readers would use it up and stop the others.
const ALL_WINDOWS: u32 = i32::MAX as u32;

/// What all connections to one server have in common.
pub(super) struct Recipe {
    /// `None` for a plain server.
    pub(super) tls: Option<rustls::ClientConfig>,
    pub(super) elsewhere: Option<Elsewhere>,
    pub(super) proxy: Option<Proxy>,
    pub(super) settings: Settings,
}

impl Recipe {
    /// With a limit it is for HTTP/2 and nothing else, and without for HTTP/1.1: so hyper knows before it dials whether
    /// calls can share what comes of it.
    pub(super) fn slot(
        &self,
        lane: Lane,
        limit: Option<Arc<Limit>>,
        counters: Arc<Counters>,
    ) -> Result<Slot> {
        let http_2 = limit.is_some();
        let dial = Arc::new(Dial::new(counters.clone(), http_2, self.settings.timeouts.connect));
        let client = self.client(lane, http_2, DialLayer(dial.clone()))?;
        Ok(Slot::new(client, dial, counters, limit))
    }

    fn client(&self, lane: Lane, http_2: bool, layer: DialLayer) -> Result<reqwest::Client> {
        let Settings { user_agent, ping, pong, .. } = &self.settings;
        let builder = reqwest::Client::builder()
            // Policies of ours, which reqwest would do without telling.
            .retry(reqwest::retry::never())
            .redirect(Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent(user_agent.clone().unwrap_or(http::HeaderValue::from_static(NAME)))
            .connector_layer(layer)
            .tcp_keepalive(PROBE)
            .tcp_keepalive_interval(PROBE)
            .tcp_keepalive_retries(2);
        #[cfg(target_os = "linux")]
        let builder = builder.tcp_user_timeout(UNANSWERED);
        let builder = match http_2 {
            true => builder
                .http2_prior_knowledge()
                // Idle is what no new call has gone on for a while, even when a hundred watches run on it. The pings know
                // better whether it is alive, and the server ends what it has no use for.
                .pool_idle_timeout(None)
                .http2_keep_alive_interval(*ping)
                .http2_keep_alive_timeout(*pong)
                .http2_keep_alive_while_idle(true)
                .http2_initial_stream_window_size(if lane == Lane::Watch { WATCH_WINDOW } else { WINDOW })
                .http2_initial_connection_window_size(ALL_WINDOWS),
            false => builder.http1_only(),
        };
        let builder = match &self.proxy {
            Some(proxy) => {
                // Its URL may hold a password, and so may the error.
                let bad = |_| Error::config(format!("{}: {proxy} can't be used", proxy.from));
                builder.proxy(reqwest::Proxy::all(proxy.url.expose()).map_err(bad)?)
            }
            None => builder,
        };
        let builder = match &self.elsewhere {
            Some(elsewhere) => builder.dns_resolver(elsewhere.clone()),
            None => builder,
        };
        let builder = match self.tls.clone() {
            Some(mut tls) => {
                // reqwest leaves this to whoever brings a configuration; without it everything is HTTP/1.1. A server that
                // can't do the first takes the second, and so can be told from one that can't be talked to.
                tls.alpn_protocols = match http_2 {
                    true => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
                    false => vec![b"http/1.1".to_vec()],
                };
                builder.tls_backend_preconfigured(tls)
            }
            // Even for plain HTTP it would make a TLS configuration, and with it look for a crypto provider of the process.
            None => builder.tls_backend_preconfigured(super::tls::none()?),
        };
        builder.build().map_err(|error| Error::config("setting up HTTP").caused(error))
    }
}
