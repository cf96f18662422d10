//! Every operation of Kubernetes as a value: what is to be sent and what comes back, without any I/O.
//!
//! A request is made from what it can't do without, and narrowed by chained methods. Any [transport](crate::transport) can
//! send its [`Call`]; what comes back is [`Request::Answer`].
//!
//! ```
//! use k8s_api::core::v1::{Pod, pods};
//! use k8s_api::request::{Answer, Request};
//!
//! let request = pods::list("web").labels("app=api").limit(500);
//! let http = request.build()?;
//! assert_eq!(http.uri(), "/api/v1/namespaces/web/pods?labelSelector=app%3Dapi&limit=500");
//!
//! let list = k8s_api::list::List::<Pod>::read(br#"{"apiVersion": "v1", "kind": "PodList", "items": []}"#)?;
//! assert!(list.items.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The module of each resource, such as [`core::v1::pods`](crate::core::v1::pods), has a function for each of its operations. The
//! types here are the same for every kind, a custom one too: [`offers!`](crate::offers!) says what a kind offers, and what it
//! does not offer does not compile.
//!
//! ```compile_fail
//! // An answer that is not kept can't be deleted.
//! use k8s_api::request::{Delete, Place};
//! Delete::<k8s_api::authorization::v1::SelfSubjectAccessReview>::new(Place::cluster(), "x");
//! ```
//!
//! ```compile_fail
//! // A node lives in no namespace.
//! use k8s_api::request::{Get, Place};
//! Get::<k8s_api::core::v1::Node>::new(Place::namespace("web"), "node-1");
//! ```
//!
//! ```compile_fail
//! // Nothing can be made in all namespaces.
//! use k8s_api::request::{Create, Everywhere};
//! Create::<k8s_api::core::v1::Pod>::new(Everywhere, &Default::default());
//! ```
//!
//! ```compile_fail
//! // A ConfigMap has no status.
//! use k8s_api::request::{Get, Place, subresource::Status};
//! Get::<k8s_api::core::v1::ConfigMap, Status>::new(Place::namespace("web"), "settings");
//! ```

mod answer;
mod body;
mod connect;
mod delete;
mod document;
mod log;
mod offers;
mod options;
mod partial;
mod parts;
mod path;
mod place;
mod printed;
mod read;
pub mod server;
pub mod subresource;
pub mod verb;
mod write;

use std::borrow::Cow;
use std::fmt;

pub use answer::{Answer, Deleted, Events, Following, Upgraded};
pub use http::Method;

pub use body::{AsksForToken, Binds, Decided, Evicts, Suspend};
pub use connect::{Attach, Exec, PortForward, Proxy};
pub use delete::{Delete, DeleteCollection};
pub use document::PatchDocument;
pub use log::{FollowLog, Log};
pub use options::{__named, FieldValidation, Propagation, VersionMatch};
pub use partial::Partial;
#[doc(hidden)]
pub use path::encode as __encode;
pub use place::{Everywhere, Place, Places};
pub use printed::{AsTable, Column, Row, RowCondition, Table};
pub use read::{Get, List, Watch};
pub use subresource::{HasSubresource, Itself, Part, Subresource};
pub use write::{Apply, Create, Patch, Replace};

use crate::operation::Operation;
use crate::transport::{Body, Call};

/// One operation with everything that it needs.
pub trait Request {
    /// What comes back. It is an [`Answer`] unless it goes on: [`Events`], [`Following`], [`Upgraded`].
    type Answer;
    /// The parameters that it knows how to send in its query, or in the options in its body.
    const OPTIONS: &'static [&'static [&'static str]];

    /// What is asked for.
    fn operation(&self) -> Cow<'static, Operation>;

    /// Method, path, query, headers and body, or what is wrong with them.
    fn build(&self) -> Result<http::Request<Body>, RequestError>;

    /// What a transport sends.
    fn call(&self) -> Result<Call, RequestError> {
        Ok(Call::new(self.operation(), self.build()?))
    }
}

/// Why a request can't be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestError(Box<str>);

impl RequestError {
    pub(crate) fn new(message: impl Into<String>) -> RequestError {
        RequestError(message.into().into_boxed_str())
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RequestError {}
