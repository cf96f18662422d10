//! The parts of an object that have a path of their own.

use crate::kind::Resource;
use crate::view::{Message, Value};

/// The object itself, or a part of it with a path of its own.
pub trait Part: 'static {
    /// Such as `status`; empty for the object itself.
    const NAME: &'static str;
}

/// A part of an object with a path of its own.
pub trait Subresource: Part {}

/// The object itself.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Itself;

impl Part for Itself {
    const NAME: &'static str = "";
}

/// A kind whose objects have the part `S`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no subresource `{S}`",
    note = "the API server's documents say which there are; for a type of your own, `k8s_api::offers!` says it"
)]
pub trait HasSubresource<S: Part = Itself>: Resource {
    /// What is read and written there.
    type Object: Message + Value + Clone + Default + 'static;
}

impl<K: Resource> HasSubresource<Itself> for K {
    type Object = K;
}

macro_rules! subresources {
    ($($(#[doc = $doc:literal])* $type:ident $name:literal;)*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub struct $type;

        impl Part for $type {
            const NAME: &'static str = $name;
        }

        impl Subresource for $type {}
    )*};
}

subresources! {
    /// What was observed, as opposed to what is wanted.
    Status "status";
    /// The number of replicas, in the same form for every kind.
    Scale "scale";
    /// Whether a certificate is granted.
    Approval "approval";
    /// Debugging containers of a running pod.
    EphemeralContainers "ephemeralcontainers";
    /// The resources of a running pod's containers.
    Resize "resize";
    /// What keeps a namespace from going.
    Finalize "finalize";
    /// A deletion that disruption budgets may refuse.
    Eviction "eviction";
    /// The decision for a node.
    Binding "binding";
    /// A token for a service account.
    Token "token";
    /// What a container has written.
    Log "log";
    /// Running a command.
    Exec "exec";
    /// The input and output of a running container.
    Attach "attach";
    /// Connections to ports of a pod.
    PortForward "portforward";
    /// HTTP to what runs there.
    Proxy "proxy";
}
