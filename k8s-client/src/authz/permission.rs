//! What a role can allow.

use std::fmt;

use http::Method;
use k8s_api::authorization::v1::{NonResourceAttributes, ResourceAttributes};
use k8s_api::operation::{Operation, Verb};
use k8s_api::request::Request;

use crate::error::Result;

/// One thing that a role can allow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Permission {
    /// Such as `get`, `list`, `deletecollection`, `impersonate`.
    pub verb: String,
    /// The group, empty for the core group.
    pub group: String,
    /// The resource in the plural, empty for a path.
    pub resource: String,
    /// The subresource, or empty.
    pub subresource: String,
    /// The namespace; empty for the cluster and for all namespaces.
    pub namespace: String,
    /// The object; empty for all of them.
    pub name: String,
    /// For what is no resource: its path, such as `/metrics`.
    pub path: String,
}

impl Permission {
    /// A verb and what it is done to, as `kubectl create role` has it: `deployments.apps/scale`, `pods/log`, `nodes`; or a
    /// path, such as `/metrics`.
    ///
    /// ```
    /// use k8s_client::authz::Permission;
    ///
    /// let permission = Permission::new("patch", "deployments.apps/scale").in_namespace("web").named("api");
    /// assert_eq!(permission.to_string(), "patch deployments.apps/scale in namespace web, name api");
    /// ```
    pub fn new(verb: &str, what: &str) -> Permission {
        let verb = verb.to_owned();
        if what.starts_with('/') {
            return Permission { verb, path: what.to_owned(), ..Permission::default() };
        }
        let (what, subresource) = what.split_once('/').unwrap_or((what, ""));
        let (resource, group) = what.split_once('.').unwrap_or((what, ""));
        let [group, resource, subresource] = [group, resource, subresource].map(str::to_owned);
        Permission { verb, group, resource, subresource, ..Permission::default() }
    }

    /// In one namespace, instead of in the cluster and all of them.
    pub fn in_namespace(mut self, namespace: &str) -> Permission {
        self.namespace = namespace.to_owned();
        self
    }

    /// One object, instead of all of them.
    pub fn named(mut self, name: &str) -> Permission {
        self.name = name.to_owned();
        self
    }

    /// What the server asks for before it does this; nothing is sent.
    pub fn of<R: Request>(request: &R) -> Result<Vec<Permission>> {
        let http = request.build()?;
        let applies = http
            .headers()
            .get(http::header::CONTENT_TYPE)
            .is_some_and(|value| value == "application/apply-patch+yaml");
        let op = request.operation();
        let verbs: &[&str] = match op.verb {
            Verb::Connect if *http.method() == Method::POST => &["create"],
            // It makes what is not there.
            Verb::Patch if applies && op.subresource.is_empty() => &["patch", "create"],
            verb => verb.in_roles(),
        };
        let one = Permission::at(&op, http.uri().path());
        Ok(verbs.iter().map(|verb| Permission { verb: (*verb).to_owned(), ..one.clone() }).collect())
    }

    /// What stands in the path of an operation.
    pub(super) fn at(op: &Operation, path: &str) -> Permission {
        if op.version.is_empty() {
            return Permission { path: path.to_owned(), ..Permission::default() };
        }
        let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        // `api` and the version, or `apis`, the group and the version.
        let before = if op.group.is_empty() { 2 } else { 3 };
        let mut rest = path.split('/').skip(1 + before).map(decode).peekable();
        let mut namespace = String::new();
        // A namespace itself is in none in its path, and in itself to the server's authorisation.
        if &*op.resource == "namespaces" {
            namespace = rest.clone().nth(1).unwrap_or_default();
        } else if rest.next_if(|part| part == "namespaces").is_some() {
            namespace = rest.next().unwrap_or_default();
        }
        let name = rest.nth(1).unwrap_or_default();
        let [group, resource, subresource] =
            [&op.group, &op.resource, &op.subresource].map(|text| text.to_string());
        Permission { group, resource, subresource, namespace, name, ..Permission::default() }
    }

    /// `for a Role in namespace web: {apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["patch"]}`
    pub(crate) fn rule(&self) -> String {
        let verb = &self.verb;
        if self.resource.is_empty() {
            return format!("for a ClusterRole: {{nonResourceURLs: [{:?}], verbs: [{verb:?}]}}", self.path);
        }
        let role = match &*self.namespace {
            "" => "for a ClusterRole".to_owned(),
            namespace => format!("for a Role in namespace {namespace}"),
        };
        // Of what has no name yet a rule can't allow only one.
        let names = match &**verb {
            "create" | "list" | "watch" | "deletecollection" => String::new(),
            _ if self.name.is_empty() => String::new(),
            _ => format!(", resourceNames: [{:?}]", self.name),
        };
        let (group, what) = (&self.group, self.resource_and_part());
        format!("{role}: {{apiGroups: [{group:?}], resources: [{what:?}]{names}, verbs: [{verb:?}]}}")
    }

    fn resource_and_part(&self) -> String {
        match &*self.subresource {
            "" => self.resource.clone(),
            part => format!("{}/{part}", self.resource),
        }
    }

    pub(super) fn attributes(&self) -> (Option<Box<ResourceAttributes>>, Option<Box<NonResourceAttributes>>) {
        if self.resource.is_empty() {
            let attributes = NonResourceAttributes {
                path: self.path.as_str().into(),
                verb: self.verb.as_str().into(),
                ..NonResourceAttributes::default()
            };
            return (None, Some(Box::new(attributes)));
        }
        let attributes = ResourceAttributes {
            namespace: self.namespace.as_str().into(),
            verb: self.verb.as_str().into(),
            group: self.group.as_str().into(),
            resource: self.resource.as_str().into(),
            subresource: self.subresource.as_str().into(),
            name: self.name.as_str().into(),
            ..ResourceAttributes::default()
        };
        (Some(Box::new(attributes)), None)
    }
}

/// `patch deployments.apps/scale in namespace web, name api`
impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Permission { verb, group, resource, subresource, namespace, name, path } = self;
        write!(f, "{verb} {resource}{path}")?;
        for (before, text) in
            [(".", group), ("/", subresource), (" in namespace ", namespace), (", name ", name)]
        {
            if !text.is_empty() {
                write!(f, "{before}{text}")?;
            }
        }
        Ok(())
    }
}
