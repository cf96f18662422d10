//! Read, modify, replace with models that know little of what the server holds: nothing is lost.

use k8s_api::codec::{json, protobuf};
use k8s_api::view::Message;
use k8s_tests::cluster;
use serde_json::{Value, json};

/// What a program knows that was built against a much older release.
#[allow(unreachable_pub)]
mod old {
    use k8s_api::map::Map;
    use k8s_api::text::Str;
    use k8s_api::unknown::Unknown;

    #[derive(Clone, Default, PartialEq)]
    pub struct Deployment {
        pub metadata: Metadata,
        pub spec: Spec,
        #[doc(hidden)]
        pub __unknown: Unknown,
    }

    #[derive(Clone, Default, PartialEq)]
    pub struct Metadata {
        pub labels: Map<Str, Str>,
        #[doc(hidden)]
        pub __unknown: Unknown,
    }

    #[derive(Clone, Default, PartialEq)]
    pub struct Spec {
        pub paused: bool,
        pub template: Template,
        #[doc(hidden)]
        pub __unknown: Unknown,
    }

    #[derive(Clone, Default, PartialEq)]
    pub struct Template {
        pub spec: PodSpec,
        #[doc(hidden)]
        pub __unknown: Unknown,
    }

    #[derive(Clone, Default, PartialEq)]
    pub struct PodSpec {
        pub containers: Vec<Container>,
        #[doc(hidden)]
        pub __unknown: Unknown,
    }

    #[derive(Clone, Default, PartialEq)]
    pub struct Container {
        pub name: Str,
        #[doc(hidden)]
        pub __unknown: Unknown,
    }

    k8s_api::table! { Deployment, "old.Deployment", Some(Kind { api_version: "apps/v1", kind: "Deployment" });
        0 metadata: field("metadata", 1),
        1 spec: field("spec", 2),
    }
    k8s_api::table! { Metadata, "old.Metadata", None;
        0 labels: field("labels", 11).omit(),
    }
    k8s_api::table! { Spec, "old.Spec", None;
        0 template: field("template", 3),
        1 paused: field("paused", 7).omit(),
    }
    k8s_api::table! { Template, "old.Template", None;
        0 spec: field("spec", 2).omit(),
    }
    k8s_api::table! { PodSpec, "old.PodSpec", None;
        0 containers: field("containers", 2),
    }
    k8s_api::table! { Container, "old.Container", None;
        0 name: field("name", 1),
    }
}

/// Replaces a deployment that holds much with what `encode` makes of the model of `decode`, and compares what the server holds.
fn nothing_is_lost(
    name: &str,
    media: &str,
    decode: impl Fn(&[u8]) -> old::Deployment,
    encode: impl Fn(&old::Deployment) -> Vec<u8>,
) {
    const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
    let path = format!("{DEPLOYMENTS}/{name}");
    let labels = json!({"app": name});
    let container = json!({
        "name": "c", "image": "i", "args": ["", "--x"], "env": [{"name": "E", "value": ""}],
        "resources": {"limits": {"cpu": "1500m"}}, "securityContext": {"runAsUser": 0, "privileged": false},
        "startupProbe": {"httpGet": {"port": "http"}}, "ports": [{"containerPort": 80, "name": "http"}],
    });
    let made = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "annotations": {"note": ""}},
        "spec": {
            "replicas": 0, "minReadySeconds": 3, "selector": {"matchLabels": labels},
            "strategy": {"rollingUpdate": {"maxSurge": "10%", "maxUnavailable": 0}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [container], "hostNetwork": false, "tolerations": [{"operator": "Exists"}],
                    "volumes": [{"name": "v", "emptyDir": {}}],
                },
            },
        },
    });
    cluster().api().post(DEPLOYMENTS, &made).unwrap();
    // Its controller writes the status at the same time.
    loop {
        let mut read = decode(&cluster().api().bytes_as(&path, media).unwrap());
        assert_eq!(read.spec.template.spec.containers[0].name, "c");
        assert!(!read.unknown().is_empty(), "the status is not known");
        read.metadata.labels.insert("changed".into(), "1".into());
        let before = cluster().api().get(&path).unwrap();
        match cluster().api().put(&path, media, &encode(&read)) {
            Err(error) if error.to_string().contains("409 Conflict") => continue,
            Err(error) => panic!("{error:#}"),
            Ok(after) => {
                let generation = |object: &Value| object["metadata"]["generation"].clone();
                assert_eq!(after["spec"], before["spec"]);
                assert_eq!(after["metadata"]["annotations"]["note"], "");
                assert_eq!(after["metadata"]["labels"], json!({"changed": "1"}));
                assert_eq!(generation(&after), generation(&before), "the server saw no change of the spec");
                return;
            }
        }
    }
}

#[test]
fn nothing_is_lost_in_json() {
    nothing_is_lost(
        "kept-json",
        "application/json",
        |bytes| json::decode(bytes).unwrap(),
        |value| json::encode(value).unwrap(),
    );
}

#[test]
fn nothing_is_lost_in_protobuf() {
    nothing_is_lost(
        "kept-protobuf",
        "application/vnd.kubernetes.protobuf",
        |bytes| protobuf::decode(bytes).unwrap(),
        |value| protobuf::encode(value).unwrap(),
    );
}
