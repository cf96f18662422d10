//! Reading, changing and replacing, for as long as somebody else is faster.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use futures_util::future::BoxFuture;
use k8s_api::diff::diff;
use k8s_api::request::{self, Answer as _, Itself, Part, Place, Request as _, verb};
use k8s_api::text::Str;
use k8s_api::transport::BoxError;
use k8s_api::view::{Message, Slot};

use super::Api;
use super::again::Again;
use crate::Preset;
use crate::client::Client;
use crate::error::{Error, Result};

/// Somebody else was faster: no server is to blame, so the next try comes soon, and not at the same time as his.
const CONFLICT: Preset = Preset {
    first: Duration::from_millis(10),
    cap: Duration::from_secs(1),
    factor: 2.0,
    jitter: 0.5,
    ..Preset::DEFAULT
};

/// What the closure of [`Api::modify`] gives back: nothing, or whether the change is to be made.
///
/// An error calls it off, and is the [source](std::error::Error::source) of the error that comes back.
pub trait Change {
    /// An error calls the change off.
    fn go_on(self) -> std::result::Result<(), BoxError>;
}

impl Change for () {
    fn go_on(self) -> std::result::Result<(), BoxError> {
        Ok(())
    }
}

impl<E: Into<BoxError>> Change for std::result::Result<(), E> {
    fn go_on(self) -> std::result::Result<(), BoxError> {
        self.map_err(Into::into)
    }
}

type Closure<'a, O> = Box<dyn FnMut(&mut O) -> std::result::Result<(), BoxError> + Send + 'a>;

/// A change that is made again when somebody else was faster; awaited, it gives the object as it is then.
#[must_use = "nothing is changed until it is awaited"]
pub struct Modify<'a, K: verb::Replace<S>, S: Part = Itself> {
    client: Client,
    place: Place<K::Scope>,
    name: String,
    apply: Closure<'a, K::Object>,
    within: Option<Duration>,
    options: Options,
}

/// The options of a write that is built later.
#[derive(Default)]
pub(super) struct Options(pub(super) Vec<(&'static str, String)>);

impl Options {
    pub(super) fn __set(&mut self, name: &'static str, value: &dyn fmt::Display) {
        self.0.push((name, value.to_string()));
    }
}

impl<K: request::HasSubresource> Api<K> {
    /// Reads an object, changes it and replaces it. If somebody else has changed it in between, it is read and changed again, for
    /// as long as a call may take in all. So the closure may run several times, each time on the latest state; what it
    /// returns as an error calls the change off.
    ///
    /// Nothing is written if the closure changed nothing. Where it is not known whether the server has processed the write, that is
    /// the error, and nothing is repeated.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> k8s_client::Result<()> {
    /// use k8s_api::apps::v1::Deployment;
    ///
    /// let deployments = client.namespaced::<Deployment>("web");
    /// deployments.modify("api", |api| api.spec.paused = true).field_manager("my-tool").await?;
    /// deployments
    ///     .modify("api", |api| match &mut api.spec.replicas {
    ///         Some(replicas) if *replicas > 0 => {
    ///             *replicas -= 1;
    ///             Ok(())
    ///         }
    ///         _ => Err("there are none left to take away"),
    ///     })
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn modify<'a, C: Change>(
        &self,
        name: &str,
        change: impl FnMut(&mut K) -> C + Send + 'a,
    ) -> Modify<'a, K>
    where
        K: verb::Get + verb::Replace,
        K: request::HasSubresource<Itself, Object = K>,
    {
        Modify::new(self.client().clone(), self.place(), name, change)
    }
}

impl<'a, K: verb::Get<S> + verb::Replace<S>, S: Part> Modify<'a, K, S> {
    pub(super) fn new<C: Change>(
        client: Client,
        place: Place<K::Scope>,
        name: &str,
        mut change: impl FnMut(&mut K::Object) -> C + Send + 'a,
    ) -> Self {
        let apply: Closure<'a, K::Object> = Box::new(move |object| change(object).go_on());
        Modify { client, place, name: name.to_owned(), apply, within: None, options: Options::default() }
    }

    fn change(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// How long it may take with all its tries, instead of what a call may take in all.
    pub fn within(mut self, total: Duration) -> Self {
        self.within = Some(total);
        self
    }

    k8s_api::__write_options!(methods);
    k8s_api::__manager_options!(methods);

    async fn run(mut self) -> Result<K::Object> {
        let total = self.within.unwrap_or(self.client.preset().total);
        let mut again = Again::new(&self.client, &CONFLICT, total);
        loop {
            let mut get = request::Get::<K, S>::new(self.place.clone(), &self.name).call()?;
            get.meta.limits.deadline = again.deadline();
            let before = self.client.read(get, |body| K::Object::read(body)).await?;
            let after = self.changed(&before)?;
            if diff(&before, &after).is_empty() {
                return Ok(before);
            }
            let mut replace = request::Replace::<K, S>::__named(self.place.clone(), &self.name, &after);
            for (name, value) in &self.options.0 {
                replace.__set(name, value);
            }
            let mut replace = replace.call()?;
            replace.meta.limits.deadline = again.deadline();
            match self.client.read(replace, |body| K::Object::read(body)).await {
                Err(error) if error.is_conflict() => {
                    if !again.wait(error.retry_after()).await {
                        let tries = again.tries();
                        return Err(error.within(format_args!("somebody else was faster {tries} times")));
                    }
                }
                result => return result,
            }
        }
    }

    /// What the closure makes of it. It stays the same object, and the version that the closure saw is the one that is replaced.
    fn changed(&mut self, before: &K::Object) -> Result<K::Object> {
        let what = format!("the change to the {} {}", K::KIND, self.name);
        let mut after = before.clone();
        let version = metadata(&mut after, "resourceVersion").cloned().unwrap_or_default();
        if version.is_empty() {
            return Err(Error::request(format!(
                "{what} could undo somebody else's: the server gave it no resourceVersion. Patch it instead"
            )));
        }
        let name = metadata(&mut after, "name").cloned();
        (self.apply)(&mut after)
            .map_err(|error| Error::called_off(format!("{what} was called off"), error))?;
        if metadata(&mut after, "name").cloned() != name {
            return Err(Error::request(format!("{what} gives it another name, which no object can get")));
        }
        if let Some(known) = metadata(&mut after, "resourceVersion") {
            *known = version;
        }
        Ok(after)
    }
}

/// A text in the metadata of any type that has some.
fn metadata<'m>(object: &'m mut dyn Message, field: &str) -> Option<&'m mut Str> {
    let place = |message: &dyn Message, name: &str| message.table().position(name);
    let at = place(object, "metadata")?;
    let Some(Slot::Message(metadata)) = object.field_mut(at) else { return None };
    let at = place(metadata, field)?;
    match metadata.field_mut(at) {
        Some(Slot::Str(text)) => Some(text),
        _ => None,
    }
}

impl<'a, K: verb::Get<S> + verb::Replace<S>, S: Part> IntoFuture for Modify<'a, K, S> {
    type Output = Result<K::Object>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<K: verb::Replace<S>, S: Part> fmt::Debug for Modify<'_, K, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Modify").field("place", &self.place).field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
