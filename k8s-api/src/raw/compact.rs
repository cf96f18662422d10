//! The text of `FieldsV1` in a fifth of its bytes.
//!
//! It says of every field of an object who set it, and so it is nearly all names of fields: `"f:image":{},`. What comes
//! often is one byte instead, which is one that ASCII text in JSON does not have. A text with any other byte is kept
//! as it is.

use crate::codec::json::special;
use crate::words::Words;

/// Stands for `"f:NAME":` from here on.
const FIRST_NAME: u8 = 0x80;

/// A name comes in the pods of every cluster, or in what makes them.
static NAMES: Words<127, 512> = Words::new([
    "name",
    "valueFrom",
    "value",
    "status",
    "cpu",
    "memory",
    "type",
    "mountPath",
    "image",
    "imagePullPolicy",
    "resources",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "lastProbeTime",
    "lastTransitionTime",
    "containerPort",
    "protocol",
    "failureThreshold",
    "periodSeconds",
    "successThreshold",
    "timeoutSeconds",
    "fieldRef",
    "port",
    "secretKeyRef",
    "requests",
    "path",
    "env",
    "initialDelaySeconds",
    "command",
    "securityContext",
    "httpGet",
    "scheme",
    "configMapKeyRef",
    "volumeMounts",
    "limits",
    "args",
    "ports",
    "defaultMode",
    "readinessProbe",
    "livenessProbe",
    "readOnly",
    "ip",
    "metadata",
    "generateName",
    "labels",
    "pod-template-hash",
    "ownerReferences",
    "spec",
    "containers",
    "dnsPolicy",
    "enableServiceLinks",
    "restartPolicy",
    "schedulerName",
    "terminationGracePeriodSeconds",
    "conditions",
    "containerStatuses",
    "hostIP",
    "hostIPs",
    "phase",
    "podIP",
    "podIPs",
    "startTime",
    "annotations",
    "volumes",
    "initContainers",
    "initContainerStatuses",
    "app.kubernetes.io/name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/version",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/component",
    "app",
    "kubectl.kubernetes.io/last-applied-configuration",
    "exec",
    "fsGroup",
    "runAsNonRoot",
    "runAsUser",
    "emptyDir",
    "configMap",
    "allowPrivilegeEscalation",
    "capabilities",
    "add",
    "drop",
    "readOnlyRootFilesystem",
    "prometheus.io/port",
    "prometheus.io/scrape",
    "tcpSocket",
    "items",
    "tolerations",
    "envFrom",
    "seccompProfile",
    "startupProbe",
    "secret",
    "secretName",
    "hostPath",
    "projected",
    "sources",
    "serviceAccount",
    "serviceAccountName",
    "nodeName",
    "affinity",
    "nodeAffinity",
    "labelSelector",
    "observedGeneration",
    "replicas",
    "selector",
    "strategy",
    "rollingUpdate",
    "maxSurge",
    "maxUnavailable",
    "template",
    "availableReplicas",
    "readyReplicas",
    "updatedReplicas",
    "fullyLabeledReplicas",
    "revisionHistoryLimit",
    "progressDeadlineSeconds",
    "lastUpdateTime",
    "message",
    "reason",
    "deployment.kubernetes.io/revision",
    "data",
    "finalizers",
    "clusterIP",
    "clusterIPs",
    "targetPort",
]);

/// What stands between the names, the longer before what it begins with.
const PHRASES: [(u8, &str); 12] = [
    (0x01, "{\".\":{},"),
    (0x02, "{}},"),
    (0x03, "{}}"),
    (0x04, "{},"),
    (0x05, "{}"),
    (0x06, "\"k:{\\\"name\\\":\\\""),
    (0x07, "\"k:{\\\"type\\\":\\\""),
    (0x08, "\"k:{\\\""),
    (0x0b, "\"f:"),
    (0x0c, "\\\"}\":"),
    (0x0e, "\\\":\\\""),
    (0x0f, "},"),
];

/// Appends the short form to `out`, which is empty; false, and nothing of use in it, if there is none.
pub(crate) fn shorten(text: &str, out: &mut Vec<u8>) -> bool {
    if text.len() < 64 || !text.starts_with("{\"f:") {
        return false;
    }
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        if let [b'"', b'f', b':', ..] = rest {
            let end = special(bytes, at + 3);
            if bytes.get(end..).is_some_and(|rest| rest.starts_with(b"\":"))
                && let Some(position) = text.get(at + 3..end).and_then(|name| NAMES.position(name))
            {
                out.push(FIRST_NAME + position as u8);
                at = end + 2;
                continue;
            }
        }
        // Apart, so that the compiler knows what is compared with.
        let begins = |phrase: &&(u8, &str)| rest.starts_with(phrase.1.as_bytes());
        let phrase = match byte {
            b'{' => PHRASES[..5].iter().find(begins),
            b'"' => PHRASES[5..9].iter().find(begins),
            b'\\' => PHRASES[9..11].iter().find(begins),
            b'}' => PHRASES[11..].iter().find(begins),
            b' '..=b'~' | b'\n' | b'\r' | b'\t' => None,
            _ => return false,
        };
        match phrase {
            Some((code, phrase)) => {
                out.push(*code);
                at += phrase.len();
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    true
}

/// The text of a short form.
pub(crate) fn restore(short: &[u8]) -> String {
    let mut text = String::with_capacity(short.len() * 6);
    for &byte in short {
        if let Some(name) = byte.checked_sub(FIRST_NAME).and_then(|position| NAMES.get(position.into())) {
            text.push_str("\"f:");
            text.push_str(name);
            text.push_str("\":");
        } else if let Some((_, phrase)) = PHRASES.iter().find(|(code, _)| *code == byte) {
            text.push_str(phrase);
        } else {
            text.push(char::from(byte));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn goes_both_ways(text: &str) -> Option<usize> {
        let mut short = Vec::new();
        let shorter = shorten(text, &mut short);
        if shorter {
            assert_eq!(restore(&short), text);
        }
        shorter.then_some(short.len())
    }

    #[test]
    fn a_real_one_is_a_fifth() {
        let text = r#"{"f:metadata":{"f:labels":{".":{},"f:app":{},"f:mine":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"main\"}":{".":{},"f:image":{},"f:name":{},"f:ports":{".":{},"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}}}}}}"#;
        assert!(goes_both_ways(text).unwrap() * 2 < text.len());
        for name in NAMES.all() {
            let text = format!(
                "{{\"f:spec\":{{\"f:{name}\":{{}}}},\"f:status\":{{\"f:a longer name than that\":{{}}}}}}"
            );
            assert!(goes_both_ways(&text).is_some(), "{name}");
        }
    }

    #[test]
    fn what_is_no_ascii_stays_as_it_is() {
        let text = format!("{{\"f:data\":{{\"f:{}ä\":{{}}}}}}", "x".repeat(64));
        assert_eq!(goes_both_ways(&text), None);
    }

    proptest! {
        #[test]
        fn every_text_goes_both_ways(parts in prop::collection::vec(prop_oneof![
            prop::sample::select(PHRASES.map(|(_, phrase)| phrase.to_owned()).to_vec()),
            prop::sample::select(NAMES.all().iter().map(|name| format!("\"f:{name}\":")).collect::<Vec<_>>()),
            "[ -~\\n\\t\\r]{0,6}",
            "\\PC{0,2}",
        ], 0..40)) {
            goes_both_ways(&format!("{{\"f:{}", parts.concat()));
        }
    }
}
