//! How a kind says what it offers.

/// Says what the API offers for a kind: a line for its objects, and one for each subresource with what is sent and read
/// there.
///
/// `create: Status` is for what answers with a `Status`, `ask: Status` for what is never sent again by itself, since a refusal with 429
/// is an answer to it.
///
/// A custom resource says it in the same way:
///
/// ```
/// # use k8s_api::{Cluster, Resource, meta::v1::ObjectMeta, unknown::Unknown};
/// use k8s_api::request::{Place, Replace, Request as _, subresource::Status};
///
/// #[derive(Clone, Default, PartialEq)]
/// pub struct Widget {
///     pub metadata: ObjectMeta,
///     #[doc(hidden)]
///     pub __unknown: Unknown,
/// }
/// # k8s_api::table! { Widget, "com.example.v1.Widget", Some(Kind { api_version: "example.com/v1", kind: "Widget" });
/// #     0 metadata: field("metadata", 0),
/// # }
/// # impl Resource for Widget {
/// #     type Scope = Cluster;
/// #     const GROUP: &'static str = "example.com";
/// #     const VERSION: &'static str = "v1";
/// #     const KIND: &'static str = "Widget";
/// #     const API_VERSION: &'static str = "example.com/v1";
/// #     const LIST_KIND: &'static str = "WidgetList";
/// #     const PLURAL: &'static str = "widgets";
/// #     const SINGULAR: &'static str = "widget";
/// #     const SHORT_NAMES: &'static [&'static str] = &[];
/// #     const CATEGORIES: &'static [&'static str] = &[];
/// #     fn metadata(&self) -> &ObjectMeta { &self.metadata }
/// #     fn metadata_mut(&mut self) -> &mut ObjectMeta { &mut self.metadata }
/// # }
///
/// k8s_api::offers! { Widget: get, list, watch, create, replace, patch, delete, delete_collection }
/// k8s_api::offers! { Widget, Status(Widget): get, replace, patch }
///
/// let request = Replace::<Widget, Status>::on(Place::cluster(), "w", &Widget::default()).build()?;
/// assert_eq!(request.uri(), "/apis/example.com/v1/widgets/w/status");
/// # Ok::<(), k8s_api::request::RequestError>(())
/// ```
#[macro_export]
macro_rules! offers {
    ($kind:ty: $($verb:ident $(: $answer:ident)?),*) => {
        $($crate::offers! { @ $verb $(: $answer)?, $kind, Itself, $kind })*
    };
    ($kind:ty, $sub:ident($object:ty): $($verb:ident $(: $answer:ident)?),*) => {
        impl $crate::request::HasSubresource<$crate::request::subresource::$sub> for $kind {
            type Object = $object;
        }
        $($crate::offers! { @ $verb $(: $answer)?, $kind, $sub, $object })*
    };
    ($kind:ty, $sub:ident) => {
        impl $crate::request::verb::Connect<$crate::request::subresource::$sub> for $kind {}
    };
    (@ get, $kind:ty, $sub:ident, $object:ty) => {
        impl $crate::request::verb::Get<$crate::request::subresource::$sub> for $kind {}
    };
    (@ replace, $kind:ty, $sub:ident, $object:ty) => {
        impl $crate::request::verb::Replace<$crate::request::subresource::$sub> for $kind {}
    };
    (@ patch, $kind:ty, $sub:ident, $object:ty) => {
        impl $crate::request::verb::Patch<$crate::request::subresource::$sub> for $kind {}
    };
    (@ create, $kind:ty, $sub:ident, $object:ty) => {
        impl $crate::request::verb::Create<$crate::request::subresource::$sub> for $kind {
            type Answer = $object;
        }
    };
    (@ create: Status, $kind:ty, $sub:ident, $object:ty) => {
        impl $crate::request::verb::Create<$crate::request::subresource::$sub> for $kind {
            type Answer = $crate::meta::v1::Status;
        }
    };
    (@ ask: Status, $kind:ty, $sub:ident, $object:ty) => {
        impl $crate::request::verb::Create<$crate::request::subresource::$sub> for $kind {
            type Answer = $crate::meta::v1::Status;
            const RETRY: $crate::operation::Retry = $crate::operation::Retry::Answered;
        }
    };
    (@ list, $kind:ty, $sub:ident, $object:ty) => {
        impl $crate::request::verb::List for $kind {}
    };
    (@ watch, $kind:ty, $sub:ident, $object:ty) => {
        impl $crate::request::verb::Watch for $kind {}
    };
    (@ delete, $kind:ty, $sub:ident, $object:ty) => {
        impl $crate::request::verb::Delete for $kind {}
    };
    (@ delete_collection, $kind:ty, $sub:ident, $object:ty) => {
        impl $crate::request::verb::DeleteCollection for $kind {}
    };
}
