//! The command line of each program of a running cluster.

use std::path::Path;
use std::process::Command;

use super::state::State;
use super::{Gates, Options, Ports, Program};

/// The arguments for `program`; Kubectl has none, since it is no part of a cluster.
pub(super) fn arguments(
    program: Program,
    state: &State,
    options: &Options,
    ports: &Ports,
    command: &mut Command,
) {
    let flag = |command: &mut Command, name: &str, value: &Path| {
        command.arg(format!("--{name}={}", value.display()));
    };
    match program {
        Program::Etcd => {
            let url = format!("http://127.0.0.1:{}", ports.etcd.number());
            flag(command, "data-dir", &state.file("etcd"));
            command
                .args([format!("--listen-client-urls={url}"), format!("--advertise-client-urls={url}")])
                // One member has no peers: any port will do, and nobody asks for it.
                .arg("--listen-peer-urls=http://127.0.0.1:0")
                // A cluster does not outlive its machine, and its history is what tests need room for.
                .args(["--unsafe-no-fsync", "--quota-backend-bytes=8589934592", "--log-level=warn"]);
        }
        Program::KubeApiserver => {
            flag(command, "cert-dir", &state.file("pki"));
            flag(command, "client-ca-file", &state.ca.cert);
            flag(command, "tls-cert-file", &state.serving.cert);
            flag(command, "tls-private-key-file", &state.serving.key);
            flag(command, "token-auth-file", &state.file("tokens.csv"));
            flag(command, "service-account-key-file", &state.service_accounts.cert);
            flag(command, "service-account-signing-key-file", &state.service_accounts.key);
            flag(command, "kubelet-certificate-authority", &state.ca.cert);
            flag(command, "kubelet-client-certificate", &state.kubelet_client.cert);
            flag(command, "kubelet-client-key", &state.kubelet_client.key);
            flag(command, "audit-policy-file", &state.file("audit-policy.yaml"));
            flag(command, "audit-log-path", &state.file("audit.log"));
            command
                .arg(format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd.number()))
                .arg(format!("--secure-port={}", ports.apiserver.number()))
                .args([
                    "--bind-address=127.0.0.1",
                    "--endpoint-reconciler-type=none",
                    "--authorization-mode=RBAC",
                ])
                .args([
                    "--service-account-issuer=https://kubernetes.default.svc",
                    "--service-cluster-ip-range=10.0.0.0/24",
                ])
                .args([
                    "--kubelet-preferred-address-types=InternalIP",
                    "--allow-privileged",
                    "--profiling=false",
                ])
                // Never rotated: a test reads the log from where it stood.
                .args([
                    "--audit-log-maxsize=100000",
                    "--max-requests-inflight=3000",
                    "--max-mutating-requests-inflight=1000",
                ]);
            if options.only_api {
                // Without kube-controller-manager nobody makes the service accounts that pods would need.
                command.arg("--disable-admission-plugins=ServiceAccount");
            }
            if options.gates == Gates::All {
                command.arg("--runtime-config=api/all=true");
            }
            if options.goaway {
                command.arg("--goaway-chance=0.02");
            }
            if !options.uncached.is_empty() {
                let sizes: Vec<String> =
                    options.uncached.iter().map(|resource| format!("{resource}#0")).collect();
                command.arg(format!("--watch-cache-sizes={}", sizes.join(",")));
            }
        }
        Program::KubeControllerManager => {
            flag(command, "kubeconfig", &state.component_kubeconfig(program));
            flag(command, "authentication-kubeconfig", &state.component_kubeconfig(program));
            flag(command, "authorization-kubeconfig", &state.component_kubeconfig(program));
            flag(command, "service-account-private-key-file", &state.service_accounts.key);
            flag(command, "root-ca-file", &state.ca.cert);
            flag(command, "cluster-signing-cert-file", &state.ca.cert);
            flag(command, "cluster-signing-key-file", &state.ca.key);
            command.args([
                "--use-service-account-credentials=true",
                "--secure-port=0",
                "--leader-elect=false",
            ]);
            command.args([
                "--kube-api-qps=2000",
                "--kube-api-burst=3000",
                "--concurrent-replicaset-syncs=20",
            ]);
        }
        Program::KubeScheduler => {
            flag(command, "kubeconfig", &state.component_kubeconfig(program));
            command.args([
                "--secure-port=0",
                "--leader-elect=false",
                "--kube-api-qps=2000",
                "--kube-api-burst=3000",
            ]);
        }
        Program::Kwok => {
            let port = ports.kwok.number();
            flag(command, "kubeconfig", &state.component_kubeconfig(program));
            flag(command, "config", &state.file("kwok.yaml"));
            flag(command, "tls-cert-file", &state.kubelet_serving.cert);
            flag(command, "tls-private-key-file", &state.kubelet_serving.key);
            command
                .args(["--manage-all-nodes=true", "--node-ip=127.0.0.1", "--node-lease-duration-seconds=40"])
                .args([format!("--node-port={port}"), format!("--server-address=127.0.0.1:{port}")]);
        }
        Program::Kubectl => {}
    }
    let gated =
        matches!(program, Program::KubeApiserver | Program::KubeControllerManager | Program::KubeScheduler);
    if gated && options.gates == Gates::All {
        command.arg("--feature-gates=AllAlpha=true,AllBeta=true");
    }
}
