//! Label and field selectors, in Kubernetes' notation and with the real server's refusals.

use std::collections::BTreeMap;

use serde_json::Value;

use super::failure::Failure;
use super::kinds::Known;

/// A condition on one label.
#[derive(Clone, Debug, PartialEq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
    Greater(String, i64),
    Less(String, i64),
}

/// What labels have to be.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Labels(Vec<Requirement>);

impl Labels {
    /// Reads `app=web,tier in (a, b),!old`.
    pub(crate) fn parse(text: &str) -> Result<Labels, Failure> {
        parse(text).map(Labels).map_err(Failure::bad_request)
    }

    /// A `LabelSelector` of an object.
    pub(crate) fn of_object(selector: &Value) -> Labels {
        let mut all = Vec::new();
        for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
            all.push(Requirement::In(key.clone(), vec![value.as_str().unwrap_or_default().to_owned()]));
        }
        for it in selector["matchExpressions"].as_array().into_iter().flatten() {
            let key = it["key"].as_str().unwrap_or_default().to_owned();
            let values = it["values"].as_array().into_iter().flatten();
            let values = values.filter_map(|value| Some(value.as_str()?.to_owned())).collect();
            all.push(match it["operator"].as_str() {
                Some("NotIn") => Requirement::NotIn(key, values),
                Some("Exists") => Requirement::Exists(key),
                Some("DoesNotExist") => Requirement::Missing(key),
                _ => Requirement::In(key, values),
            });
        }
        Labels(all)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Requirement::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::Missing(key) => !labels.contains_key(key),
            Requirement::Greater(key, than) => number(labels, key).is_some_and(|number| number > *than),
            Requirement::Less(key, than) => number(labels, key).is_some_and(|number| number < *than),
        })
    }
}

fn number(labels: &BTreeMap<String, String>, key: &str) -> Option<i64> {
    labels.get(key)?.parse().ok()
}

/// The words and signs of a selector, in turn; the empty one stands for the end.
fn tokens(text: &str) -> Vec<&str> {
    let is_sign = |c: char| matches!(c, '=' | '!' | '(' | ')' | ',' | '<' | '>');
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if rest.starts_with("==") || rest.starts_with("!=") => 2,
            first if is_sign(first) => 1,
            _ => rest.find(|c: char| is_sign(c) || c.is_whitespace()).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

fn is_word(token: &str) -> bool {
    !matches!(token, "" | "=" | "==" | "!=" | "!" | "(" | ")" | "," | "<" | ">")
}

/// Reads as the real server does, one token ahead, so that it stops at the same place and says the same.
struct Reader<'t> {
    tokens: std::iter::Peekable<std::vec::IntoIter<&'t str>>,
}

fn parse(text: &str) -> Result<Vec<Requirement>, String> {
    let mut reader = Reader { tokens: tokens(text).into_iter().peekable() };
    let mut all = Vec::new();
    loop {
        match reader.peek() {
            "" => return Ok(all),
            token if is_word(token) || token == "!" => {
                let read = reader.requirement();
                all.push(read.map_err(|what| format!("unable to parse requirement: {what}"))?);
            }
            token => return Err(format!("found '{token}', expected: !, identifier, or 'end of string'")),
        }
        match reader.next() {
            "" => return Ok(all),
            "," => {
                let next = reader.peek();
                if !is_word(next) && next != "!" {
                    return Err(format!("found '{next}', expected: identifier after ','"));
                }
            }
            other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
        }
    }
}

