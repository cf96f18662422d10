//! Who may do what: questions to the server's authorisation.
//!
//! ```no_run
//! # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
//! use k8s_api::core::v1::pods;
//! use k8s_client::authz::{Permission, Subject};
//!
//! let me = client.who_am_i().await?;
//! let access = client.can_i(&pods::delete("web", "api-0")).await?;
//! println!("may {} delete it? {access}", me.username);
//!
//! // In words, as a role names it; and for somebody else, which takes the permission to ask.
//! let scale = Permission::new("patch", "deployments.apps/scale").in_namespace("web");
//! println!("may I? {}", client.allowed(&scale).await?);
//! println!("may ann? {}", client.allowed_for(&Subject::user("ann").group("dev"), &scale).await?);
//! # Ok(())
//! # }
//! ```
//!
//! A no is an answer here and never an error. A yes is one for now, and for authorisation alone: an admission may still
//! refuse the object.

mod denied;
mod permission;

use std::collections::BTreeMap;
use std::fmt;

use k8s_api::authentication::v1::{
    SelfSubjectReview, TokenReview, TokenReviewStatus, UserInfo, selfsubjectreviews, tokenreviews,
};
use k8s_api::authorization::v1::{
    LocalSubjectAccessReview, SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview,
    SubjectAccessReviewSpec, SubjectAccessReviewStatus, SubjectRulesReviewStatus, localsubjectaccessreviews,
    selfsubjectaccessreviews, selfsubjectrulesreviews, subjectaccessreviews,
};
use k8s_api::request::Request;

use crate::client::Client;
use crate::error::Result;
use crate::secret::Secret;

pub use denied::Denied;
pub use permission::Permission;

/// What the server says to a question of who may do what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// Whether it is allowed.
    pub allowed: bool,
    /// What is not allowed of what was asked for.
    pub missing: Option<Permission>,
    /// Why, where the server tells it: most often only for a yes.
    pub reason: String,
    /// What went wrong on the way to the answer, such as a role that is named and doesn't exist.
    pub evaluation_error: String,
}

/// `yes`, or `no: delete pods in namespace web, name api-0`.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.allowed { "yes" } else { "no" })?;
        if let Some(missing) = &self.missing {
            write!(f, ": {missing}")?;
        }
        if !self.evaluation_error.is_empty() {
            write!(f, " ({})", self.evaluation_error)?;
        }
        Ok(())
    }
}

impl Access {
    fn of(permission: &Permission, status: SubjectAccessReviewStatus) -> Access {
        Access {
            allowed: status.allowed,
            missing: (!status.allowed).then(|| permission.clone()),
            reason: status.reason.to_string(),
            evaluation_error: status.evaluation_error.to_string(),
        }
    }
}

/// Somebody, as the server's authorisation knows people and programs.
///
/// The groups are not looked up: who asks has to name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Subject {
    /// The name.
    pub user: String,
    /// All groups, `system:authenticated` too.
    pub groups: Vec<String>,
    /// The UID, where an authoriser looks at it.
    pub uid: String,
    /// What else the authentication says of a user.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl Subject {
    /// Somebody who is logged in.
    pub fn user(name: &str) -> Subject {
        let groups = vec!["system:authenticated".to_owned()];
        Subject { user: name.to_owned(), groups, ..Subject::default() }
    }

    /// A service account, with the groups that it has.
    pub fn service_account(namespace: &str, name: &str) -> Subject {
        let mut subject = Subject::user(&format!("system:serviceaccount:{namespace}:{name}"));
        subject.groups.push("system:serviceaccounts".to_owned());
        subject.groups.push(format!("system:serviceaccounts:{namespace}"));
        subject
    }

    /// Somebody who is in this group too.
    pub fn group(mut self, name: &str) -> Subject {
        self.groups.push(name.to_owned());
        self
    }

    fn asks(&self, permission: &Permission) -> SubjectAccessReviewSpec {
        let (resource_attributes, non_resource_attributes) = permission.attributes();
        SubjectAccessReviewSpec {
            resource_attributes,
            non_resource_attributes,
            user: self.user.as_str().into(),
            groups: self.groups.iter().map(|group| group.as_str().into()).collect(),
            uid: self.uid.as_str().into(),
            extra: self
                .extra
                .iter()
                .map(|(key, values)| {
                    (key.as_str().into(), values.iter().map(|value| value.as_str().into()).collect())
                })
                .collect(),
            ..SubjectAccessReviewSpec::default()
        }
    }
}

