//! The schemas of a server's documents, as far as objects are compared with them.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

/// One document: the schemas of a group and version.
#[derive(Debug, Default)]
pub struct Schemas {
    pub(super) schemas: HashMap<String, Schema>,
    /// Names of schemas by group, version and kind.
    kinds: HashMap<(String, String, String), String>,
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    components: Components,
}

#[derive(Default, Deserialize)]
struct Components {
    #[serde(default)]
    schemas: HashMap<String, Schema>,
}

/// What is not here is not compared.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Schema {
    #[serde(rename = "$ref")]
    pub(super) reference: Option<String>,
    #[serde(rename = "type")]
    pub(super) type_: String,
    pub(super) format: String,
    pub(super) properties: BTreeMap<String, Schema>,
    pub(super) required: Vec<String>,
    pub(super) items: Option<Box<Schema>>,
    pub(super) additional_properties: Option<Additional>,
    #[serde(rename = "enum")]
    pub(super) values: Vec<serde_json::Value>,
    pub(super) nullable: bool,
    pub(super) pattern: String,
    pub(super) minimum: Option<f64>,
    pub(super) maximum: Option<f64>,
    pub(super) exclusive_minimum: bool,
    pub(super) exclusive_maximum: bool,
    pub(super) min_length: Option<usize>,
    pub(super) max_length: Option<usize>,
    pub(super) min_items: Option<usize>,
    pub(super) max_items: Option<usize>,
    pub(super) min_properties: Option<usize>,
    pub(super) max_properties: Option<usize>,
    pub(super) all_of: Vec<Schema>,
    pub(super) any_of: Vec<Schema>,
    pub(super) one_of: Vec<Schema>,
    pub(super) not: Option<Box<Schema>>,
    #[serde(rename = "x-kubernetes-preserve-unknown-fields")]
    pub(super) keeps_unknown: bool,
    #[serde(rename = "x-kubernetes-int-or-string")]
    pub(super) int_or_string: bool,
    #[serde(rename = "x-kubernetes-embedded-resource")]
    pub(super) embedded: bool,
    #[serde(rename = "x-kubernetes-group-version-kind")]
    kinds: Vec<Kind>,
}

/// Whether fields with any name may be there, and what they hold.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Additional {
    Any(bool),
    Of(Box<Schema>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Kind {
    group: String,
    version: String,
    kind: String,
}

impl Schemas {
    pub(super) fn read(document: &[u8]) -> Result<Schemas, serde_json::Error> {
        let Wire { components } = serde_json::from_slice(document)?;
        let mut kinds = HashMap::new();
        for (name, schema) in &components.schemas {
            for Kind { group, version, kind } in &schema.kinds {
                kinds.insert((group.clone(), version.clone(), kind.clone()), name.clone());
            }
        }
        Ok(Schemas { schemas: components.schemas, kinds })
    }

    /// The schema of a kind, and its name.
    pub(super) fn of(&self, group: &str, version: &str, kind: &str) -> Option<(&str, &Schema)> {
        let name = self.kinds.get(&(group.to_owned(), version.to_owned(), kind.to_owned()))?;
        Some((name, self.schemas.get(name)?))
    }

    /// What a reference stands for.
    pub(super) fn refer(&self, reference: &str) -> Option<&Schema> {
        self.schemas.get(reference.strip_prefix("#/components/schemas/")?)
    }
}
