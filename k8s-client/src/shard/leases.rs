//! The leases of a map on the server.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use k8s_api::coordination::v1::{Lease, leases};
use k8s_api::meta::v1::ObjectMeta;
use k8s_api::request::{Answer, Request};
use k8s_api::time::MicroTime;
use k8s_api::transport::Lane;

use super::machine::{Action, Input, Part, Record};
use crate::client::Client;
use crate::error::{Error, Result};

/// All leases of a map have this label, with the map's name.
const LABEL: &str = "shard-map";

/// Between the name of a map and that of a replica.
const MEMBER: &str = "-member-";

pub(super) struct Leases {
    pub(super) client: Client,
    pub(super) namespace: String,
    /// The name of the map.
    pub(super) map: String,
    pub(super) lease: Duration,
    /// As they were read last: what others wrote there stays in them.
    pub(super) seen: Mutex<BTreeMap<Part, Lease>>,
}

impl Leases {
    pub(super) fn name(&self, part: &Part) -> String {
        match part {
            Part::Map => self.map.clone(),
            Part::Shard(shard) => format!("{}-{shard}", self.map),
            Part::Member(member) => format!("{}{MEMBER}{member}", self.map),
        }
    }

    fn part(&self, name: &str) -> Option<Part> {
        let rest = name.strip_prefix(&self.map)?;
        if rest.is_empty() {
            return Some(Part::Map);
        }
        if let Some(member) = rest.strip_prefix(MEMBER) {
            return Some(Part::Member(member.to_owned()));
        }
        let part = Part::Shard(rest.strip_prefix('-')?.parse().ok()?);
        // One lease for one shard: no `01`.
        (self.name(&part) == name).then_some(part)
    }

    /// Does what the machine wants, and says what came of it; and what is wrong, in words.
    pub(super) async fn carry_out(self: Arc<Self>, action: Action) -> (Input, Option<String>) {
        let (call, done) = match action {
            Action::List(call) => (call, self.list().await.map(|records| Input::Listed(call, records))),
            Action::Create(call, part, holder) => {
                (call, self.write(&part, None, holder).await.map(|version| Input::Written(call, version)))
            }
            Action::Replace(call, part, version, holder) => (
                call,
                self.write(&part, Some(version), holder).await.map(|version| Input::Written(call, version)),
            ),
            Action::Delete(call, part, version) => {
                let delete = leases::delete(&self.namespace, &self.name(&part)).if_version(&version);
                (call, self.send(delete).await.map(|_| Input::Written(call, version)))
            }
        };
        match done {
            Ok(input) => (input, None),
            Err(error) if error.is_conflict() || error.is_already_exists() || error.is_not_found() => {
                (Input::Conflict(call), None)
            }
            Err(error) => (Input::Failed(call), Some(error.to_string())),
        }
    }

    async fn send<R: Request<Answer: Answer>>(&self, request: R) -> Result<R::Answer> {
        let mut call = request.call().map_err(Error::from)?;
        call.meta.lane = Lane::Lease;
        // The next look should not wait for this one for ever.
        call.meta.limits.deadline = self.client.outside().now().checked_add(self.lease / 3);
        self.client.read(call, |body| R::Answer::read(body)).await
    }

    async fn list(&self) -> Result<Vec<Record>> {
        let request = leases::list(&self.namespace).labels(&format!("{LABEL}={}", self.map));
        let list = self.send(request).await?;
        let all = list.items.into_iter().filter_map(|lease| Some((self.part(&lease.metadata.name)?, lease)));
        let all: BTreeMap<Part, Lease> = all.collect();
        let records = all.iter().map(|(part, lease)| record(part, lease)).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = all;
        Ok(records)
    }

    /// Writes a lease as it is in this version, or a new one. Its new version.
    async fn write(&self, part: &Part, version: Option<String>, holder: Option<String>) -> Result<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(part).cloned();
        let mut lease = seen.filter(|_| version.is_some()).unwrap_or_else(|| Lease {
            metadata: ObjectMeta {
                name: self.name(part).into(),
                labels: [(LABEL.into(), self.map.as_str().into())].into_iter().collect(),
                ..ObjectMeta::default()
            },
            ..Lease::default()
        });
        lease.metadata.resource_version = version.as_deref().unwrap_or_default().into();
        let now = MicroTime::try_from(self.client.outside().date()).ok();
        let spec = &mut lease.spec;
        let holder = holder.map(|holder| holder.as_str().into());
        if spec.holder_identity != holder {
            spec.acquire_time = holder.as_ref().and(now);
            if holder.is_some() {
                spec.lease_transitions =
                    Some(spec.lease_transitions.map_or(0, |before| before.saturating_add(1)));
            }
        }
        spec.renew_time = now;
        if *part != Part::Map {
            let seconds = self.lease.as_secs() + u64::from(self.lease.subsec_nanos() > 0);
            spec.lease_duration_seconds = i32::try_from(seconds).ok();
        }
        spec.holder_identity = holder;
        let written = match version {
            Some(_) => self.send(leases::replace(&self.namespace, &lease)).await?,
            None => self.send(leases::create(&self.namespace, &lease)).await?,
        };
        let version = written.metadata.resource_version.as_str().to_owned();
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(part.clone(), written);
        Ok(version)
    }
}

fn record(part: &Part, lease: &Lease) -> Record {
    let seconds = lease.spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Record {
        part: part.clone(),
        holder: lease.spec.holder_identity.as_deref().filter(|holder| !holder.is_empty()).map(str::to_owned),
        version: lease.metadata.resource_version.as_str().to_owned(),
        // Nobody waits for days, and no time overflows.
        duration: Duration::from_secs(seconds.unwrap_or_default().min(24 * 3600)),
    }
}
