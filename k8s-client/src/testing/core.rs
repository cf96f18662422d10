//! The server without its faces: a request in, an answer out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderValue, Method, header};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::ask::{Ask, Query, Said};
use super::body::Validation;
use super::defaults::Addresses;
use super::failure::{Cause, Failure};
use super::kinds::{Kinds, Known};
use super::logs::Teller;
use super::outside::{Chance, Clock};
use super::route::Route;
use super::shape::Shape;
use super::store::{Key, Object, Store};
use super::{deletes, discovery, parts, reads, watching, writes};

/// The one server behind all of its faces.
pub(crate) struct Core {
    pub(crate) kinds: Kinds,
    pub(crate) clock: Clock,
    state: Mutex<State>,
    /// The revision, for those who wait for the next.
    pub(crate) changed: watch::Sender<u64>,
    pub(crate) cleans: bool,
    pub(crate) logs: Mutex<Option<Teller>>,
    /// A folder with the documents of a release.
    pub(crate) openapi: Option<PathBuf>,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) chance: Chance,
    pub(crate) addresses: Addresses,
    /// Tokens of service accounts that were given out: whose, and for whom.
    pub(crate) tokens: BTreeMap<String, parts::Issued>,
}

impl Core {
    pub(crate) fn new(
        clock: Clock,
        seed: u64,
        kept: usize,
        cleans: bool,
        openapi: Option<PathBuf>,
    ) -> Arc<Core> {
        let state = State {
            store: Store::new(kept),
            chance: Chance::new(seed),
            addresses: Addresses::default(),
            tokens: BTreeMap::new(),
        };
        let core = Arc::new(Core {
            kinds: Kinds::new(),
            clock,
            state: Mutex::new(state),
            changed: watch::Sender::new(1),
            cleans,
            logs: Mutex::new(None),
            openapi,
        });
        if let Some(namespaces) = core.kinds.at("", "v1", "namespaces").copied() {
            for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
                let object = json!({"metadata": {"name": name}});
                // Nothing can be wrong with these.
                let _ = core.make(&namespaces, "", object);
            }
        }
        if let Some(components) = core.kinds.at("", "v1", "componentstatuses") {
            let healthy = json!([{"type": "Healthy", "status": "True", "message": "ok"}]);
            let etcd = json!({"metadata": {"name": "etcd-0"}, "conditions": healthy});
            core.state().store.put(components.stored, etcd);
        }
        core
    }

    /// Makes an object as if it had been asked for.
    pub(crate) fn make(
        self: &Arc<Core>,
        kind: &Known,
        namespace: &str,
        object: Value,
    ) -> Result<(), Failure> {
        let ask = Ask {
            method: Method::POST,
            path: Vec::new(),
            query: Query::default(),
            headers: http::HeaderMap::new(),
            body: object.to_string().into(),
        };
        let mut call = Call::new(self, kind, namespace, &ask)?;
        writes::create(&mut call).map(drop)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who watch, once a change is complete.
    pub(crate) fn announce(&self, state: &State) {
        let revision = state.store.revision();
        self.changed.send_if_modified(|known| std::mem::replace(known, revision) != revision);
    }

    pub(crate) fn answer(self: &Arc<Core>, ask: &Ask) -> Said {
        self.route(ask).unwrap_or_else(|failure| Said::failure(&failure))
    }

    fn route(self: &Arc<Core>, ask: &Ask) -> Result<Said, Failure> {
        let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
        if let Some(said) = discovery::answer(self, ask, &path)? {
            return Ok(said);
        }
        let (group, version, from) = match path.as_slice() {
            ["api", version, _, ..] => ("", *version, 2),
            ["apis", group, version, _, ..] => (*group, *version, 3),
            _ => return Err(Failure::no_such_path()),
        };
        if !self.kinds.has_group(group) {
            return Err(Failure::no_such_path());
        }
        if !self.kinds.has_version(group, version) {
            return Err(Failure::no_such_resource());
        }
        let route = Route::parse(&self.kinds, group, version, ask.path.get(from..).unwrap_or_default())?;
        // What is not read is not too large.
        let reads = !matches!(ask.method, Method::GET | Method::HEAD | Method::OPTIONS);
        if reads && ask.body.len() > super::body::LIMIT {
            return Err(Failure::too_large(super::body::LIMIT));
        }
        let mut call = Call::new(self, route.kind, &route.namespace, ask)?;
        call.name = route.name.clone();
        call.part = route.part.clone();
        let kind = *route.kind;
        let allowed = |verb: &str| {
            let verbs = match kind.part(&route.part) {
                Some(part) => part.verbs,
                None => kind.verbs,
            };
            if verbs.contains(&verb) { Ok(()) } else { Err(Failure::method_not_allowed()) }
        };
        if route.watch || route.name.is_empty() && ask.query.flag("watch") && ask.method == Method::GET {
            allowed("watch")?;
            return watching::answer(&call);
        }
        if kind.namespaced && route.namespace.is_empty() && ask.method != Method::GET {
            return Err(Failure::method_not_allowed());
        }
        let one = !route.name.is_empty();
        if matches!(route.part.as_str(), "" | "status") || parts::is_plain(&route.part) {
            let said = match (&ask.method, one) {
                (&Method::GET, true) => allowed("get").and_then(|()| reads::get(&call)),
                (&Method::GET, false) => allowed("list").and_then(|()| reads::list(&call)),
                (&Method::POST, false) => allowed("create").and_then(|()| match parts::review(&mut call) {
                    Some(said) => said,
                    None => writes::create(&mut call),
                }),
                (&Method::PUT, true) => allowed("update").and_then(|()| writes::replace(&mut call)),
                (&Method::PATCH, true) => allowed("patch").and_then(|()| writes::patch(&mut call)),
                (&Method::DELETE, true) => allowed("delete").and_then(|()| deletes::one(&mut call)),
                (&Method::DELETE, false) => {
                    allowed("deletecollection").and_then(|()| deletes::many(&mut call))
                }
                _ => Err(Failure::method_not_allowed()),
            };
            return said.map(|said| call.warned(said));
        }
        let verb = match ask.method {
            // Passed on to who stands behind.
            Method::OPTIONS | Method::HEAD if route.part == "proxy" => "get",
            Method::GET => "get",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => return Err(Failure::method_not_allowed()),
        };
        allowed(verb)?;
        let said = parts::answer(&mut call, verb)?;
        Ok(call.warned(said))
    }
}

