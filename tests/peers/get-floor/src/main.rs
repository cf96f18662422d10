//! What is below every client here: the same answer over hyper's client, or over reqwest set up as k8s-client does it, and
//! nothing made of it. `get-floor URL CONCURRENCY hyper|reqwest`.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

fn path(url: &str) -> String {
    format!("{url}/api/v1/namespaces/{}/pods/{}", get::NAMESPACE, get::NAME)
}

fn main() {
    match std::env::args().nth(3).as_deref() {
        Some("hyper") => hyper(),
        Some("reqwest") => reqwest(),
        other => panic!("there is no floor {other:?}: hyper or reqwest"),
    }
}

fn hyper() {
    type Hyper = Client<HttpConnector, Empty<Bytes>>;
    let connect = async |url: &str| -> (Hyper, http::Uri) {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        (Client::builder(TokioExecutor::new()).build(connector), path(url).parse().expect("a URI"))
    };
    get::measure(connect, |(client, uri)| async move {
        let mut request = http::Request::new(Empty::new());
        *request.uri_mut() = uri;
        request
            .headers_mut()
            .insert(http::header::ACCEPT, http::HeaderValue::from_static("application/json"));
        let response = client.request(request).await.expect("an answer");
        response.into_body().collect().await.expect("a body").to_bytes();
    });
}

fn reqwest() {
    let connect = async |url: &str| -> (reqwest::Client, reqwest::Url) {
        let tls =
            rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
                .with_safe_default_protocol_versions()
                .expect("TLS")
                .with_root_certificates(rustls::RootCertStore::empty())
                .with_no_client_auth();
        let client = reqwest::Client::builder()
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .user_agent("floor")
            .connect_timeout(Duration::from_secs(10))
            .tls_backend_preconfigured(tls);
        (client.build().expect("a client"), path(url).parse().expect("a URL"))
    };
    get::measure(connect, |(client, url)| async move {
        let mut request = reqwest::Request::new(reqwest::Method::GET, url);
        let accept = reqwest::header::HeaderValue::from_static("application/json");
        request.headers_mut().insert(reqwest::header::ACCEPT, accept);
        client.execute(request).await.expect("an answer").bytes().await.expect("a body");
    });
}
