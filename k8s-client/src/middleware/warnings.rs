//! What the server warns of: deprecated APIs, and what an admission plugin has to say.
//!
//! The header is `Warning: 299 - "text"`, as of RFC 7234, 5.5. As with kubectl only 299 is meant for people.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use http::header::WARNING;
use k8s_api::operation::Operation;
use k8s_api::transport::{Call, Sending, Transport};

/// How many warnings are remembered, by a number each. Then it begins afresh, and they may be said again.
const REMEMBERED: usize = 1024;

/// What is done with the warnings of a server.
///
/// ```
/// use k8s_client::middleware::Warnings;
///
/// # fn f(config: k8s_client::Config) -> k8s_client::Result<()> {
/// let warnings = Warnings::once(|operation, text| eprintln!("{operation}: {text}"));
/// let client = k8s_client::Client::builder(config).warnings(warnings).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Warnings(Option<Arc<Heard>>);

type Tell = Box<dyn Fn(&Operation, &str) + Send + Sync>;

struct Heard {
    tell: Tell,
    /// `None` to tell each of them.
    said: Option<Mutex<HashSet<u64>>>,
    hasher: RandomState,
}

impl Warnings {
    /// Logs each text once, as a warning of `tracing`. This is the default.
    pub fn log() -> Warnings {
        Warnings::once(|operation, text| {
            tracing::warn!(target: super::telemetry::TARGET, %operation, "the server warns: {text}");
        })
    }

    /// Gives each text once to `tell`, with what was asked for when it came first. Memory for it is bounded: after a thousand
    /// texts they may come again.
    pub fn once(tell: impl Fn(&Operation, &str) + Send + Sync + 'static) -> Warnings {
        Warnings::new(Box::new(tell), Some(Mutex::default()))
    }

    /// Gives each warning of each answer to `tell`.
    pub fn each(tell: impl Fn(&Operation, &str) + Send + Sync + 'static) -> Warnings {
        Warnings::new(Box::new(tell), None)
    }

    /// Passes them over.
    pub fn ignore() -> Warnings {
        Warnings(None)
    }

    fn new(tell: Tell, said: Option<Mutex<HashSet<u64>>>) -> Warnings {
        Warnings(Some(Arc::new(Heard { tell, said, hasher: RandomState::new() })))
    }
}

impl Default for Warnings {
    fn default() -> Warnings {
        Warnings::log()
    }
}

impl Heard {
    fn hear(&self, operation: &Operation, text: &str) {
        if let Some(said) = &self.said {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            if said.len() >= REMEMBERED {
                said.clear();
            }
            if !said.insert(self.hasher.hash_one(text)) {
                return;
            }
        }
        (self.tell)(operation, text);
    }
}

struct Layer {
    inner: Arc<dyn Transport>,
    heard: Arc<Heard>,
}

/// Wraps `inner`, if anything is to be done at all.
pub(crate) fn layer(inner: Arc<dyn Transport>, warnings: Warnings) -> Arc<dyn Transport> {
    match warnings.0 {
        Some(heard) => Arc::new(Layer { inner, heard }),
        None => inner,
    }
}

impl Transport for Layer {
    fn send(&self, call: Call) -> Sending {
        let (heard, op) = (self.heard.clone(), call.meta.op.clone());
        let sending = self.inner.send(call);
        Box::pin(async move {
            let reply = sending.await?;
            for value in reply.head.headers.get_all(WARNING) {
                if let Ok(value) = std::str::from_utf8(value.as_bytes()) {
                    texts(value).iter().for_each(|text| heard.hear(&op, text));
                }
            }
            Ok(reply)
        })
    }
}

/// The texts for people in one header. What follows something that can't be read is left out.
fn texts(mut header: &str) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some((code, text, rest)) = first(header) {
        if code == "299" && !text.is_empty() && !text.chars().any(char::is_control) {
            texts.push(text);
        }
        header = rest;
    }
    texts
}

/// `code agent "text"`, perhaps a `"date"`, and what comes after the comma.
fn first(header: &str) -> Option<(&str, String, &str)> {
    let (code, rest) = header.trim().split_once(' ')?;
    let (agent, rest) = rest.split_once(' ')?;
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_digit()) || agent.is_empty() {
        return None;
    }
    let (text, rest) = quoted(rest)?;
    let rest = match quoted(rest) {
        Some((_, rest)) => rest,
        None => rest,
    };
    match rest.strip_prefix(',') {
        Some(rest) => Some((code, text, rest)),
        None if rest.is_empty() => Some((code, text, rest)),
        None => None,
    }
}

/// A text in quotes, with `\` before what is meant as it is; and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start().strip_prefix('"')?;
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, text[at + 1..].trim_start())),
            '\\' => out.push(chars.next()?.1),
            c => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests;
