//! What the short forms of a client fill in, for the types that have it.
//!
//! As traits, since the types belong to features of this crate, and a client is compiled without knowing which are on.

use crate::kind::Resource;
use crate::meta::v1::DeleteOptions;

use super::{subresource, verb};

/// A kind whose objects rest while `spec.suspend` says so.
#[diagnostic::on_unimplemented(message = "`{Self}` can't be suspended")]
pub trait Suspend: verb::Patch {}

#[cfg(feature = "batch")]
impl Suspend for crate::batch::v1::CronJob {}
#[cfg(feature = "batch")]
impl Suspend for crate::batch::v1::Job {}

/// What evicts a pod.
pub trait Evicts {
    /// For the pod of this name, which is deleted with these options.
    fn evicts(name: &str, options: DeleteOptions) -> Self;
}

#[cfg(feature = "policy")]
impl Evicts for crate::policy::v1::Eviction {
    fn evicts(name: &str, options: DeleteOptions) -> Self {
        let mut eviction = Self::default();
        eviction.metadata.name = name.into();
        eviction.delete_options = (options != DeleteOptions::default()).then(|| Box::new(options));
        eviction
    }
}

/// What gives a pod to a node.
pub trait Binds {
    /// The pod of this name to this node.
    fn binds(name: &str, node: &str) -> Self;
}

#[cfg(feature = "core")]
impl Binds for crate::core::v1::Binding {
    fn binds(name: &str, node: &str) -> Self {
        let mut binding = Self::default();
        binding.metadata.name = name.into();
        (binding.target.kind, binding.target.name) = ("Node".into(), node.into());
        binding
    }
}

/// What asks for a token.
pub trait AsksForToken {
    /// For one more audience.
    fn add_audience(&mut self, audience: &str);
    /// For so long.
    fn set_seconds(&mut self, seconds: i64);
    /// Only for as long as this object is there.
    fn bind_to<K: Resource>(&mut self, object: &K);
}

#[cfg(feature = "authentication")]
impl AsksForToken for crate::authentication::v1::TokenRequest {
    fn add_audience(&mut self, audience: &str) {
        self.spec.audiences.push(audience.into());
    }

    fn set_seconds(&mut self, seconds: i64) {
        self.spec.expiration_seconds = Some(seconds);
    }

    fn bind_to<K: Resource>(&mut self, object: &K) {
        let reference = self.spec.bound_object_ref.get_or_insert_default();
        (reference.kind, reference.api_version) = (K::KIND.into(), K::API_VERSION.into());
        (reference.name, reference.uid) = (object.metadata().name.clone(), object.metadata().uid.clone());
    }
}

/// What is approved or denied.
pub trait Decided:
    verb::Get<subresource::Approval, Object = Self> + verb::Replace<subresource::Approval>
{
    /// Notes a decision, `Approved` or `Denied`, unless it is there already. The server notes the time.
    fn decide(&mut self, decision: &str, reason: &str, message: &str);
}

#[cfg(feature = "certificates")]
impl Decided for crate::certificates::v1::CertificateSigningRequest {
    fn decide(&mut self, decision: &str, reason: &str, message: &str) {
        let conditions = &mut self.status.conditions;
        if conditions.iter().all(|condition| condition.type_ != decision) {
            conditions.push(crate::certificates::v1::CertificateSigningRequestCondition {
                type_: decision.into(),
                status: "True".into(),
                reason: reason.into(),
                message: message.into(),
                ..Default::default()
            });
        }
    }
}
