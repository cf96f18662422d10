//! The deployments behind the fixtures. The same every time: chance comes from a seed.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// Five deployments that share `pods` replicas: what most of a large cluster looks like.
pub(super) fn replicas(pods: usize) -> Vec<Value> {
    let names = ["api", "worker", "cache", "web", "batch"];
    let count = names.len();
    let deployment = |(index, name): (usize, &str)| {
        let labels = json!({"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop",
            "app.kubernetes.io/version": "1.4.2", "tier": "backend"});
        let template = json!({
            "metadata": {"labels": labels, "annotations": {
                "prometheus.io/scrape": "true", "prometheus.io/port": "9090",
                "checksum/config": "3f1d0c0e0a7e4c4b9c0f6a1f2b1e9d8c7b6a5f4e3d2c1b0a9f8e7d6c5b4a3f2e",
            }},
            "spec": {
                "securityContext": {"runAsNonRoot": true, "runAsUser": 1000, "fsGroup": 1000},
                "initContainers": [{"name": "init", "image": "registry.example/init:1.0", "command": ["sh", "-c", "exit 0"]}],
                "containers": [
                    {
                        "name": "main", "image": format!("registry.example/shop/{name}:1.4.2"),
                        "args": ["--port=8080", "--log-level=info", "--config=/etc/app/config.yaml"],
                        "ports": [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090}],
                        "env": [
                            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                            {"name": "POD_NAMESPACE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
                            {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "db", "key": "url"}}},
                            {"name": "LOG_FORMAT", "value": "json"},
                        ],
                        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}},
                        "livenessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 10},
                        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 5},
                        "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}, {"name": "scratch", "mountPath": "/scratch"}],
                    },
                    {
                        "name": "sidecar", "image": "registry.example/proxy:2.1.0",
                        "resources": {"requests": {"cpu": "5m", "memory": "16Mi"}},
                    },
                ],
                "volumes": [
                    {"name": "config", "configMap": {"name": format!("{name}-config")}},
                    {"name": "scratch", "emptyDir": {}},
                ],
            },
        });
        // Whatever the division leaves goes to the first ones.
        let share = pods / count + usize::from(index < pods % count);
        deployment("default", name, share, &json!({"app.kubernetes.io/name": name}), &template)
    };
    names.into_iter().enumerate().map(deployment).collect()
}

/// As many deployments as pods, each with other labels, images, variables, volumes, resources and so on.
pub(super) fn mixed(pods: usize) -> Vec<Value> {
    let mut dice = Dice(0x005e_ed0f_90d5);
    (0..pods).map(|number| unlike(&mut dice, number)).collect()
}

/// Every namespace that deployments are in.
pub(super) fn namespaces(deployments: &[Value]) -> BTreeSet<&str> {
    deployments.iter().filter_map(|deployment| deployment["metadata"]["namespace"].as_str()).collect()
}

fn deployment(namespace: &str, name: &str, replicas: usize, selector: &Value, template: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"namespace": namespace, "name": name, "labels": selector},
        "spec": {"replicas": replicas, "selector": {"matchLabels": selector}, "template": template},
    })
}

/// Chance that is the same on every run and machine (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let at = self.below(from.len() as u64) as usize;
        from.get(at).copied().unwrap_or_default()
    }

    fn word(&mut self) -> &'static str {
        self.pick(&WORDS)
    }

    fn hex(&mut self, digits: usize) -> String {
        let text: String = (0..digits.div_ceil(16)).map(|_| format!("{:016x}", self.roll())).collect();
        text.chars().take(digits).collect()
    }

    /// From `least` to `most` things.
    fn some(&mut self, least: u64, most: u64, mut thing: impl FnMut(&mut Dice, u64) -> Value) -> Vec<Value> {
        let count = least + self.below(most - least + 1);
        (0..count).map(|number| thing(self, number)).collect()
    }

    /// An object of those entries that chance keeps.
    fn object<const N: usize>(&mut self, entries: [(u64, &str, Value); N]) -> Value {
        let kept = entries.into_iter().filter(|(chance, ..)| self.percent(*chance));
        Value::Object(kept.map(|(_, key, value)| (key.to_owned(), value)).collect())
    }
}

const WORDS: [&str; 48] = [
    "account",
    "alert",
    "archive",
    "audit",
    "basket",
    "billing",
    "cache",
    "catalog",
    "checkout",
    "cluster",
    "config",
    "consumer",
    "crawler",
    "delivery",
    "document",
    "edge",
    "email",
    "event",
    "export",
    "feed",
    "gateway",
    "image",
    "import",
    "index",
    "inventory",
    "invoice",
    "ledger",
    "login",
    "metric",
    "migration",
    "notifier",
    "offer",
    "order",
    "payment",
    "price",
    "profile",
    "proxy",
    "queue",
    "rating",
    "report",
    "router",
    "search",
    "session",
    "shipping",
    "stock",
    "tax",
    "user",
    "webhook",
];

