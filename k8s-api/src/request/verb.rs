//! What a kind offers, as traits: what it does not offer does not compile.
//!
//! [`offers!`](crate::offers!) implements them.

use super::answer::Answer;
use super::subresource::{HasSubresource, Itself, Part};
use crate::kind::Resource;
use crate::operation::Retry;

/// It can be read, one by one.
#[diagnostic::on_unimplemented(message = "the API offers no `get` of `{S}` for `{Self}`")]
pub trait Get<S: Part = Itself>: HasSubresource<S> {}

/// It can be listed.
#[diagnostic::on_unimplemented(message = "the API offers no `list` for `{Self}`")]
pub trait List: Resource {}

/// It can be followed.
#[diagnostic::on_unimplemented(message = "the API offers no `watch` for `{Self}`")]
pub trait Watch: Resource {}

/// It can be made.
#[diagnostic::on_unimplemented(message = "the API offers no `create` of `{S}` for `{Self}`")]
pub trait Create<S: Part = Itself>: HasSubresource<S> {
    /// What comes back: the object as it was stored, or a `Status` where nothing is.
    type Answer: Answer;
    /// When it may be sent again.
    const RETRY: Retry = Retry::Write;
}

/// It can be replaced.
#[diagnostic::on_unimplemented(message = "the API offers no `update` of `{S}` for `{Self}`")]
pub trait Replace<S: Part = Itself>: HasSubresource<S> {}

/// It can be patched and applied.
#[diagnostic::on_unimplemented(message = "the API offers no `patch` of `{S}` for `{Self}`")]
pub trait Patch<S: Part = Itself>: HasSubresource<S> {}

/// It can be deleted.
#[diagnostic::on_unimplemented(message = "the API offers no `delete` for `{Self}`")]
pub trait Delete: Resource {}

/// Many can be deleted at once.
#[diagnostic::on_unimplemented(message = "the API offers no `deletecollection` for `{Self}`")]
pub trait DeleteCollection: Resource {}

/// A connection to it can be had: its log, a command in it, its ports.
#[diagnostic::on_unimplemented(message = "the API offers no `{S}` for `{Self}`")]
pub trait Connect<S: Part>: Resource {}
