//! Reading what a container has written.

use std::borrow::Cow;
use std::marker::PhantomData;

use bytes::Bytes;

use super::answer::Following;
use super::parts::{Kind, Parts, changes, operation};
use super::place::Place;
use super::{Request, RequestError, subresource, verb};
use crate::operation::{Operation, Retry, Verb};
use crate::time::Time;
use crate::transport::{Body, Call, Lane};

/// Reads what was written so far.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct Log<K> {
    parts: Parts,
    kind: PhantomData<fn() -> K>,
}

impl<K: verb::Connect<subresource::Log>> Log<K> {
    const OPERATION: &'static Operation = &operation::<K, subresource::Log>(Verb::Get, Retry::Read);

    /// Of the object of this name.
    pub fn new(place: Place<K::Scope>, name: &str) -> Self {
        Log { parts: Parts::new(place.into_namespace(), Some(name)), kind: PhantomData }
    }

    /// Goes on with what is written from now on.
    pub fn follow(mut self) -> FollowLog<K> {
        self.parts.query.set("follow", &true);
        FollowLog { log: self }
    }

    /// What was written since then.
    // The documents leave it out, and the server takes it.
    pub fn since(mut self, time: Time) -> Self {
        self.parts.query.set("sinceTime", &time);
        self
    }

    /// Whether every line begins with its time.
    pub fn has_timestamps(&self) -> bool {
        self.parts.query.has("timestamps")
    }

    changes!();
    crate::__log_options!(methods);
}

impl<K: verb::Connect<subresource::Log>> Request for Log<K> {
    type Answer = Bytes;
    const OPTIONS: &'static [&'static [&'static str]] = &[crate::__log_options!(names)];

    fn operation(&self) -> Cow<'static, Operation> {
        self.parts.operation(Self::OPERATION)
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        self.parts.build(Self::OPERATION, Kind::of::<K>(), None)
    }
}

/// Reads what was written and what is going to be.
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct FollowLog<K> {
    log: Log<K>,
}

impl<K: verb::Connect<subresource::Log>> FollowLog<K> {
    /// Never repeated by itself: what was read once would come again.
    const OPERATION: &'static Operation = &operation::<K, subresource::Log>(Verb::Get, Retry::Never);

    /// What was written since then.
    pub fn since(mut self, time: Time) -> Self {
        self.log = self.log.since(time);
        self
    }

    /// Whether every line begins with its time.
    pub fn has_timestamps(&self) -> bool {
        self.log.has_timestamps()
    }

    fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    #[doc(hidden)]
    pub fn __set(&mut self, name: &'static str, value: &dyn std::fmt::Display) {
        self.log.__set(name, value);
    }

    crate::__log_options!(methods);
}

impl<K: verb::Connect<subresource::Log>> Request for FollowLog<K> {
    type Answer = Following;
    const OPTIONS: &'static [&'static [&'static str]] = &[&["follow"], crate::__log_options!(names)];

    fn operation(&self) -> Cow<'static, Operation> {
        self.log.parts.operation(Self::OPERATION)
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        self.log.build()
    }

    /// It goes on as a watch does.
    fn call(&self) -> Result<Call, RequestError> {
        let mut call = Call::new(self.operation(), self.build()?);
        call.meta.lane = Lane::Watch;
        call.meta.whole = false;
        Ok(call)
    }
}