impl Client {
    /// Whether the server would allow this request; it is not sent.
    ///
    /// Some take two permissions, and the answer says no when one of them is missing and names it: a command or a port of a
    /// pod takes `create` beside `get` since Kubernetes 1.35, and applying takes `create` beside `patch` where there is no
    /// such object yet.
    pub async fn can_i<R: Request>(&self, request: &R) -> Result<Access> {
        let mut last = Access::default();
        for permission in Permission::of(request)? {
            last = self.allowed(&permission).await?;
            if !last.allowed {
                break;
            }
        }
        Ok(last)
    }

    /// Whether the server would allow this to whoever asks.
    pub async fn allowed(&self, permission: &Permission) -> Result<Access> {
        let mut review = SelfSubjectAccessReview::default();
        (review.spec.resource_attributes, review.spec.non_resource_attributes) = permission.attributes();
        let review = self.request(selfsubjectaccessreviews::create(&review)).await?;
        Ok(Access::of(permission, review.status))
    }

    /// Whether the server would allow this to somebody else. It takes `create` of `subjectaccessreviews.authorization.k8s.io`.
    pub async fn allowed_for(&self, subject: &Subject, permission: &Permission) -> Result<Access> {
        let review = SubjectAccessReview { spec: subject.asks(permission), ..SubjectAccessReview::default() };
        let review = self.request(subjectaccessreviews::create(&review)).await?;
        Ok(Access::of(permission, review.status))
    }

    /// The same for what is in one namespace, where a role in that namespace is enough to ask: `create` of
    /// `localsubjectaccessreviews.authorization.k8s.io`.
    pub async fn allowed_in(
        &self,
        namespace: &str,
        subject: &Subject,
        permission: &Permission,
    ) -> Result<Access> {
        let permission = permission.clone().in_namespace(namespace);
        let review = LocalSubjectAccessReview { spec: subject.asks(&permission), ..Default::default() };
        let review = self.request(localsubjectaccessreviews::create(namespace, &review)).await?;
        Ok(Access::of(&permission, review.status))
    }

    /// Who the server takes this client for.
    pub async fn who_am_i(&self) -> Result<UserInfo> {
        let review = self.request(selfsubjectreviews::create(&SelfSubjectReview::default())).await?;
        Ok(review.status.user_info)
    }

    /// What whoever asks may do in a namespace, as rules. For showing it: an authoriser that can't list its rules leaves them out
    /// and says `incomplete`, so a decision belongs to [`Client::can_i`].
    pub async fn my_rules(&self, namespace: &str) -> Result<SubjectRulesReviewStatus> {
        let mut review = SelfSubjectRulesReview::default();
        review.spec.namespace = namespace.into();
        Ok(self.request(selfsubjectrulesreviews::create(&review)).await?.status)
    }

    /// Whose token it is; with audiences, whether it is meant for one of them. A token that the server does not know is
    /// `authenticated: false`.
    pub async fn review_token(&self, token: &Secret, audiences: &[&str]) -> Result<TokenReviewStatus> {
        let mut review = TokenReview::default();
        review.spec.token = token.expose().into();
        review.spec.audiences = audiences.iter().map(|audience| (*audience).into()).collect();
        Ok(self.request(tokenreviews::create(&review)).await?.status)
    }
}

#[cfg(test)]
mod tests;