impl Reader<'_> {
    fn peek(&mut self) -> &str {
        self.tokens.peek().copied().unwrap_or_default()
    }

    fn next(&mut self) -> &str {
        self.tokens.next().unwrap_or_default()
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        let missing = self.peek() == "!";
        if missing {
            self.next();
        }
        let key = self.word()?;
        check_key(&key)?;
        if missing {
            return Ok(Requirement::Missing(key));
        }
        if matches!(self.peek(), "" | ",") {
            return Ok(Requirement::Exists(key));
        }
        let operator = self.next().to_owned();
        let mut values = match operator.as_str() {
            "in" | "notin" => self.values()?,
            "=" | "==" | "!=" | "<" | ">" => vec![self.value()?],
            other => return Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        };
        values.sort();
        values.dedup();
        let first = values.first().map(String::as_str).unwrap_or_default();
        if let "<" | ">" = operator.as_str() {
            let than = first.parse().map_err(|_| {
                format!(
                    "values[0]: Invalid value: {first:?}: for 'Gt', 'Lt' operators, the value must be an integer"
                )
            })?;
            return Ok(match operator.as_str() {
                "<" => Requirement::Less(key, than),
                _ => Requirement::Greater(key, than),
            });
        }
        for (index, value) in values.iter().enumerate() {
            check_value(&key, index, value)?;
        }
        Ok(match operator.as_str() {
            "!=" | "notin" => Requirement::NotIn(key, values),
            _ => Requirement::In(key, values),
        })
    }

    fn word(&mut self) -> Result<String, String> {
        match self.next() {
            word if is_word(word) => Ok(word.to_owned()),
            other => Err(format!("found '{other}', expected: identifier")),
        }
    }

    fn value(&mut self) -> Result<String, String> {
        if matches!(self.peek(), "" | ",") { Ok(String::new()) } else { self.word() }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        match self.next() {
            "(" => {}
            other => return Err(format!("found '{other}' expected: '('")),
        }
        match self.peek() {
            token if is_word(token) || matches!(token, "," | ")") => {}
            other => return Err(format!("found '{other}', expected: ',', ')' or identifier")),
        }
        let mut values = Vec::new();
        loop {
            match self.peek() {
                "," | ")" => values.push(String::new()),
                word if is_word(word) => values.push(self.next().to_owned()),
                other => return Err(format!("found '{other}', expected: ',', or identifier")),
            }
            match self.next() {
                "," => {}
                ")" => return Ok(values),
                other => return Err(format!("found '{other}', expected: ',' or ')'")),
            }
        }
    }
}

fn check_key(key: &str) -> Result<(), String> {
    let wrong = super::validate::names::qualified(key);
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("<nil>: Invalid value: {key:?}: {}", wrong.join("; ")))
    }
}

fn check_value(key: &str, index: usize, value: &str) -> Result<(), String> {
    let wrong = super::validate::names::label_value(value);
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(format!("values[{index}][{key}]: Invalid value: {value:?}: {}", wrong.join("; ")))
    }
}

/// What fields have to be: the label of the field, whether it has to be equal, and the value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, bool, String)>);

impl Fields {
    /// Reads `metadata.name=web,status.phase!=Running`, as far as the kind can be selected by these.
    pub(crate) fn parse(text: &str, kind: &Known) -> Result<Fields, Failure> {
        let mut all = Vec::new();
        for term in split(text) {
            if term.is_empty() {
                continue;
            }
            let (label, equal, value) = if let Some((label, value)) = term.split_once("!=") {
                (label, false, value)
            } else if let Some((label, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
                (label, true, value)
            } else {
                return Err(Failure::bad_request(format!(
                    "invalid selector: '{text}'; can't understand '{term}'"
                )));
            };
            if !labels_of(kind).contains(&label) {
                let unknown = match (kind.group, kind.kind) {
                    ("batch", "Job") => format!("field label {label:?} not supported for Job"),
                    ("resource.k8s.io", "ResourceSlice") => format!(
                        "field label not supported for {}, Kind=ResourceSlice: {label}",
                        kind.api_version()
                    ),
                    ("events.k8s.io", _) => format!("field label not supported: {label}"),
                    (
                        "",
                        "Pod"
                        | "Event"
                        | "Node"
                        | "Secret"
                        | "Namespace"
                        | "ReplicationController"
                        | "Service",
                    ) => {
                        format!("field label not supported: {label}")
                    }
                    _ => format!(
                        "{label:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
                    ),
                };
                return Err(Failure::bad_request(unknown));
            }
            all.push((label.to_owned(), equal, unescaped(value)?));
        }
        Ok(Fields(all))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, object: &super::store::Object) -> bool {
        let mut tree = None;
        self.0.iter().all(|(label, equal, wanted)| {
            let found = match label.as_str() {
                "metadata.name" => object.key.1.clone(),
                "metadata.namespace" => object.key.0.clone(),
                label => value_of(tree.get_or_insert_with(|| object.value()), label),
            };
            (found == *wanted) == *equal
        })
    }
}

/// At commas that are not escaped.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut escaped) = (Vec::new(), 0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

fn unescaped(value: &str) -> Result<String, Failure> {
    let mut out = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some(next @ ('\\' | ',' | '='))) => {
                chars.next();
                out.push(next);
            }
            ('\\', next) => {
                let next = next.map(String::from).unwrap_or_default();
                return Err(Failure::bad_request(format!(
                    "invalid field selector: invalid escape sequence: \\{next}"
                )));
            }
            (c, _) => out.push(c),
        }
    }
    Ok(out)
}

