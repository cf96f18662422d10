//! From custom resource definitions to models.
//!
//! There are no Go types to ask for presence: what a schema does not require is an `Option`, lists and maps too, so that
//! `[]` and absent stay apart, and what is `nullable` keeps null and absent apart. The API server wants structural
//! schemas: outside of `properties`, `items` and `additionalProperties` nothing decides about types, so the rest
//! (`allOf`, `anyOf`, `not`, patterns, limits, rules) is validation and is passed over.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::ir::{Enum, EnumValue, Field, Merge, Model, Path, Resource, Struct, Type};
use crate::operations::{Call, Offer, Operations, Place, Verb};
use crate::{boxing, docs, lower, names};

/// What models name without a path: no kind can be called so.
const TAKEN: [&str; 14] = [
    "Box",
    "ByteString",
    "Clone",
    "Default",
    "IntOrString",
    "Map",
    "Nullable",
    "Option",
    "PartialEq",
    "RawJson",
    "Str",
    "Time",
    "Unknown",
    "Vec",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    spec: Option<Spec>,
}

#[derive(Deserialize)]
struct Spec {
    group: String,
    names: Names,
    scope: String,
    versions: Vec<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Names {
    kind: String,
    plural: String,
    singular: Option<String>,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
}

#[derive(Deserialize)]
struct Version {
    name: String,
    #[serde(default)]
    served: bool,
    schema: Option<Validation>,
    #[serde(default)]
    subresources: Subresources,
}

#[derive(Default, Deserialize)]
struct Subresources {
    status: Option<Value>,
    scale: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Validation {
    #[serde(rename = "openAPIV3Schema")]
    schema: Option<Schema>,
}

/// The parts of a structural schema that decide about types.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Schema {
    description: String,
    #[serde(rename = "type")]
    type_: String,
    format: String,
    nullable: bool,
    default: Option<Value>,
    #[serde(rename = "enum")]
    enumeration: Vec<Value>,
    required: Vec<String>,
    properties: BTreeMap<String, Schema>,
    items: Option<Box<Schema>>,
    additional_properties: Option<Additional>,
    #[serde(rename = "x-kubernetes-int-or-string")]
    int_or_string: bool,
    #[serde(rename = "x-kubernetes-list-type")]
    list_type: Option<String>,
    #[serde(rename = "x-kubernetes-list-map-keys")]
    list_map_keys: Vec<String>,
    #[serde(rename = "x-kubernetes-map-type")]
    map_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Additional {
    Any(#[allow(dead_code, reason = "it tells that any value may stand here")] bool),
    Schema(Box<Schema>),
}

/// The models of every served version, and what can be asked of them. A file may hold several documents.
pub(crate) fn lower(files: &BTreeMap<String, String>) -> Result<(Vec<Model>, Operations)> {
    let (mut models, mut operations) = (Vec::new(), Operations::default());
    for (file, text) in files {
        let documents: Vec<Option<Definition>> = serde_saphyr::from_multiple(text)
            .map_err(|error| anyhow::anyhow!("{error}"))
            .with_context(|| format!("{file} holds no custom resource definition"))?;
        for definition in documents.into_iter().flatten() {
            if (definition.api_version.as_str(), definition.kind.as_str())
                != ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
            {
                bail!(
                    "{file}: expected a CustomResourceDefinition of apiextensions.k8s.io/v1, not `{}` of `{}`",
                    definition.kind,
                    definition.api_version
                );
            }
            let spec = definition.spec.with_context(|| format!("{file}#/spec is missing"))?;
            for (index, version) in spec.versions.iter().enumerate().filter(|(_, version)| version.served) {
                let at = format!("{file}#/spec/versions/{index}/schema/openAPIV3Schema");
                let schema = version.schema.as_ref().and_then(|validation| validation.schema.as_ref());
                let schema =
                    schema.with_context(|| format!("{at} is missing: without it there is no model"))?;
                let (path, found) = resource(&spec, version, schema, &at)?;
                models.extend(found);
                operations.offer(&spec.group, &version.name, &spec.names.plural, offer(&spec, version, path));
            }
        }
    }
    Ok((lower::in_order(models)?, operations))
}

/// What the server offers for every custom resource, and the subresources that it asks for.
fn offer(spec: &Spec, version: &Version, kind: Path) -> Offer {
    let namespaced = spec.scope == "Namespaced";
    let everywhere = format!("/apis/{}/{}/{}", spec.group, version.name, spec.names.plural);
    let here = match namespaced {
        true => {
            format!("/apis/{}/{}/namespaces/{{namespace}}/{}", spec.group, version.name, spec.names.plural)
        }
        false => everywhere.clone(),
    };
    let scale = Path { group: "autoscaling".to_owned(), version: "v1".to_owned(), name: "Scale".to_owned() };
    let mut objects = vec![("", &kind)];
    objects.extend(version.subresources.status.is_some().then_some(("status", &kind)));
    objects.extend(version.subresources.scale.is_some().then_some(("scale", &scale)));
    let mut calls = BTreeMap::new();
    let mut add =
        |subresource: &str, verb: Verb, everywhere: bool, object: &Path, method: &str, path: String| {
            let call = Call { subresource: subresource.to_owned(), verb, everywhere, object: object.clone() };
            calls.insert(call, vec![Place { method: method.to_owned(), path }]);
        };
    for (subresource, object) in objects {
        let one = format!("{here}/{{name}}{}{subresource}", if subresource.is_empty() { "" } else { "/" });
        for (verb, method) in [(Verb::Get, "GET"), (Verb::Replace, "PUT"), (Verb::Patch, "PATCH")] {
            add(subresource, verb, false, object, method, one.clone());
        }
    }
    add("", Verb::Delete, false, &kind, "DELETE", format!("{here}/{{name}}"));
    for (verb, method) in [
        (Verb::List, "GET"),
        (Verb::Watch, "GET"),
        (Verb::Create, "POST"),
        (Verb::DeleteCollection, "DELETE"),
    ] {
        add("", verb, false, &kind, method, here.clone());
    }
    if namespaced {
        add("", Verb::List, true, &kind, "GET", everywhere.clone());
        add("", Verb::Watch, true, &kind, "GET", everywhere);
    }
    Offer { kind, namespaced, calls }
}

fn resource(spec: &Spec, version: &Version, schema: &Schema, at: &str) -> Result<(Path, Vec<Model>)> {
    let mut lowering = Lowering {
        group: names::module(&spec.group),
        version: names::module(&version.name),
        schema: format!("{}.{}", spec.group, version.name),
        structs: BTreeMap::new(),
        enums: BTreeMap::new(),
        taken: TAKEN.map(str::to_owned).into(),
    };
    let path = lowering.path(&names::type_name(&spec.names.kind));
    lowering.structure(&path, schema, at, true)?;
    let Lowering { mut structs, enums, .. } = lowering;
    if let Some(root) = structs.get_mut(&path) {
        root.kind = Some((format!("{}/{}", spec.group, version.name), spec.names.kind.clone()));
        root.resource = Some(Resource {
            group: spec.group.clone(),
            version: version.name.clone(),
            plural: spec.names.plural.clone(),
            singular: spec.names.singular.clone().unwrap_or_else(|| spec.names.kind.to_lowercase()),
            short_names: spec.names.short_names.clone(),
            categories: spec.names.categories.clone(),
            namespaced: spec.scope == "Namespaced",
            listed: true,
        });
    }
    boxing::box_large(&mut structs, boxing::LARGE);
    let structs = structs.into_values().map(|model| Model::Struct(Box::new(model)));
    Ok((path, structs.chain(enums.into_values().map(Model::Enum)).collect()))
}

struct Lowering {
    group: String,
    version: String,
    /// Before the name of every schema.
    schema: String,
    structs: BTreeMap<Path, Struct>,
    enums: BTreeMap<Path, Enum>,
    taken: BTreeSet<String>,
}

impl Lowering {
    /// The place of a type; a name that another one has gets a number.
    fn path(&mut self, name: &str) -> Path {
        let name = names::unique(name, |name| self.taken.contains(name));
        self.taken.insert(name.clone());
        Path { group: self.group.clone(), version: self.version.clone(), name }
    }

    fn structure(&mut self, path: &Path, schema: &Schema, at: &str, root: bool) -> Result<()> {
        let mut fields: Vec<Field> = Vec::new();
        for (name, property) in &schema.properties {
            if root && matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
                continue;
            }
            let required = schema.required.iter().any(|required| required == name);
            let at = format!("{at}/properties/{}", name.replace('~', "~0").replace('/', "~1"));
            let rust =
                names::unique(&names::field(name), |rust| fields.iter().any(|field| field.rust == rust));
            fields.push(self.field(path, name, rust, property, required, &at)?);
        }
        if root {
            fields.insert(0, metadata());
        }
        let model = Struct {
            path: path.clone(),
            schema: format!("{}.{}", self.schema, path.name),
            docs: docs::clean(&schema.description),
            kind: None,
            resource: None,
            union: false,
            fields,
        };
        self.structs.insert(path.clone(), model);
        Ok(())
    }

    fn field(
        &mut self,
        owner: &Path,
        name: &str,
        rust: String,
        schema: &Schema,
        required: bool,
        at: &str,
    ) -> Result<Field> {
        let type_ = self.type_(&format!("{}{}", owner.name, names::type_name(name)), schema, at)?;
        let mut docs = docs::clean(&schema.description);
        if let Some(default) = &schema.default {
            let default = format!("Where it is absent, the server sets `{default}`.");
            docs = if docs.is_empty() { default } else { format!("{docs}\n\n{default}") };
        }
        Ok(Field {
            rust,
            name: name.to_owned(),
            docs,
            type_: if required { type_ } else { Type::Option(Box::new(type_)) },
            number: 0,
            within: Vec::new(),
            omit: !required,
            always: false,
            required,
            merge: merge(schema).with_context(|| at.to_owned())?,
            patch_merge: None,
            sensitive: false,
        })
    }

    fn type_(&mut self, name: &str, schema: &Schema, at: &str) -> Result<Type> {
        let type_ = self.not_null(name, schema, at)?;
        Ok(if schema.nullable { Type::Nullable(Box::new(type_)) } else { type_ })
    }

    fn not_null(&mut self, name: &str, schema: &Schema, at: &str) -> Result<Type> {
        if schema.int_or_string {
            return Ok(Type::Known(lower::INT_OR_STRING));
        }
        Ok(match (schema.type_.as_str(), schema.format.as_str()) {
            ("boolean", _) => Type::Bool,
            ("integer", "int32") => Type::I32,
            ("integer", _) => Type::I64,
            ("number", _) => Type::F64,
            ("string", "byte") => Type::Bytes,
            ("string", "date-time") => Type::Known(lower::TIME),
            ("string", _) => self.text(name, schema),
            ("array", _) => {
                let items =
                    schema.items.as_ref().with_context(|| format!("{at} is a list without `items`"))?;
                Type::List(Box::new(self.type_(name, items, &format!("{at}/items"))?))
            }
            ("object", _) if !schema.properties.is_empty() => {
                let path = self.path(name);
                self.structure(&path, schema, at, false)?;
                Type::Model(path)
            }
            ("object", _) => match &schema.additional_properties {
                Some(Additional::Schema(values)) => {
                    Type::Map(Box::new(self.type_(name, values, &format!("{at}/additionalProperties"))?))
                }
                _ => Type::Known(lower::RAW),
            },
            // What any value may stand in.
            ("", _) => Type::Known(lower::RAW),
            (other, _) => bail!("{at}/type: `{other}` is no type of a schema"),
        })
    }

    fn text(&mut self, name: &str, schema: &Schema) -> Type {
        let texts: Vec<&str> =
            schema.enumeration.iter().filter_map(Value::as_str).filter(|text| !text.is_empty()).collect();
        if texts.is_empty() {
            return Type::Str;
        }
        let path = self.path(name);
        let values = names::variants(&texts).into_iter().zip(&texts);
        let values =
            values.map(|(rust, text)| EnumValue { rust, text: (*text).to_owned(), docs: String::new() });
        let model =
            Enum { path: path.clone(), docs: docs::clean(&schema.description), values: values.collect() };
        self.enums.insert(path.clone(), model);
        Type::Model(path)
    }
}

fn metadata() -> Field {
    let path = Path { group: "meta".to_owned(), version: "v1".to_owned(), name: "ObjectMeta".to_owned() };
    Field {
        rust: "metadata".to_owned(),
        name: "metadata".to_owned(),
        docs: "Standard object metadata.".to_owned(),
        type_: Type::Model(path),
        number: 0,
        within: Vec::new(),
        omit: false,
        always: false,
        required: false,
        merge: Merge::Default,
        patch_merge: None,
        sensitive: false,
    }
}

fn merge(schema: &Schema) -> Result<Merge> {
    if schema.map_type.as_deref() == Some("atomic") {
        return Ok(Merge::Atomic);
    }
    Ok(match schema.list_type.as_deref() {
        None => Merge::Default,
        Some("atomic") => Merge::Atomic,
        Some("set") => Merge::Set,
        Some("map") if schema.list_map_keys.is_empty() => {
            bail!("x-kubernetes-list-type is map, and there are no x-kubernetes-list-map-keys")
        }
        Some("map") => Merge::Keys(schema.list_map_keys.clone()),
        Some(other) => bail!("x-kubernetes-list-type: {other} is none of atomic, set and map"),
    })
}
