//! Several kubeconfig files as one, as kubectl has it: for every name, and for the current context, the first file that
//! has it wins.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::document::{Fields, Node};
use crate::error::{Error, Result};

/// The lists of a kubeconfig, and what the entries of each keep their fields in.
pub(super) const CLUSTERS: (&str, &str) = ("clusters", "cluster");
pub(super) const CONTEXTS: (&str, &str) = ("contexts", "context");
pub(super) const USERS: (&str, &str) = ("users", "user");

/// One file, or a text that comes from none.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) path: Option<PathBuf>,
    pub(super) root: Node,
}

impl Source {
    pub(super) fn new(path: Option<PathBuf>, root: Node) -> Result<Source> {
        check(&root)?;
        Ok(Source { path, root })
    }

    /// For messages.
    pub(super) fn place(&self) -> String {
        self.path.as_ref().map_or_else(|| "the kubeconfig".to_owned(), |path| path.display().to_string())
    }

    /// What a path in this file means.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        let folder = self.path.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
        let path = folder.join(path);
        // Read again later, when the program may be in another folder.
        std::path::absolute(&path).unwrap_or(path)
    }

    fn entries(&self, list: (&str, &str)) -> impl Iterator<Item = (&str, &Node)> {
        let entries = match self.root.get(list.0) {
            Some(Node::List(entries)) => &entries[..],
            _ => &[],
        };
        entries.iter().filter_map(|entry| Some((entry.get("name")?.as_text()?, entry)))
    }

    pub(super) fn current(&self) -> Option<&str> {
        self.root.get("current-context").and_then(Node::as_text).filter(|name| !name.is_empty())
    }
}

/// Where kubectl would look: the files of `KUBECONFIG`, or the one in the home folder.
pub(super) fn paths(variable: impl Fn(&str) -> Option<OsString>) -> Result<Vec<PathBuf>> {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    if let Some(list) = set("KUBECONFIG") {
        let mut files: Vec<PathBuf> = Vec::new();
        for file in std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()) {
            if !files.contains(&file) {
                files.push(file);
            }
        }
        if files.is_empty() {
            return Err(Error::config("KUBECONFIG is set, but names no file"));
        }
        return Ok(files);
    }
    let home = set("HOME").or_else(|| set("USERPROFILE"));
    let home = home.ok_or_else(|| Error::config("neither KUBECONFIG nor HOME is set"))?;
    Ok(vec![PathBuf::from(home).join(".kube").join("config")])
}

/// What would be passed over in silence later on.
fn check(root: &Node) -> Result<()> {
    let fields = Fields::of(Some(root)).map_err(|error| error.within("is not a kubeconfig"))?;
    match fields.text("kind")? {
        None | Some("Config") => {}
        Some(kind) => return Err(Error::config(format!("is a {kind}, not a kubeconfig"))),
    }
    fields.text("current-context")?;
    for (list, inner) in [CLUSTERS, CONTEXTS, USERS] {
        let mut names = Vec::new();
        for (index, entry) in fields.list(list)?.iter().enumerate() {
            let place = format!("{list}[{index}]");
            let entry = Fields::of(Some(entry)).map_err(|error| error.within(&place))?;
            let name = entry.text("name").map_err(|error| error.within(&place))?;
            let name = name.ok_or_else(|| Error::config(format!("{place} has no name")))?;
            if names.contains(&name) {
                return Err(Error::config(format!("{list}: `{name}` is there twice")));
            }
            names.push(name);
            entry.fields(inner).map_err(|error| error.within(format_args!("{inner} `{name}`")))?;
        }
    }
    Ok(())
}

/// The entry of this name: of which source, and its fields.
pub(super) fn find<'a>(
    sources: &'a [Source],
    list: (&str, &str),
    name: &str,
) -> Option<(&'a Source, Fields<'a>)> {
    sources.iter().find_map(|source| {
        let (_, entry) = source.entries(list).find(|(entry, _)| *entry == name)?;
        Some((source, Fields::of(entry.get(list.1)).ok()?))
    })
}

/// All names in a list, each once, in order.
pub(super) fn names<'a>(sources: &'a [Source], list: (&str, &str)) -> Vec<&'a str> {
    let mut names = Vec::new();
    for source in sources {
        for (name, _) in source.entries(list) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}