/// A request to a resource, while it is answered.
pub(crate) struct Call<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) ask: &'a Ask,
    pub(crate) kind: Known,
    /// The kind that its objects are stored as.
    pub(crate) stored: Known,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) part: String,
    pub(crate) shape: Shape,
    pub(crate) dry: bool,
    pub(crate) validation: Validation,
    pub(crate) warnings: Vec<String>,
}

impl<'a> Call<'a> {
    fn new(core: &'a Arc<Core>, kind: &Known, namespace: &str, ask: &'a Ask) -> Result<Call<'a>, Failure> {
        let dry = match ask.query.all("dryRun").find(|value| !value.is_empty()) {
            None => false,
            Some("All") => true,
            Some(other) => {
                let cause = Cause::unsupported("dryRun", &json!([other]), &["All"]);
                let options = match ask.method {
                    Method::POST => "CreateOptions",
                    Method::PUT => "UpdateOptions",
                    Method::PATCH => "PatchOptions",
                    _ => "DeleteOptions",
                };
                return Err(Failure::invalid_named(options, "meta.k8s.io", "", &[cause]));
            }
        };
        Ok(Call {
            core,
            ask,
            kind: *kind,
            stored: core.kinds.stored(kind.stored).copied().unwrap_or(*kind),
            namespace: namespace.to_owned(),
            name: String::new(),
            part: String::new(),
            shape: Shape::of(ask)?,
            dry,
            validation: Validation::of(ask.query.get("fieldValidation"))?,
            warnings: Vec::new(),
        })
    }

    pub(crate) fn key(&self) -> Key {
        Key(self.namespace.clone(), self.name.clone())
    }

    /// The object that is meant.
    pub(crate) fn find(&self, state: &State) -> Result<Arc<Object>, Failure> {
        let found = state.store.get(self.kind.stored, &self.key());
        found.cloned().ok_or_else(|| Failure::not_found(&self.kind, &self.name))
    }

    /// A stored object as the version has it that is asked for, with its kind.
    pub(crate) fn out(&self, object: Value) -> Result<Value, Failure> {
        let mut object = self.core.kinds.convert(object, &self.stored, &self.kind)?;
        object["apiVersion"] = self.kind.api_version().into();
        object["kind"] = self.kind.kind.into();
        Ok(object)
    }

    fn warned(&self, mut said: Said) -> Said {
        for warning in &self.warnings {
            let text = format!("299 - {:?}", warning.replace(['\n', '\r'], " "));
            if let Ok(value) = HeaderValue::from_str(&text) {
                said.headers.append(header::WARNING, value);
            }
        }
        said
    }
}
