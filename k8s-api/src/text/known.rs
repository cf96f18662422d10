//! Texts that are in every cluster: they are the program's own, and never copied.

use super::Str;
use crate::words::Words;

/// All are longer than what a [`Str`] holds inline.
static KNOWN: Words<83, 512> = Words::new([
    "/dev/termination-log",
    "/var/run/secrets/kubernetes.io/serviceaccount",
    "ContainersNotReady",
    "MinimumReplicasAvailable",
    "NewReplicaSetAvailable",
    "PodReadyToStartContainers",
    "apiextensions.k8s.io/v1",
    "app.kubernetes.io/component",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/name",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/version",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/cronjob-scheduled-timestamp",
    "batch.kubernetes.io/job-completion-index",
    "batch.kubernetes.io/job-name",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "beta.kubernetes.io/os",
    "cluster-autoscaler.kubernetes.io/safe-to-evict",
    "controller-revision-hash",
    "coordination.k8s.io/v1",
    "default-scheduler",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deployment.kubernetes.io/revision",
    "discovery.k8s.io/v1",
    "endpointslice-controller.k8s.io",
    "endpointslice.kubernetes.io/managed-by",
    "failure-domain.beta.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "kube-apiserver-kubelet-client",
    "kube-controller-manager",
    "kubectl-client-side-apply",
    "kubectl-last-applied",
    "kubectl.kubernetes.io/default-container",
    "kubectl.kubernetes.io/default-logs-container",
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubectl.kubernetes.io/restartedAt",
    "kubernetes.io/arch",
    "kubernetes.io/config.hash",
    "kubernetes.io/config.mirror",
    "kubernetes.io/config.seen",
    "kubernetes.io/config.source",
    "kubernetes.io/hostname",
    "kubernetes.io/metadata.name",
    "kubernetes.io/service-account-token",
    "kubernetes.io/service-account.name",
    "kubernetes.io/service-account.uid",
    "kubernetes.io/service-name",
    "meta.helm.sh/release-name",
    "meta.helm.sh/release-namespace",
    "metadata.annotations",
    "metadata.namespace",
    "networking.k8s.io/v1",
    "node-role.kubernetes.io/control-plane",
    "node.alpha.kubernetes.io/ttl",
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/instance-type",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/network-unavailable",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/pid-pressure",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/unschedulable",
    "pod-template-generation",
    "pod-template-hash",
    "prometheus.io/path",
    "prometheus.io/port",
    "prometheus.io/scheme",
    "prometheus.io/scrape",
    "rbac.authorization.k8s.io",
    "rbac.authorization.k8s.io/v1",
    "service.kubernetes.io/headless",
    "sidecar.istio.io/inject",
    "spec.serviceAccountName",
    "statefulset.kubernetes.io/pod-name",
    "system-cluster-critical",
    "system-node-critical",
    "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone",
]);

/// The text, if it is one of them.
pub(super) fn known(text: &str) -> Option<Str> {
    KNOWN.position(text).and_then(|position| KNOWN.get(position)).map(Str::from_static)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_and_not_copied() {
        for text in KNOWN.all() {
            assert_eq!(known(&String::from(*text)).unwrap().as_ptr(), text.as_ptr());
            assert!(text.len() > Str::INLINE, "{text} is held inline anyway");
            assert!(known(&text[1..]).is_none() && known(&format!("{text}s")).is_none());
        }
        assert!(KNOWN.all().is_sorted());
        assert!(known("").is_none());
    }
}
