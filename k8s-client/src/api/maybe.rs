//! Reading what need not be there.

use std::future::IntoFuture;

use futures_util::future::{BoxFuture, FutureExt as _};
use k8s_api::request::{self, Itself, Part, verb};

use super::pending::Pending;
use crate::error::{Error, Result};

/// A read for which it is no error that there is no object of this name.
///
/// Anything else that is not there is an error: a kind that the server does not know, a namespace where the server tells. Asked for an
/// object in a namespace that does not exist, it answers as if only the object were missing.
#[derive(Clone, Debug)]
#[must_use = "a request is sent when it is awaited"]
pub struct GetOpt<K, S = Itself> {
    pub(super) get: Pending<request::Get<K, S>>,
    pub(super) name: String,
}

impl<K: verb::Get<S>, S: Part> GetOpt<K, S> {
    /// A state that is not older than this version; `0` is whatever the server has at hand. Without it the state is the
    /// latest one.
    pub fn version(self, version: &str) -> Self {
        GetOpt { get: self.get.version(version), name: self.name }
    }
}

impl<K: verb::Get<S>, S: Part> IntoFuture for GetOpt<K, S> {
    type Output = Result<Option<K::Object>>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let (get, name) = (self.get.into_future(), self.name);
        get.map(move |result| match result {
            Ok(object) => Ok(Some(object)),
            Err(error) if is_absent(&error, &name, K::PLURAL) => Ok(None),
            Err(error) => Err(error),
        })
        .boxed()
    }
}

/// Whether it says that there is no object of this name, and not that something else is missing: a server that doesn't know the
/// kind names no object.
fn is_absent(error: &Error, name: &str, resource: &str) -> bool {
    error.is_not_found()
        && error.status().is_some_and(|status| {
            status.name == name && (status.kind != "namespaces" || resource == "namespaces")
        })
}
