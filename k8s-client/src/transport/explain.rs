//! What an error of reqwest's means: whether the server has seen the call, and a line for a person.

use std::error::Error as StdError;
use std::io;

use k8s_api::transport::{Fault, Sent, TransportError};
use rustls::CertificateError;

/// An error before the head of the answer.
pub(super) fn explain(error: reqwest::Error, server: &str) -> TransportError {
    let timeout = if error.is_timeout() { Fault::Timeout } else { Fault::Broken };
    let reason = reason(&error);
    let (sent, fault, message) = if error.is_builder() {
        (Sent::No, Fault::Setup, format!("the request can't be sent: {reason}"))
    } else if let Some(certificate) = find(&error, certificate) {
        (Sent::No, Fault::Untrusted, format!("{server} is not trusted: {certificate}"))
    } else if let Some(alert) = find(&error, unwelcome) {
        // It may come after the handshake, when the call is on its way already.
        let sent = if error.is_connect() { Sent::No } else { Sent::Unknown };
        (sent, Fault::Credential, format!("{server} does not accept the client certificate: {alert}"))
    } else if error.is_connect() {
        (Sent::No, timeout, format!("no connection to {server}: {reason}"))
    } else if find(&error, refused).is_some() {
        (Sent::Refused, Fault::Broken, format!("{server} did not process it: {reason}"))
    } else {
        (Sent::Unknown, timeout, format!("{server} gave no answer: {reason}"))
    };
    TransportError::new(sent, fault, message).with_source(error.without_url())
}

/// An error in the middle of the body.
pub(super) fn explain_body(error: reqwest::Error, server: &str) -> TransportError {
    let fault = if error.is_timeout() { Fault::Timeout } else { Fault::Broken };
    let message = format!("the answer of {server} broke off: {}", reason(&error));
    TransportError::new(Sent::Unknown, fault, message).with_source(error.without_url())
}

/// The innermost error says what happened; those around it only what it was in.
fn reason(error: &reqwest::Error) -> String {
    if error.is_connect() && error.is_timeout() {
        return "it took too long".to_owned();
    }
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

/// The first that `what` makes of an error in the chain.
fn find<T>(error: &reqwest::Error, what: impl Fn(&(dyn StdError + 'static)) -> Option<T>) -> Option<T> {
    chain(error).find_map(what)
}

/// From the outermost to the innermost. An error inside of an `io::Error` is no source of it, but belongs to it.
fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(Some(error as &(dyn StdError + 'static)), |&error| {
        match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inside) => Some(inside),
            None => error.source(),
        }
    })
}

/// A certificate is judged before anything is sent.
fn certificate(error: &(dyn StdError + 'static)) -> Option<String> {
    let error @ rustls::Error::InvalidCertificate(problem) = error.downcast_ref()? else { return None };
    let hint = match problem {
        // The second where both authorities have the same name, as those of most clusters have.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "its certificate comes from another authority than the certificate-authority that is configured"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "if it is the right server, tls-server-name can say under which name it has its certificate"
        }
        _ => return Some(error.to_string()),
    };
    Some(format!("{hint} ({error})"))
}

/// The server turned away the client's certificate, or wants one.
fn unwelcome(error: &(dyn StdError + 'static)) -> Option<String> {
    use rustls::AlertDescription as Alert;
    let error @ rustls::Error::AlertReceived(alert) = error.downcast_ref()? else { return None };
    let certificate = matches!(
        alert,
        Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::CertificateRequired
    );
    certificate.then(|| error.to_string())
}

/// The two ways in which HTTP/2 says that a stream was not processed. h2 gives the error of a GOAWAY only to streams
/// above the last one that the server named.
fn refused(error: &(dyn StdError + 'static)) -> Option<()> {
    let error = error.downcast_ref::<h2::Error>().filter(|error| error.is_remote())?;
    (error.is_go_away() || error.reason() == Some(h2::Reason::REFUSED_STREAM)).then_some(())
}
