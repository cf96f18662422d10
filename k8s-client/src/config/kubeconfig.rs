//! Kubeconfig files: read, looked into, changed and written back.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::{Fields, Node};
use super::merge::{self, CONTEXTS, Source, USERS, find, names};
use super::write::{self, Lock};
use super::{Config, resolve};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// How long [`Kubeconfig::save`] waits for another program's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// One kubeconfig file, or several as one.
///
/// It keeps everything that stands in a file, also what this crate does not know, so that writing it back loses nothing but
/// comments. Nothing of its content is shown by `Debug`.
///
/// ```no_run
/// use k8s_client::{Client, Kubeconfig};
///
/// # fn main() -> k8s_client::Result<()> {
/// let mut kubeconfig = Kubeconfig::load()?;
/// for context in kubeconfig.contexts() {
///     println!("{} is {} as {:?}", context.name, context.cluster, context.user);
/// }
/// let client = Client::new(kubeconfig.config("staging")?)?;
/// kubeconfig.set_current_context("staging")?;
/// kubeconfig.save()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Kubeconfig {
    sources: Vec<Source>,
    /// Files that are not there, for messages.
    missing: Vec<PathBuf>,
    changes: Vec<(PathBuf, Change)>,
}

/// A context of a [`Kubeconfig`]: which cluster, as whom, where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Context {
    /// What it is called.
    pub name: String,
    /// The name of the cluster.
    pub cluster: String,
    /// The name of the user; without one, nobody in particular.
    pub user: Option<String>,
    /// The namespace that is meant where none is said.
    pub namespace: Option<String>,
}

/// A text that is to stand in one place of one file.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The list and the name of the entry in it; none for a field of the file itself.
    pub(crate) entry: Option<((&'static str, &'static str), String)>,
    /// The way to the field from there.
    pub(crate) path: Vec<String>,
    pub(crate) value: Secret,
}

impl Kubeconfig {
    /// What kubectl would read: the files of the variable `KUBECONFIG`, merged, or else `.kube/config` in the home folder.
    ///
    /// As with kubectl, files that don't exist are passed over, for every name the first file that has it wins, and
    /// paths are relative to the file that they stand in.
    pub fn load() -> Result<Kubeconfig> {
        Kubeconfig::merge(merge::paths(|name| std::env::var_os(name))?)
    }

    /// One file, which has to exist.
    pub fn read(path: impl AsRef<Path>) -> Result<Kubeconfig> {
        let path = path.as_ref();
        let source = write::read(path).and_then(|root| Source::new(Some(path.to_owned()), root));
        let source = source.map_err(|error| error.within(path.display()))?;
        Ok(Kubeconfig { sources: vec![source], missing: Vec::new(), changes: Vec::new() })
    }

    /// Several files as one, as kubectl merges those of `KUBECONFIG`.
    pub fn merge(paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Result<Kubeconfig> {
        let mut all = Kubeconfig { sources: Vec::new(), missing: Vec::new(), changes: Vec::new() };
        for path in paths {
            let path = path.into();
            match std::fs::metadata(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => all.missing.push(path),
                _ => all.sources.append(&mut Kubeconfig::read(&path)?.sources),
            }
        }
        Ok(all)
    }

    /// A text in YAML or JSON. Relative paths in it are relative to the current folder, and it can't be saved.
    pub fn parse(text: &str) -> Result<Kubeconfig> {
        let source = Node::read(text).and_then(|root| Source::new(None, root));
        let source = source.map_err(|error| error.within("the kubeconfig"))?;
        Ok(Kubeconfig { sources: vec![source], missing: Vec::new(), changes: Vec::new() })
    }

    /// Every context, in the order of the files.
    pub fn contexts(&self) -> Vec<Context> {
        let contexts = names(&self.sources, CONTEXTS).into_iter().filter_map(|name| {
            let (_, fields) = find(&self.sources, CONTEXTS, name)?;
            let text = |field| fields.text(field).ok().flatten().map(str::to_owned);
            let (cluster, user, namespace) = (text("cluster"), text("user"), text("namespace"));
            Some(Context { name: name.to_owned(), cluster: cluster.unwrap_or_default(), user, namespace })
        });
        contexts.collect()
    }

    /// The context that is meant where none is said: that of the first file that says one.
    pub fn current_context(&self) -> Option<&str> {
        self.sources.iter().find_map(Source::current)
    }

    /// What a [`Client`](crate::Client) needs to know of a context; of the current one for `None`.
    pub fn config<'a>(&self, context: impl Into<Option<&'a str>>) -> Result<Config> {
        resolve::resolve(self, context.into())
    }

    /// Makes another context the current one, in the first file: it wins over what stands in the others.
    pub fn set_current_context(&mut self, name: &str) -> Result<()> {
        if find(&self.sources, CONTEXTS, name).is_none() {
            return Err(self.unknown("context", CONTEXTS, name).within(self.place()));
        }
        let path = self.sources.first().and_then(|source| source.path.clone());
        self.change(path, Change::new(None, &["current-context"], Secret::new(name)))
    }

    /// Changes the namespace of a context.
    pub fn set_namespace(&mut self, context: &str, namespace: &str) -> Result<()> {
        self.set("context", CONTEXTS, context, &["namespace"], Secret::new(namespace))
    }