fn unlike(dice: &mut Dice, number: usize) -> Value {
    let namespace = format!("team-{}", dice.below(40));
    let name = format!("{}-{}-{number}", dice.word(), dice.word());
    let selector = json!({"app": name});
    let volumes = dice.some(0, 5, |dice, number| {
        let name = format!("{}-{number}", dice.word());
        volume(dice, &name)
    });
    let mounts: Vec<String> =
        volumes.iter().filter_map(|volume| volume["name"].as_str().map(str::to_owned)).collect();
    let containers = dice.some(1, 4, |dice, number| container(dice, number, &mounts, true));
    let inits = dice.some(0, 2, |dice, number| {
        let mut init = container(dice, number, &mounts, false);
        init["name"] = format!("init-{number}").into();
        init
    });
    let mut spec = dice.object([
        (40, "terminationGracePeriodSeconds", json!(number % 120)),
        (20, "hostNetwork", json!(false)),
        (30, "automountServiceAccountToken", json!(number.is_multiple_of(2))),
        (15, "enableServiceLinks", json!(false)),
        (20, "imagePullSecrets", json!([{"name": format!("pull-{}", number % 13)}])),
        (15, "dnsConfig", json!({"options": [{"name": "ndots", "value": (number % 5).to_string()}, {"name": "edns0"}]})),
        (10, "hostAliases", json!([{"ip": format!("10.1.{}.{}", number / 250 % 250, number % 250), "hostnames": [format!("{name}.local")]}])),
        (50, "securityContext", json!({"runAsUser": 1000 + number, "runAsNonRoot": true, "fsGroup": number % 5000,
            "seccompProfile": {"type": "RuntimeDefault"}, "supplementalGroups": [number, number + 1]})),
        (25, "topologySpreadConstraints", json!([{"maxSkew": 1 + number % 3, "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {"matchLabels": selector}}])),
        (30, "affinity", json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1 + number % 100,
            "preference": {"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In",
                "values": [format!("zone-{}", number % 3), format!("zone-{number}")]}]}}]}})),
    ]);
    let tolerations = dice.some(0, 4, |dice, _| {
        let key = format!("{}.example/{}", dice.word(), dice.word());
        let seconds = dice.below(900);
        match dice.below(3) {
            0 => json!({"key": key, "operator": "Exists"}),
            1 => json!({"key": key, "operator": "Equal", "value": dice.word(), "effect": "NoSchedule"}),
            _ => {
                json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds})
            }
        }
    });
    spec["containers"] = containers.into();
    spec["initContainers"] = inits.into();
    spec["volumes"] = volumes.into();
    spec["tolerations"] = tolerations.into();
    let template = json!({
        "metadata": {"labels": labels(dice, &name), "annotations": annotations(dice)},
        "spec": spec,
    });
    deployment(&namespace, &name, 1, &selector, &template)
}

fn labels(dice: &mut Dice, name: &str) -> Value {
    let version = format!("{}.{}.{}", dice.below(9), dice.below(30), dice.below(60));
    let mut labels = dice.object([
        (60, "app.kubernetes.io/name", json!(name)),
        (50, "app.kubernetes.io/instance", json!(format!("{name}-prod"))),
        (50, "app.kubernetes.io/version", json!(version)),
        (40, "app.kubernetes.io/managed-by", json!("Helm")),
        (30, "tier", json!("backend")),
        (20, "sidecar.istio.io/inject", json!("false")),
    ]);
    labels["app"] = json!(name);
    if dice.percent(50) {
        let team = format!("{}.example/{}", dice.word(), dice.word());
        labels[team] = format!("{}-{}", dice.word(), dice.hex(6)).into();
    }
    labels
}

fn annotations(dice: &mut Dice) -> Value {
    let mut annotations = Map::new();
    for _ in 0..dice.below(7) {
        let key = format!("{}.example/{}-{}", dice.word(), dice.word(), dice.word());
        let value = match dice.below(4) {
            0 => dice.hex(64),
            1 => format!("https://{}.example/{}/{}", dice.word(), dice.word(), dice.hex(12)),
            2 => format!(
                "{{\"{}\":{{\"{}\":[{},\"{}\"]}}}}",
                dice.word(),
                dice.word(),
                dice.below(5000),
                dice.hex(8)
            ),
            _ => (dice.below(2) == 0).to_string(),
        };
        annotations.insert(key, value.into());
    }
    annotations.into()
}

