//! Kinds that have no compiled type: what they are called ([`ApiResource`]), and their objects ([`DynamicObject`]).
//!
//! Their requests are those of compiled kinds: [`Place::resource`](crate::request::Place::resource) says which resource is meant.
//!
//! ```
//! use k8s_api::dynamic::{ApiResource, DynamicObject};
//! use k8s_api::request::{Get, Place, Request as _};
//!
//! let widgets = ApiResource::namespaced("example.com", "v1", "Widget", "widgets");
//! let get = Get::<DynamicObject>::new(Place::of(Some("web")).resource(&widgets), "one");
//! assert_eq!(get.build()?.uri(), "/apis/example.com/v1/namespaces/web/widgets/one");
//! # Ok::<(), k8s_api::request::RequestError>(())
//! ```

mod json;
mod object;
mod resource;

pub use json::Json;
pub use object::{DynamicError, DynamicObject};
pub use resource::{ApiResource, ApiSubresource};
