//! Reads the documents, and refuses what contradicts itself.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use openapiv3::{OpenAPI, ReferenceOr, Schema};
use serde::Deserialize;
use serde_json::Value;

/// The texts of the pinned documents.
#[derive(Debug, Default)]
pub struct Documents {
    /// OpenAPI v3 documents by file name.
    pub openapi: BTreeMap<String, String>,
    /// Aggregated discovery documents by file name.
    pub discovery: BTreeMap<String, String>,
    /// What `xtask/go-facts` printed.
    pub go_facts: String,
}

/// The documents as values.
#[derive(Debug)]
pub struct Loaded {
    /// Every schema by its name.
    pub schemas: BTreeMap<String, SchemaDocument>,
    /// Every resource that can be addressed by itself, in the order of group, version and name.
    pub resources: Vec<Resource>,
    /// What the documents leave out, by Go package and type.
    pub go: BTreeMap<String, BTreeMap<String, GoType>>,
}

/// A schema and the file that it was read from.
#[derive(Debug)]
pub struct SchemaDocument {
    /// The schema.
    pub schema: Schema,
    /// The name of its file.
    pub file: String,
}

impl SchemaDocument {
    /// Where this schema stands, for errors.
    pub fn at(&self, name: &str) -> String {
        format!("{}#/components/schemas/{name}", self.file)
    }
}

/// A resource in a discovery document.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Empty for the core group.
    pub group: String,
    /// Such as `v1`.
    pub version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// Such as `deployments`.
    pub plural: String,
    /// Such as `deployment`.
    pub singular: String,
    /// Such as `deploy`.
    pub short_names: Vec<String>,
    /// Such as `all`.
    pub categories: Vec<String>,
    /// Whether its objects live in a namespace.
    pub namespaced: bool,
    /// Such as `get`.
    pub verbs: Vec<String>,
    /// What there is below it.
    pub parts: Vec<Part>,
    /// Where it stands in its document: a group's preferred version comes first there.
    pub position: usize,
}

/// A subresource in a discovery document.
#[derive(Clone, Debug)]
pub struct Part {
    /// Such as `scale`.
    pub name: String,
    /// Group, version and kind of what is sent there; an empty version means that it is the resource's own.
    pub kind: [String; 3],
    /// Such as `get`.
    pub verbs: Vec<String>,
}

/// A named Go type.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoType {
    /// The definition of what is no struct.
    pub is: Option<String>,
    /// The JSON names of the fields of a struct, in their order.
    #[serde(default)]
    pub order: Vec<String>,
    /// The fields of a struct by their JSON names.
    #[serde(default)]
    pub fields: BTreeMap<String, GoField>,
}

/// A field of a Go struct.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoField {
    /// Its name in Go.
    pub go: String,
    /// Its type, with the whole path of every package.
    #[serde(rename = "type")]
    pub type_: String,
    /// Left out of JSON when it is empty.
    #[serde(default)]
    pub omitempty: bool,
    /// Left out of JSON when it is zero.
    #[serde(default)]
    pub omitzero: bool,
    /// Its fields are fields of the struct around it.
    #[serde(default)]
    pub inline: bool,
    /// Its protobuf number; 0 if it has none.
    #[serde(default)]
    pub number: u32,
    /// Its protobuf wire type.
    #[serde(default)]
    pub wire: String,
}

/// Reads everything.
pub fn load(documents: &Documents) -> Result<Loaded> {
    let mut resources = Vec::new();
    for (file, text) in &documents.discovery {
        let value: Value = serde_json::from_str(text).with_context(|| format!("{file} is not JSON"))?;
        discovery(file, &value, &mut resources)?;
    }
    resources.sort_by(|a, b| (&a.group, &a.version, &a.plural).cmp(&(&b.group, &b.version, &b.plural)));
    let go = serde_json::from_str(&documents.go_facts)
        .context("gofacts.json is not what xtask/go-facts prints")?;
    Ok(Loaded { schemas: schemas(&documents.openapi)?, resources, go })
}

/// Schemas that the server builds anew for each document: what differs is only the list of kinds that they serve.
const PER_DOCUMENT: [&str; 2] =
    ["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions", "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent"];

fn schemas(files: &BTreeMap<String, String>) -> Result<BTreeMap<String, SchemaDocument>> {
    let mut schemas: BTreeMap<String, SchemaDocument> = BTreeMap::new();
    for (file, text) in files {
        let document: OpenAPI = serde_json::from_str(text).with_context(|| {
            format!("{file} is no OpenAPI v3 document; renew it with `cargo xtask specs update`")
        })?;
        for (name, schema) in document.components.unwrap_or_default().schemas {
            let ReferenceOr::Item(mut schema) = schema else {
                bail!(
                    "{file}#/components/schemas/{name}: a schema that is only a reference is not supported"
                );
            };
            if PER_DOCUMENT.contains(&name.as_str()) {
                schema.schema_data.extensions.shift_remove("x-kubernetes-group-version-kind");
            }
            if let Some(known) = schemas.get(&name) {
                if known.schema != schema {
                    bail!(
                        "{}: differs from the schema of the same name in {file}; name a fix for one of them",
                        known.at(&name)
                    );
                }
                continue;
            }
            schemas.insert(name, SchemaDocument { schema, file: file.clone() });
        }
    }
    Ok(schemas)
}

fn discovery(file: &str, value: &Value, resources: &mut Vec<Resource>) -> Result<()> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| list(value).iter().map(text).collect::<Vec<_>>();
    if value["kind"] != "APIGroupDiscoveryList" {
        bail!("{file}: kind is {}, not APIGroupDiscoveryList", value["kind"]);
    }
    for group in list(&value["items"]) {
        for version in list(&group["versions"]) {
            for resource in list(&version["resources"]) {
                resources.push(Resource {
                    position: resources.len(),
                    group: text(&group["metadata"]["name"]),
                    version: text(&version["version"]),
                    kind: text(&resource["responseKind"]["kind"]),
                    plural: text(&resource["resource"]),
                    singular: text(&resource["singularResource"]),
                    short_names: texts(&resource["shortNames"]),
                    categories: texts(&resource["categories"]),
                    namespaced: resource["scope"] == "Namespaced",
                    verbs: texts(&resource["verbs"]),
                    parts: list(&resource["subresources"])
                        .iter()
                        .map(|part| Part {
                            name: text(&part["subresource"]),
                            kind: ["group", "version", "kind"].map(|of| text(&part["responseKind"][of])),
                            verbs: texts(&part["verbs"]),
                        })
                        .collect(),
                });
            }
        }
    }
    Ok(())
}
