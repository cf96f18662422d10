//! One client, and with it one set of connections, for each lane.

use std::time::Duration;

use k8s_api::transport::Lane;
use reqwest::redirect::Policy;

use super::name::Elsewhere;
use crate::config::{Proxy, Settings};
use crate::error::{Error, Result};

/// What the client calls itself unless the program has a name.
pub(super) const NAME: &str = concat!("k8s-client-rs/", env!("CARGO_PKG_VERSION"));

/// A dead connection is noticed after `PING + PONG`, which has to stay below 45 s.
const PING: Duration = Duration::from_secs(25);
const PONG: Duration = Duration::from_secs(15);
/// The same for HTTP/1.1, where the kernel has to ask. Linux ends the connection at `UNANSWERED`.
const PROBE: Duration = Duration::from_secs(15);
#[cfg(target_os = "linux")]
const UNANSWERED: Duration = Duration::from_secs(45);

/// What one answer may have on its way. A list has to fill a fast line; a watch has to be small when its reader is slow.
const WINDOW: u32 = 2 << 20;
const WATCH_WINDOW: u32 = 256 << 10;
/// All answers together have no limit of their own: a few slow readers would use it up and stop the others.
const ALL_WINDOWS: u32 = i32::MAX as u32;

pub(super) struct Lanes {
    read: reqwest::Client,
    write: reqwest::Client,
    watch: reqwest::Client,
    lease: reqwest::Client,
    upgrade: reqwest::Client,
}

impl Lanes {
    pub(super) fn of(&self, lane: Lane) -> &reqwest::Client {
        match lane {
            Lane::Write => &self.write,
            Lane::Watch => &self.watch,
            Lane::Lease => &self.lease,
            Lane::Upgrade => &self.upgrade,
            _ => &self.read,
        }
    }
}

/// Without `tls` the lanes are HTTP/1.1, as plain servers speak it.
pub(super) fn build(
    tls: Option<rustls::ClientConfig>,
    elsewhere: Option<Elsewhere>,
    proxy: Option<&Proxy>,
    settings: &Settings,
) -> Result<Lanes> {
    let build = |lane| client(lane, tls.clone(), elsewhere.clone(), proxy, settings);
    Ok(Lanes {
        read: build(Lane::Read)?,
        write: build(Lane::Write)?,
        watch: build(Lane::Watch)?,
        lease: build(Lane::Lease)?,
        upgrade: build(Lane::Upgrade)?,
    })
}

fn client(
    lane: Lane,
    tls: Option<rustls::ClientConfig>,
    elsewhere: Option<Elsewhere>,
    proxy: Option<&Proxy>,
    settings: &Settings,
) -> Result<reqwest::Client> {
    let name = settings.user_agent.clone();
    let builder = reqwest::Client::builder()
        // Policies of ours, which reqwest would do without telling.
        .retry(reqwest::retry::never())
        .redirect(Policy::none())
        .referer(false)
        .no_proxy()
        .user_agent(name.unwrap_or(http::HeaderValue::from_static(NAME)))
        .connect_timeout(settings.timeouts.connect)
        .tcp_keepalive(PROBE)
        .tcp_keepalive_interval(PROBE)
        .tcp_keepalive_retries(2)
        .http2_keep_alive_interval(PING)
        .http2_keep_alive_timeout(PONG)
        .http2_keep_alive_while_idle(true)
        .http2_initial_stream_window_size(if lane == Lane::Watch { WATCH_WINDOW } else { WINDOW })
        .http2_initial_connection_window_size(ALL_WINDOWS);
    #[cfg(target_os = "linux")]
    let builder = builder.tcp_user_timeout(UNANSWERED);
    let builder = match proxy {
        Some(proxy) => {
            // Its URL may hold a password, and so may the error.
            let bad = |_| Error::config(format!("proxy-url: {proxy} can't be used"));
            builder.proxy(reqwest::Proxy::all(proxy.url.expose()).map_err(bad)?)
        }
        None => builder,
    };
    let builder = match elsewhere {
        Some(elsewhere) => builder.dns_resolver(elsewhere),
        None => builder,
    };
    let builder = match tls {
        Some(mut tls) => {
            // reqwest leaves this to whoever brings a configuration; without it everything is HTTP/1.1.
            tls.alpn_protocols = match lane {
                Lane::Upgrade => vec![b"http/1.1".to_vec()],
                _ => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            };
            builder.tls_backend_preconfigured(tls)
        }
        // Even for plain HTTP it would make a TLS configuration, and with it look for a crypto provider of the process.
        None => builder.tls_backend_preconfigured(super::tls::none()?),
    };
    builder.build().map_err(|error| Error::config("setting up HTTP").caused(error))
}
