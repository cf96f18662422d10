//! Paths and queries, with everything in them encoded that could be taken for something else.

use k8s_api::Resource;

/// The path of all objects of a kind, or of one of them. The error says what is missing.
pub(super) fn path<K: Resource>(namespace: Option<&str>, name: Option<&str>) -> Result<String, String> {
    let mut path = if K::GROUP.is_empty() {
        format!("/api/{}", K::VERSION)
    } else {
        format!("/apis/{}/{}", K::GROUP, K::VERSION)
    };
    for (before, what, value) in [("/namespaces/", "namespace", namespace), ("/", "name", name)] {
        if what == "name" {
            path.push('/');
            path.push_str(K::PLURAL);
        }
        match value {
            None => {}
            // An empty one would be the path of all of them.
            Some("") => return Err(format!("the {what} of a {} is empty", K::KIND)),
            Some(value) => {
                path.push_str(before);
                encode(value, &mut path);
            }
        }
    }
    Ok(path)
}

/// `?a=b&c=d`, or nothing.
pub(super) fn query(parameters: &[(&str, String)]) -> String {
    let mut text = String::new();
    for (name, value) in parameters {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        encode(value, &mut text);
    }
    text
}

fn encode(value: &str, out: &mut String) {
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
    use super::{path, query};
    use k8s_api::apiextensions::v1::CustomResourceDefinition;
    use k8s_api::apps::v1::Deployment;
    use k8s_api::core::v1::Pod;

    #[test]
    fn paths_name_what_they_are_of() {
        assert_eq!(path::<Pod>(None, None).unwrap(), "/api/v1/pods");
        assert_eq!(
            path::<Deployment>(Some("a"), Some("b.c")).unwrap(),
            "/apis/apps/v1/namespaces/a/deployments/b.c"
        );
        let crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        assert_eq!(path::<CustomResourceDefinition>(None, Some("x")).unwrap(), format!("{crds}/x"));
    }

    #[test]
    fn a_name_is_one_part_of_the_path_whatever_it_holds() {
        assert_eq!(path::<Pod>(Some("a"), Some("../b?c")).unwrap(), "/api/v1/namespaces/a/pods/..%2Fb%3Fc");
        assert_eq!(path::<Pod>(Some("a"), Some("..")).unwrap(), "/api/v1/namespaces/a/pods/%2E%2E");
        assert_eq!(path::<Pod>(Some("a"), Some("")).unwrap_err(), "the name of a Pod is empty");
        assert_eq!(path::<Pod>(Some(""), None).unwrap_err(), "the namespace of a Pod is empty");
    }

    #[test]
    fn queries_are_encoded() {
        assert_eq!(query(&[]), "");
        let parameters = [("labelSelector", "a in (b,ü)".to_owned()), ("limit", "5".to_owned())];
        assert_eq!(query(&parameters), "?labelSelector=a%20in%20%28b%2C%C3%BC%29&limit=5");
    }
}
