//! Deciding on requests for certificates.

use k8s_api::request::subresource::Approval;
use k8s_api::request::{Decided, HasSubresource};

use super::Api;
use super::modify::Modify;

impl<K: Decided + HasSubresource<Approval, Object = K>> Api<K> {
    /// Grants a certificate. `reason` is one word for programs, `message` a sentence for people. What has the decision
    /// already stays as it is; what was decided otherwise is an error.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// use k8s_api::certificates::v1::CertificateSigningRequest;
    ///
    /// let requests = client.cluster::<CertificateSigningRequest>();
    /// requests.approve("node-7", "KnownNode", "It is in the inventory.").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn approve(&self, name: &str, reason: &str, message: &str) -> Modify<'static, K, Approval> {
        self.decide(name, "Approved", reason, message)
    }

    /// Refuses a certificate.
    pub fn deny(&self, name: &str, reason: &str, message: &str) -> Modify<'static, K, Approval> {
        self.decide(name, "Denied", reason, message)
    }

    fn decide(
        &self,
        name: &str,
        decision: &'static str,
        reason: &str,
        message: &str,
    ) -> Modify<'static, K, Approval> {
        let (reason, message) = (reason.to_owned(), message.to_owned());
        self.approval().modify(name, move |request: &mut K| request.decide(decision, &reason, &message))
    }
}
