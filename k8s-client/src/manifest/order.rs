//! In which order objects work when they are applied one after the other.

/// What comes earlier has a smaller number; equals stay in the order of the file.
///
/// The rule: first what others live in or are made of, then what others refer to, then what runs, then what acts on what
/// runs. What may refuse or change others comes last, since it may need something of this manifest to answer.
pub(super) fn rank(group: &str, kind: &str) -> u8 {
    match (group, kind) {
        ("", "Namespace") => 0,
        (DEFINITIONS, DEFINITION) => 1,
        (
            _,
            "PriorityClass"
            | "RuntimeClass"
            | "StorageClass"
            | "VolumeAttributesClass"
            | "IngressClass"
            | "DeviceClass",
        ) => 2,
        ("", "ResourceQuota" | "LimitRange") | ("networking.k8s.io", "NetworkPolicy") => 3,
        ("policy", "PodDisruptionBudget") => 3,
        ("", "ServiceAccount") => 4,
        ("rbac.authorization.k8s.io", "ClusterRole" | "Role") => 5,
        ("rbac.authorization.k8s.io", _) => 6,
        ("", "Secret" | "ConfigMap") => 7,
        ("", "PersistentVolume") => 8,
        ("", "PersistentVolumeClaim") => 9,
        ("", "Service") => 10,
        ("", "Pod" | "ReplicationController") | ("apps", _) => 11,
        ("batch", _) => 12,
        ("autoscaling" | "networking.k8s.io", _) => 14,
        ("apiregistration.k8s.io", _) => 15,
        ("admissionregistration.k8s.io", _) => 16,
        // Custom resources: their controllers may run in this manifest.
        _ => 13,
    }
}

pub(super) const DEFINITIONS: &str = "apiextensions.k8s.io";
pub(super) const DEFINITION: &str = "CustomResourceDefinition";
