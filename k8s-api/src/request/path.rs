//! Paths and queries, with everything in them encoded that could be taken for something else.

use super::RequestError;
use crate::operation::Operation;

/// The path of all objects of a resource, of one of them, or of a part of it. The error says what is missing.
pub(super) fn path(
    op: &Operation,
    kind: &str,
    namespace: Option<&str>,
    name: Option<&str>,
) -> Result<String, RequestError> {
    let mut path = if op.group.is_empty() {
        format!("/api/{}", op.version)
    } else {
        format!("/apis/{}/{}", op.group, op.version)
    };
    let mut part = |before: &str, what: &str, value: &str| {
        // An empty one would be the path of all of them.
        if value.is_empty() {
            return Err(RequestError::new(format!("the {what} of a {kind} is empty")));
        }
        path.push_str(before);
        encode(value, &mut path);
        Ok(())
    };
    if let Some(namespace) = namespace {
        part("/namespaces/", "namespace", namespace)?;
    }
    part("/", "resource", &op.resource)?;
    if let Some(name) = name {
        part("/", "name", name)?;
    }
    if !op.subresource.is_empty() {
        part("/", "subresource", &op.subresource)?;
    }
    Ok(path)
}

/// `?a=b&c=d`, or nothing.
pub(super) fn query<N: AsRef<str>>(parameters: &[(N, String)]) -> String {
    let mut text = String::new();
    for (name, value) in parameters {
        text.push(if text.is_empty() { '?' } else { '&' });
        encode(name.as_ref(), &mut text);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

/// A path below another one: its slashes stay.
pub(super) fn encode_below(value: &str, out: &mut String) {
    for part in value.trim_start_matches('/').split('/') {
        out.push('/');
        encode(part, out);
    }
}

/// One part of a path, or one value of a query.
pub fn encode(value: &str, out: &mut String) {
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => out.push(byte as char),
            // `.` and `..` are folders.
            b'.' if value.bytes().any(|byte| byte != b'.') => out.push('.'),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{encode_below, query};
    use crate::operation::{Operation, Retry, Verb};

    fn path(group: &'static str, namespace: Option<&str>, name: Option<&str>) -> Result<String, String> {
        let op = Operation {
            verb: Verb::Get,
            group: group.into(),
            version: "v1".into(),
            resource: "pods".into(),
            subresource: "".into(),
            retry: Retry::Read,
        };
        super::path(&op, "Pod", namespace, name).map_err(|error| error.to_string())
    }

    #[test]
    fn paths_name_what_they_are_of() {
        assert_eq!(path("", None, None).unwrap(), "/api/v1/pods");
        assert_eq!(path("a.io", Some("a"), Some("b.c")).unwrap(), "/apis/a.io/v1/namespaces/a/pods/b.c");
        assert_eq!(path("a.io", None, Some("x")).unwrap(), "/apis/a.io/v1/pods/x");
    }

    #[test]
    fn a_name_is_one_part_of_the_path_whatever_it_holds() {
        assert_eq!(path("", Some("a"), Some("../b?c")).unwrap(), "/api/v1/namespaces/a/pods/..%2Fb%3Fc");
        assert_eq!(path("", Some("a"), Some("..")).unwrap(), "/api/v1/namespaces/a/pods/%2E%2E");
        assert_eq!(path("", Some("a"), Some("")).unwrap_err(), "the name of a Pod is empty");
        assert_eq!(path("", Some(""), None).unwrap_err(), "the namespace of a Pod is empty");
    }

    #[test]
    fn a_path_below_keeps_its_slashes_and_can_not_climb() {
        let mut path = "/proxy".to_owned();
        encode_below("/a/../b?c/", &mut path);
        assert_eq!(path, "/proxy/a/%2E%2E/b%3Fc/");
    }

    #[test]
    fn queries_are_encoded() {
        assert_eq!(query::<&str>(&[]), "");
        let parameters = [("labelSelector", "a in (b,ü)".to_owned()), ("limit", "5".to_owned())];
        assert_eq!(query(&parameters), "?labelSelector=a%20in%20%28b%2C%C3%BC%29&limit=5");
    }
}
