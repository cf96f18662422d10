//! Objects as rows of a table, as the server prints them for people.

use std::borrow::Cow;

use super::{Request, RequestError};
use crate::codec::json::Lexer;
use crate::meta::v1::ListMeta;
use crate::operation::Operation;
use crate::raw::RawJson;
use crate::text::Str;
use crate::transport::Body;
use crate::unknown::Unknown;

const ACCEPT: http::HeaderValue =
    http::HeaderValue::from_static("application/json;as=Table;g=meta.k8s.io;v=v1");

/// A read whose answer is a [`Table`] instead of objects: what a person is shown of any kind, custom ones too.
///
/// ```
/// use k8s_api::core::v1::pods;
/// use k8s_api::request::Request as _;
///
/// let request = pods::list("web").limit(50).table().without_objects().build()?;
/// assert_eq!(request.uri(), "/api/v1/namespaces/web/pods?limit=50&includeObject=None");
/// # Ok::<(), k8s_api::request::RequestError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a request does nothing until it is sent"]
pub struct AsTable<R> {
    inner: R,
    include: Option<&'static str>,
}

impl<R> AsTable<R> {
    pub(super) fn new(inner: R) -> Self {
        AsTable { inner, include: None }
    }

    /// Each row has the whole object, instead of its metadata.
    pub fn with_objects(mut self) -> Self {
        self.include = Some("Object");
        self
    }

    /// The rows have nothing but their cells.
    pub fn without_objects(mut self) -> Self {
        self.include = Some("None");
        self
    }
}

impl<R: Request> Request for AsTable<R> {
    type Answer = Table;
    const OPTIONS: &'static [&'static [&'static str]] = R::OPTIONS;

    fn operation(&self) -> Cow<'static, Operation> {
        self.inner.operation()
    }

    fn build(&self) -> Result<http::Request<Body>, RequestError> {
        let mut request = self.inner.build()?;
        request.headers_mut().insert(http::header::ACCEPT, ACCEPT);
        if let Some(include) = self.include {
            let between = if request.uri().query().is_some() { '&' } else { '?' };
            let uri = format!("{}{between}includeObject={include}", request.uri());
            *request.uri_mut() = uri
                .parse()
                .map_err(|error| RequestError::new(format!("the request can't be built: {error}")))?;
        }
        Ok(request)
    }
}

/// Objects as rows.
#[derive(Clone, Default, PartialEq)]
pub struct Table {
    /// The resource version of the whole, and where the next page begins.
    pub metadata: ListMeta,
    /// What the cells of every row are.
    pub column_definitions: Vec<Column>,
    /// One for each object.
    pub rows: Vec<Row>,
    #[doc(hidden)]
    pub __unknown: Unknown,
}

crate::table! { Table, "io.k8s.apimachinery.pkg.apis.meta.v1.Table", Some(Kind { api_version: "meta.k8s.io/v1", kind: "Table" });
    0 metadata: field("metadata", 0),
    1 column_definitions: field("columnDefinitions", 0).required(),
    2 rows: field("rows", 0).required(),
}

impl Table {
    /// Where the cells of the column of this name are.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.column_definitions.iter().position(|column| column.name == name)
    }
}

/// What the cells of a column are.
#[derive(Clone, Default, PartialEq)]
pub struct Column {
    /// The heading.
    pub name: Str,
    /// The type in OpenAPI: `string`, `integer`, `number`, `boolean`, `date`.
    pub type_: Str,
    /// The format in OpenAPI; `name` for the column that names the object.
    pub format: Str,
    /// A sentence for people.
    pub description: Str,
    /// 0 for what is always shown, above that what there may be no room for.
    pub priority: i32,
    #[doc(hidden)]
    pub __unknown: Unknown,
}

crate::table! { Column, "io.k8s.apimachinery.pkg.apis.meta.v1.TableColumnDefinition", None;
    0 name: field("name", 0),
    1 type_: field("type", 0),
    2 format: field("format", 0),
    3 description: field("description", 0),
    4 priority: field("priority", 0),
}

/// One object.
#[derive(Clone, Default, PartialEq)]
pub struct Row {
    /// One for each column: a text, a number or a flag.
    pub cells: Vec<RawJson>,
    /// What the row is marked with, such as `Completed`.
    pub conditions: Vec<RowCondition>,
    /// The object, or its metadata.
    pub object: RawJson,
    #[doc(hidden)]
    pub __unknown: Unknown,
}

crate::table! { Row, "io.k8s.apimachinery.pkg.apis.meta.v1.TableRow", None;
    0 cells: field("cells", 0).required(),
    1 conditions: field("conditions", 0).omit(),
    2 object: field("object", 0).omit(),
}

impl Row {
    /// A cell as it is shown; `None` past the last one.
    pub fn text(&self, column: usize) -> Option<Cow<'_, str>> {
        let json = self.cells.get(column)?.as_str();
        let text =
            json.starts_with('"').then(|| Lexer::new(json.as_bytes()).and_then(|mut lexer| lexer.string()));
        Some(match text {
            Some(Ok(text)) => text,
            _ if json == "null" => "".into(),
            _ => json.into(),
        })
    }
}

/// A mark of a row.
#[derive(Clone, Default, PartialEq)]
pub struct RowCondition {
    /// Such as `Completed`.
    pub type_: Str,
    /// `True`, `False` or `Unknown`.
    pub status: Str,
    /// One word for programs.
    pub reason: Str,
    /// A sentence for people.
    pub message: Str,
    #[doc(hidden)]
    pub __unknown: Unknown,
}

crate::table! { RowCondition, "io.k8s.apimachinery.pkg.apis.meta.v1.TableRowCondition", None;
    0 type_: field("type", 0),
    1 status: field("status", 0),
    2 reason: field("reason", 0).omit(),
    3 message: field("message", 0).omit(),
}

#[cfg(test)]
mod tests {
    use super::Table;
    use crate::request::Answer as _;

    #[test]
    fn cells_are_shown_as_they_are_meant() {
        let table = Table::read(
            br#"{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{"resourceVersion":"7"},"columnDefinitions":[
            {"name":"Name","type":"string","format":"name","description":"d","priority":0}],
            "rows":[{"cells":["a\u0062",3,true,null,1.5],"object":{"kind":"PartialObjectMetadata"}}]}"#,
        )
        .unwrap();
        assert_eq!((table.column("Name"), table.column("Age")), (Some(0), None));
        let row = &table.rows[0];
        let texts: Vec<_> = (0..6).map(|at| row.text(at).map(|text| text.into_owned())).collect();
        let texts: Vec<_> = texts.iter().map(|text| text.as_deref()).collect();
        assert_eq!(texts, [Some("ab"), Some("3"), Some("true"), Some(""), Some("1.5"), None]);
        assert!(
            Table::read(br#"{"kind":"PodList","apiVersion":"v1"}"#)
                .unwrap_err()
                .to_string()
                .contains("PodList")
        );
    }
}