    /// Changes the token of a user.
    ///
    /// ```no_run
    /// use k8s_client::{Kubeconfig, Secret};
    ///
    /// # fn main() -> k8s_client::Result<()> {
    /// let mut kubeconfig = Kubeconfig::read("robot.kubeconfig")?;
    /// kubeconfig.set_token("robot", Secret::new("what was just issued"))?;
    /// kubeconfig.save()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_token(&mut self, user: &str, token: Secret) -> Result<()> {
        self.set("user", USERS, user, &["token"], token)
    }

    /// Changes a value in the `config` of a user's `auth-provider`, such as `refresh-token`.
    pub fn set_auth_provider(&mut self, user: &str, field: &str, value: Secret) -> Result<()> {
        self.set("user", USERS, user, &["auth-provider", "config", field], value)
    }

    /// Writes the changes into the files that they belong to.
    ///
    /// Each file is locked as kubectl locks it (`<file>.lock`), read again, changed and replaced as a whole. What other
    /// programs changed in the meantime stays.
    pub fn save(&mut self) -> Result<()> {
        while let Some((path, _)) = self.changes.first() {
            let path = path.clone();
            let save = || {
                let file = write::real(&path);
                let _lock = Lock::take(&file, PATIENCE)?;
                let mut root = write::read(&file)?;
                for (_, change) in self.changes.iter().filter(|(changed, _)| *changed == path) {
                    change.apply(&mut root)?;
                }
                write::replace(&file, &root)
            };
            save().map_err(|error| error.within(path.display()))?;
            self.changes.retain(|(changed, _)| *changed != path);
        }
        Ok(())
    }

    fn set(
        &mut self,
        what: &str,
        list: (&'static str, &'static str),
        name: &str,
        path: &[&str],
        value: Secret,
    ) -> Result<()> {
        let Some((source, _)) = find(&self.sources, list, name) else {
            return Err(self.unknown(what, list, name).within(self.place()));
        };
        let file = source.path.clone();
        self.change(file, Change::new(Some((list, name.to_owned())), path, value))
    }

    fn change(&mut self, path: Option<PathBuf>, change: Change) -> Result<()> {
        let Some(path) = path else {
            return Err(
                Error::config("it was not read from a file, so it can't be changed").within("the kubeconfig")
            );
        };
        let source = self.sources.iter_mut().find(|source| source.path.as_ref() == Some(&path));
        if let Some(source) = source {
            change.apply(&mut source.root)?;
        }
        self.changes.push((path, change));
        Ok(())
    }

    pub(super) fn sources(&self) -> &[Source] {
        &self.sources
    }

    pub(super) fn missing(&self) -> &[PathBuf] {
        &self.missing
    }

    /// Whether it says nothing of any server, as a new file.
    pub(super) fn is_empty(&self) -> bool {
        self.current_context().is_none()
            && [merge::CLUSTERS, CONTEXTS, USERS].iter().all(|list| names(&self.sources, *list).is_empty())
    }

    /// All its files, for messages.
    pub(super) fn place(&self) -> String {
        let mut places: Vec<String> = self.sources.iter().map(Source::place).collect();
        if places.is_empty() {
            places = self.missing.iter().map(|path| path.display().to_string()).collect();
        }
        places.join(", ")
    }

    pub(super) fn unknown(&self, what: &str, list: (&str, &str), name: &str) -> Error {
        let known = names(&self.sources, list);
        let files = if self.sources.len() == 1 { "the file has" } else { "the files have" };
        match known.len() {
            0 => Error::config(format!("there is no {what} `{name}`; {files} none")),
            _ => Error::config(format!("there is no {what} `{name}`; {files} {}", known.join(", "))),
        }
    }
}

impl Change {
    pub(crate) fn new(
        entry: Option<((&'static str, &'static str), String)>,
        path: &[&str],
        value: Secret,
    ) -> Change {
        Change { entry, path: path.iter().map(|field| (*field).to_owned()).collect(), value }
    }

    fn apply(&self, root: &mut Node) -> Result<()> {
        let value = Node::Text(self.value.clone());
        let Some(((list, inner), name)) = &self.entry else {
            root.set(&self.path, value);
            return Ok(());
        };
        let entries = match root.get_mut(list) {
            Some(Node::List(entries)) => &mut entries[..],
            _ => &mut [],
        };
        let entry = entries.iter_mut().find(|entry| entry.get("name").and_then(Node::as_text) == Some(name));
        let entry = entry.ok_or_else(|| Error::config(format!("there is no {inner} `{name}` any more")))?;
        let mut way = vec![(*inner).to_owned()];
        way.extend_from_slice(&self.path);
        entry.set(&way, value);
        Ok(())
    }
}

/// The two tokens of an OIDC user as the file has them now.
pub(crate) fn tokens_of(path: &Path, user: &str) -> Result<(Option<Secret>, Option<Secret>)> {
    let kubeconfig = Kubeconfig::read(path)?;
    let (_, fields) = find(&kubeconfig.sources, USERS, user)
        .ok_or_else(|| kubeconfig.unknown("user", USERS, user).within(path.display()))?;
    let config: Fields<'_> = fields.fields("auth-provider")?.fields("config")?;
    Ok((config.secret("id-token")?.cloned(), config.secret("refresh-token")?.cloned()))
}

/// Writes them, under a lock that the caller holds.
pub(crate) fn write_tokens(
    path: &Path,
    user: &str,
    id_token: &Secret,
    refresh_token: Option<&Secret>,
) -> Result<()> {
    let write = || {
        let mut root = write::read(path)?;
        let entry = || Some((USERS, user.to_owned()));
        let way = ["auth-provider", "config"];
        Change::new(entry(), &[way[0], way[1], "id-token"], id_token.clone()).apply(&mut root)?;
        if let Some(token) = refresh_token {
            Change::new(entry(), &[way[0], way[1], "refresh-token"], token.clone()).apply(&mut root)?;
        }
        write::replace(path, &root)
    };
    write().map_err(|error| error.within(path.display()))
}

#[cfg(test)]
mod tests;
