//! What an error of reqwest's means: whether the server has seen the call, and a line for a person.

use std::error::Error as StdError;
use std::io;

use k8s_api::time::Time;
use k8s_api::transport::{Fault, Sent, TransportError};
use rustls::CertificateError;
use rustls::pki_types::UnixTime;

use super::dial::{NotHttp2, Shared};
use super::slot::Failure;

/// What came instead of the head of an answer.
pub(super) fn explain(failure: Failure, server: &str) -> TransportError {
    match failure {
        Failure::Own(error) | Failure::LeftAlone(error) => explain_own(error, server),
        Failure::Shared(error) => {
            let stage = Stage { builder: false, connect: true, timeout: find(&**error, timed_out).is_some() };
            describe(&**error, stage, server).with_source(Shared(error))
        }
    }
}

pub(super) fn explain_own(error: reqwest::Error, server: &str) -> TransportError {
    let stage =
        Stage { builder: error.is_builder(), connect: error.is_connect(), timeout: error.is_timeout() };
    describe(&error, stage, server).with_source(error.without_url())
}

/// What only the outermost error knows.
struct Stage {
    builder: bool,
    connect: bool,
    timeout: bool,
}

fn describe(error: &(dyn StdError + 'static), stage: Stage, server: &str) -> TransportError {
    let timeout = if stage.timeout { Fault::Timeout } else { Fault::Broken };
    let reason = match stage {
        Stage { connect: true, timeout: true, .. } => "it took too long".to_owned(),
        _ => reason(error),
    };
    let (sent, fault, message) = if stage.builder {
        (Sent::No, Fault::Setup, format!("the request can't be sent: {reason}"))
    } else if let Some(certificate) = find(error, certificate) {
        (Sent::No, Fault::Untrusted, format!("{server} is not trusted: {certificate}"))
    } else if let Some(alert) = find(error, unwelcome) {
        // It may come after the handshake, when the call is on its way already.
        let sent = if stage.connect { Sent::No } else { Sent::Unknown };
        (sent, Fault::Credential, format!("{server} does not accept the client certificate: {alert}"))
    } else if stage.connect {
        (Sent::No, timeout, format!("no connection to {server}: {reason}"))
    } else if find(error, refused).is_some() {
        (Sent::Refused, Fault::Broken, format!("{server} did not process it: {reason}"))
    } else {
        (Sent::Unknown, timeout, format!("{server} gave no answer: {reason}"))
    };
    TransportError::new(sent, fault, message)
}

/// An error in the middle of the body.
pub(super) fn explain_body(error: reqwest::Error, server: &str) -> TransportError {
    let fault = if error.is_timeout() { Fault::Timeout } else { Fault::Broken };
    let message = format!("the answer of {server} broke off: {}", reason(&error));
    TransportError::new(Sent::Unknown, fault, message).with_source(error.without_url())
}

/// Whether the server was found to speak HTTP/1.1 only, before anything was sent.
pub(super) fn no_http_2(failure: &Failure) -> bool {
    let error: &(dyn StdError + 'static) = match failure {
        Failure::Own(error) | Failure::LeftAlone(error) => error,
        Failure::Shared(error) => &***error,
    };
    find(error, |error| error.downcast_ref::<NotHttp2>()).is_some()
}

/// The innermost error says what happened; those around it only what it was in.
fn reason(error: &(dyn StdError + 'static)) -> String {
    chain(error).last().map(ToString::to_string).unwrap_or_default()
}

fn timed_out(error: &(dyn StdError + 'static)) -> Option<()> {
    (error.downcast_ref::<io::Error>()?.kind() == io::ErrorKind::TimedOut).then_some(())
}

/// The first that `what` makes of an error in the chain.
fn find<'e, T: 'e>(
    error: &'e (dyn StdError + 'static),
    what: impl Fn(&'e (dyn StdError + 'static)) -> Option<T>,
) -> Option<T> {
    chain(error).find_map(what)
}

/// From the outermost to the innermost. An error inside of an `io::Error` is no source of it, but belongs to it.
fn chain<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
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
        CertificateError::ExpiredContext { time, not_after } => {
            return Some(format!(
                "its certificate expired at {}; here it is {}",
                date(*not_after),
                date(*time)
            ));
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            let (from, now) = (date(*not_before), date(*time));
            return Some(format!("its certificate is not valid before {from}; here it is {now}"));
        }
        _ => return Some(error.to_string()),
    };
    Some(format!("{hint} ({error})"))
}

/// rustls tells seconds.
fn date(time: UnixTime) -> String {
    let at = i64::try_from(time.as_secs()).ok().and_then(|seconds| Time::from_unix(seconds, 0));
    at.map_or_else(|| format!("{} s after 1970", time.as_secs()), |at| at.to_string())
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
