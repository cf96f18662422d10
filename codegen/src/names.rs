//! Names as a person would write them.

use heck::ToUpperCamelCase as _;

/// The name of a field: `clusterIPs` is `cluster_ips`, `type` is `type_`.
pub fn field(json: &str) -> String {
    let words = words(json);
    let name = if words.is_empty() { "value".to_owned() } else { words.join("_") };
    let name = if name.starts_with(|c: char| c.is_ascii_digit()) { format!("n{name}") } else { name };
    if is_keyword(&name) { format!("{name}_") } else { name }
}

/// The name of a variant: `DoNotSchedule` stays, `kubernetes.io/tls` is `KubernetesIoTls`, `SIGRTMIN+1` is `SIGRTMIN1`, `*` is `All`.
pub fn variant(text: &str) -> String {
    if text == "*" {
        return "All".to_owned();
    }
    let part = |part: &str| {
        if part.starts_with(|c: char| c.is_ascii_uppercase()) {
            part.to_owned()
        } else {
            part.to_upper_camel_case()
        }
    };
    let name: String = text.split(|c: char| !c.is_ascii_alphanumeric()).map(part).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("V{name}") } else { name }
}

/// The names of the variants of an enumeration: each is another one, and none is what every enumeration has.
pub fn variants(texts: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for text in texts {
        let name = match variant(text) {
            name if matches!(name.as_str(), "" | "Other" | "Unspecified" | "Self") => format!("{name}Value"),
            name => name,
        };
        names.push(unique(&name, |name| names.iter().any(|taken| taken == name)));
    }
    names
}

/// The name of a type after what its author called it: `awsCredentials` is `AwsCredentials`, `apiKey-v2` is `ApiKeyV2`.
pub fn type_name(text: &str) -> String {
    let parts = text.split(|c: char| !c.is_ascii_alphanumeric());
    let name: String = parts
        .map(|part| {
            let (first, rest) = part.split_at(part.len().min(1));
            first.to_ascii_uppercase() + rest
        })
        .collect();
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) { format!("V{name}") } else { name }
}

/// The name of a module: `gateway.networking.k8s.io` is `gateway_networking_k8s_io`.
pub fn module(text: &str) -> String {
    let name = text.to_ascii_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    if is_keyword(&name) { format!("{name}_") } else { name }
}

/// The name itself, or with the first number that makes it another one.
pub fn unique(name: &str, taken: impl Fn(&str) -> bool) -> String {
    if !taken(name) {
        return name.to_owned();
    }
    let mut number = 2;
    while taken(&format!("{name}{number}")) {
        number += 1;
    }
    format!("{name}{number}")
}

/// Words in lower case. A plural of an acronym is one word: `podCIDRs` is `pod` and `cidrs`.
fn words(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or(' ');
    let mut words = vec![String::new()];
    for (index, &c) in chars.iter().enumerate() {
        let before = if index == 0 { ' ' } else { at(index - 1) };
        if !c.is_ascii_alphanumeric() {
            words.push(String::new());
            continue;
        }
        let plural = at(index + 1) == 's' && !at(index + 2).is_ascii_lowercase();
        let version = c == 'V' && at(index + 1).is_ascii_digit();
        let begins = c.is_ascii_uppercase()
            && (before.is_ascii_lowercase()
                || before.is_ascii_digit()
                || (before.is_ascii_uppercase() && at(index + 1).is_ascii_lowercase() && !plural)
                || (before.is_ascii_uppercase() && version));
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(c.to_ascii_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn is_keyword(name: &str) -> bool {
    syn::parse_str::<syn::Ident>(name).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_read_as_people_write_them() {
        for (json, rust) in [
            ("clusterIPs", "cluster_ips"),
            ("podCIDRs", "pod_cidrs"),
            ("nonResourceURLs", "non_resource_urls"),
            ("fsGroup", "fs_group"),
            ("serviceFQDN", "service_fqdn"),
            ("hostIP", "host_ip"),
            ("type", "type_"),
            ("JSONPath", "json_path"),
            ("$ref", "ref_"),
            ("x-kubernetes-int-or-string", "x_kubernetes_int_or_string"),
            ("externalDocs", "external_docs"),
            ("awsElasticBlockStore", "aws_elastic_block_store"),
            ("storagePolicyID", "storage_policy_id"),
            ("allowedTopologies", "allowed_topologies"),
            ("targetWWNs", "target_wwns"),
            ("ipFamilies", "ip_families"),
            ("openAPIV3Schema", "open_api_v3_schema"),
        ] {
            assert_eq!(field(json), rust);
        }
    }

    #[test]
    fn variants_are_identifiers() {
        assert_eq!(variant("DoNotSchedule"), "DoNotSchedule");
        assert_eq!(variant("TCP"), "TCP");
        assert_eq!(variant("*"), "All");
        assert_eq!(variant("kubernetes.io/tls"), "KubernetesIoTls");
        assert_eq!(variant("SIGRTMIN+1"), "SIGRTMIN1");
        assert_eq!(variant("digital signature"), "DigitalSignature");
    }
}