fn container(dice: &mut Dice, number: u64, mounts: &[String], long: bool) -> Value {
    let name = format!("{}-{number}", dice.word());
    let version = format!("{}.{}.{}", dice.below(9), dice.below(30), dice.below(60));
    let digest = if dice.percent(30) { format!("@sha256:{}", dice.hex(64)) } else { String::new() };
    let image = format!("{}.example/{}/{}:{version}{digest}", dice.word(), dice.word(), dice.word());
    let args = dice.some(0, 6, |dice, _| format!("--{}-{}={}", dice.word(), dice.word(), dice.hex(5)).into());
    let env = dice.some(0, 14, variable);
    let (cpu, memory) = (5 + dice.below(50), 8 + dice.below(120));
    let mounts: Vec<Value> = mounts
        .iter()
        .filter(|_| dice.percent(70))
        .map(|name| json!({"name": name, "mountPath": format!("/var/{name}"), "readOnly": number == 0}))
        .collect();
    let mut container = dice.object([
        (25, "command", json!([format!("/bin/{name}"), "serve"])),
        (60, "args", args.into()),
        (80, "env", env.into()),
        (15, "envFrom", json!([{"prefix": "CONFIG_", "configMapRef": {"name": name, "optional": true}}])),
        (
            60,
            "resources",
            json!({"requests": {"cpu": format!("{cpu}m"), "memory": format!("{memory}Mi")},
            "limits": {"cpu": format!("{}m", cpu * 4), "memory": format!("{}Mi", memory * 2)}}),
        ),
        (
            40,
            "securityContext",
            json!({"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": number == 0,
            "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}),
        ),
        (80, "volumeMounts", mounts.into()),
        (30, "imagePullPolicy", json!("Always")),
        (20, "terminationMessagePolicy", json!("FallbackToLogsOnError")),
    ]);
    container["name"] = name.into();
    container["image"] = image.into();
    if long {
        let port = 1024 + dice.below(30_000);
        let probe = probe(dice, port);
        let more = dice.object([
            (70, "ports", json!([{"name": "main", "containerPort": port}, {"containerPort": port + 1, "protocol": "UDP"}])),
            (60, "livenessProbe", probe.clone()),
            (60, "readinessProbe", probe.clone()),
            (20, "startupProbe", probe),
            (15, "lifecycle", json!({"preStop": {"exec": {"command": ["sleep", (port % 30).to_string()]}}})),
        ]);
        if let (Value::Object(container), Value::Object(more)) = (&mut container, more) {
            container.extend(more);
        }
    }
    container
}

fn probe(dice: &mut Dice, port: u64) -> Value {
    let mut probe = match dice.below(3) {
        0 => json!({"tcpSocket": {"port": port}}),
        1 => json!({"exec": {"command": ["/bin/probe", format!("--port={port}")]}}),
        _ => {
            json!({"httpGet": {"path": format!("/{}/{}", dice.word(), dice.word()), "port": port, "scheme": "HTTP"}})
        }
    };
    probe["periodSeconds"] = (1 + dice.below(60)).into();
    probe["timeoutSeconds"] = (1 + dice.below(9)).into();
    probe["initialDelaySeconds"] = dice.below(90).into();
    probe
}

fn variable(dice: &mut Dice, number: u64) -> Value {
    let name = format!("{}_{}_{number}", dice.word(), dice.word()).to_uppercase();
    match dice.below(6) {
        0 => {
            json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": dice.pick(&["metadata.name", "status.podIP", "spec.nodeName"])}}})
        }
        1 => {
            json!({"name": name, "valueFrom": {"secretKeyRef": {"name": format!("{}-{}", dice.word(), dice.hex(4)), "key": dice.word()}}})
        }
        2 => {
            json!({"name": name, "valueFrom": {"configMapKeyRef": {"name": dice.word(), "key": dice.word(), "optional": true}}})
        }
        3 => {
            json!({"name": name, "value": format!("{}://{}:{}/{}", dice.word(), dice.word(), dice.below(65_000), dice.hex(10))})
        }
        _ => json!({"name": name, "value": dice.hex(4)}),
    }
}

fn volume(dice: &mut Dice, name: &str) -> Value {
    let mut volume = match dice.below(6) {
        0 => json!({"configMap": {"name": format!("{}-{}", dice.word(), dice.hex(6)), "defaultMode": 420}}),
        1 => {
            json!({"secret": {"secretName": format!("{}-{}", dice.word(), dice.hex(6)), "items": [{"key": dice.word(), "path": dice.word()}]}})
        }
        2 => json!({"emptyDir": {"medium": "Memory", "sizeLimit": format!("{}Mi", dice.below(900))}}),
        3 => json!({"hostPath": {"path": format!("/srv/{}", dice.word()), "type": "DirectoryOrCreate"}}),
        4 => {
            json!({"downwardAPI": {"items": [{"path": dice.word(), "fieldRef": {"fieldPath": "metadata.labels"}}]}})
        }
        _ => {
            json!({"projected": {"sources": [{"secret": {"name": dice.word()}}, {"configMap": {"name": dice.word()}}]}})
        }
    };
    volume["name"] = name.into();
    volume
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_deployments_and_no_two_are_alike() {
        let templates = || -> Vec<String> {
            mixed(300).iter().map(|deployment| deployment["spec"]["template"]["spec"].to_string()).collect()
        };
        let (one, other) = (templates(), templates());
        assert_eq!(one, other);
        assert_eq!(one.iter().collect::<BTreeSet<_>>().len(), 300);
    }

    #[test]
    fn replicas_add_up() {
        let sum: u64 =
            replicas(43).iter().filter_map(|deployment| deployment["spec"]["replicas"].as_u64()).sum();
        assert_eq!(sum, 43);
    }
}