/// What the real server can select a kind by.
pub(crate) fn labels_of(kind: &Known) -> &'static [&'static str] {
    match (kind.group, kind.kind) {
        ("", "Pod") => &[
            "metadata.name",
            "metadata.namespace",
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
        ("", "Node") => &["metadata.name", "spec.unschedulable"],
        ("", "Namespace") => &["metadata.name", "status.phase"],
        ("", "Secret") => &["metadata.name", "metadata.namespace", "type"],
        ("", "Service") => &["metadata.name", "metadata.namespace", "spec.clusterIP", "spec.type"],
        ("", "ReplicationController") => &["metadata.name", "metadata.namespace", "status.replicas"],
        ("", "Event") => &[
            "metadata.name",
            "metadata.namespace",
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        ("events.k8s.io", "Event") => &[
            "metadata.name",
            "metadata.namespace",
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
        ("apps", "ReplicaSet") => &["metadata.name", "metadata.namespace", "status.replicas"],
        ("batch", "Job") => &["metadata.name", "metadata.namespace", "status.successful"],
        ("certificates.k8s.io", "CertificateSigningRequest") => &["metadata.name", "spec.signerName"],
        ("certificates.k8s.io", "ClusterTrustBundle") => &["metadata.name", "spec.signerName"],
        ("certificates.k8s.io", "PodCertificateRequest") => {
            &["metadata.name", "metadata.namespace", "spec.signerName", "spec.podName", "spec.nodeName"]
        }
        ("resource.k8s.io", "ResourceSlice") => &["metadata.name", "spec.nodeName", "spec.driver"],
        _ => &["metadata.name", "metadata.namespace"],
    }
}

fn value_of(tree: &Value, label: &str) -> String {
    let path = match label {
        // As it is stored.
        "reportingController" => "reportingComponent".to_owned(),
        "status.successful" => "status.succeeded".to_owned(),
        label => label.replacen("regarding.", "involvedObject.", 1),
    };
    if label == "source" {
        return tree["source"]["component"].as_str().unwrap_or_default().to_owned();
    }
    let found = path.split('.').fold(tree, |value, name| &value[name]);
    match (found, label) {
        (Value::String(text), _) => text.clone(),
        (Value::Null, "spec.unschedulable" | "spec.hostNetwork") => "false".to_owned(),
        (Value::Null, "status.replicas" | "status.successful") => "0".to_owned(),
        (Value::Null | Value::Array(_) | Value::Object(_), _) => String::new(),
        (value, _) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(selector: &str, labels: &[(&str, &str)]) -> bool {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Labels::parse(selector).unwrap().matches(&labels)
    }

    #[test]
    fn labels_are_selected_as_kubernetes_does() {
        let web = [("app", "web"), ("tier", "a"), ("n", "5")];
        for selector in [
            "",
            "app=web",
            "app==web",
            "app!=db",
            "app",
            "!old",
            "tier in (a, b)",
            "tier notin (c)",
            "n>4,n<6",
            "none!=x",
            "none notin (x)",
            "app = web , tier",
        ] {
            assert!(matches(selector, &web), "{selector}");
        }
        for selector in ["app=db", "!app", "tier notin (a,b)", "none in (x)", "n>5", "none=x", "app="] {
            assert!(!matches(selector, &web), "{selector}");
        }
        assert!(matches("empty=", &[("empty", "")]));
    }

    #[test]
    fn what_is_no_selector_is_refused_in_the_words_of_the_server() {
        let error = Labels::parse("a in b").unwrap_err();
        assert_eq!(error.message(), "unable to parse requirement: found 'b' expected: '('");
        for wrong in ["a b", "=", "a in (", "a,", "(a)", "a>x", "a=!b", "-a"] {
            assert!(Labels::parse(wrong).is_err(), "{wrong}");
        }
    }
}
