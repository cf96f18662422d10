//! Files with objects of many kinds: read, checked as a whole, and applied in an order in which they work.

mod apply;
mod order;
mod read;
mod report;

use std::fmt;
use std::sync::Arc;

use k8s_api::dynamic::DynamicObject;

use crate::discovery::Discovery;
use crate::error::{Error, Result};

pub use apply::ApplyManifest;
pub use report::{Outcome, Report, What};

/// Objects from one or more texts.
///
/// YAML is read as YAML 1.2: a plain `yes` or `on` is a text, not a boolean as in kubectl.
///
/// ```
/// use k8s_client::Manifest;
///
/// let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}\n---\nkind: [";
/// let error = Manifest::parse("web.yaml", text).unwrap_err().to_string();
/// assert!(error.starts_with("web.yaml, line 5, column 7: is no YAML"), "{error}");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    documents: Vec<Document>,
}

/// One object of a manifest.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Document {
    /// Where it stands.
    pub place: Place,
    /// What it says.
    pub object: DynamicObject,
}

/// Where an object stands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The name of the text.
    pub source: Arc<str>,
    /// Which document of the text, from 1.
    pub document: usize,
    /// The line on which the document begins, from 1.
    pub line: usize,
    /// Which object of a list, from 1.
    pub item: Option<usize>,
}

/// `web.yaml, document 2 (line 14), item 3`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, document {} (line {})", self.source, self.document, self.line)?;
        self.item.map_or(Ok(()), |item| write!(f, ", item {item}"))
    }
}

/// `web.yaml, document 2 (line 14), Deployment web/api`.
impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.place, name(&self.object))
    }
}

fn name(object: &DynamicObject) -> String {
    let metadata = &object.metadata;
    match metadata.namespace.as_str() {
        "" => format!("{} {}", object.kind, metadata.name),
        namespace => format!("{} {namespace}/{}", object.kind, metadata.name),
    }
}

impl Manifest {
    /// Reads a text of YAML or JSON documents; `source` is what errors call it. A list is taken apart, and what is
    /// empty is passed over. Every mistake is told.
    pub fn parse(source: &str, text: &str) -> Result<Manifest> {
        Manifest::default().with(source, text)
    }

    /// The same with one more text.
    pub fn with(mut self, source: &str, text: &str) -> Result<Manifest> {
        self.documents.extend(read::documents(source, text)?);
        Ok(self)
    }

    /// The objects, in the order of the texts.
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Applies the objects in the name of `manager`, which owns what they say from then on. Namespaces and definitions come first, and
    /// are waited for; then comes what others need.
    ///
    /// Everything that can be found out is found out before anything is written: an error says that nothing was.
    /// Afterwards the [`Report`] says of each object what has become of it.
    ///
    /// ```no_run
    /// # async fn f(client: k8s_client::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use k8s_client::{Discovery, Manifest};
    ///
    /// let manifest = Manifest::parse("web.yaml", &std::fs::read_to_string("web.yaml")?)?;
    /// let report = manifest.apply(&Discovery::new(&client), "my-tool").namespace("web").await?;
    /// for object in report.into_result()? {
    ///     println!("{} {} applied", object.kind, object.metadata.name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn apply<'a>(&'a self, discovery: &'a Discovery, manager: &'a str) -> ApplyManifest<'a> {
        ApplyManifest::new(self, discovery, manager)
    }
}

/// One error of several mistakes.
fn together(mut mistakes: Vec<Error>) -> Result<()> {
    match (mistakes.len(), mistakes.pop()) {
        (_, None) => Ok(()),
        (1, Some(one)) => Err(one),
        (count, Some(last)) => {
            let all: Vec<String> = mistakes.iter().chain([&last]).map(Error::to_string).collect();
            Err(Error::request(format!("{count} mistakes: {}", all.join("; "))))
        }
    }
}

#[cfg(test)]
mod tests;
