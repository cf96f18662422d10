//! Services: their defaults, and the addresses and ports that the server gives them.

use serde_json::{Value, json};

use super::{each, fill, fill_text};

pub(super) fn defaults(spec: &mut Value) {
    fill_text(spec, "sessionAffinity", "None");
    fill_text(spec, "type", "ClusterIP");
    each(spec, "ports", |port| {
        fill_text(port, "protocol", "TCP");
        let number = port["port"].clone();
        if port["targetPort"] == 0 || port["targetPort"] == "" {
            port["targetPort"] = Value::Null;
        }
        fill(port, "targetPort", number);
    });
    if spec["sessionAffinity"] == "ClientIP" {
        fill(spec, "sessionAffinityConfig", json!({"clientIP": {"timeoutSeconds": 10800}}));
    }
    let type_ = spec["type"].as_str().unwrap_or_default().to_owned();
    if type_ != "ExternalName" {
        fill_text(spec, "internalTrafficPolicy", "Cluster");
    }
    if matches!(type_.as_str(), "NodePort" | "LoadBalancer") {
        fill_text(spec, "externalTrafficPolicy", "Cluster");
    }
    if type_ == "LoadBalancer" {
        fill(spec, "allocateLoadBalancerNodePorts", true);
    }
}

/// Which addresses and ports were given out: one after the other, never twice.
#[derive(Debug, Default)]
pub(crate) struct Addresses {
    addresses: u16,
    ports: u16,
}

impl Addresses {
    pub(crate) fn give(&mut self, spec: &mut Value) {
        let type_ = spec["type"].as_str().unwrap_or_default().to_owned();
        if type_ == "ExternalName" {
            return;
        }
        if spec["clusterIP"].as_str().is_none_or(str::is_empty) {
            self.addresses = self.addresses.wrapping_add(1);
            let [high, low] = self.addresses.to_be_bytes();
            spec["clusterIP"] = format!("10.96.{high}.{low}").into();
        }
        let address = spec["clusterIP"].clone();
        fill(spec, "clusterIPs", json!([address]));
        fill(spec, "ipFamilies", json!(["IPv4"]));
        fill_text(spec, "ipFamilyPolicy", "SingleStack");
        if matches!(type_.as_str(), "NodePort" | "LoadBalancer") {
            each(spec, "ports", |port| {
                if port["nodePort"].as_u64().unwrap_or_default() == 0 {
                    port["nodePort"] = (30_000 + self.ports % 2768).into();
                    self.ports = self.ports.wrapping_add(1);
                }
            });
        }
    }
}
