//! From schemas to models: what to generate, under which names, in which shape.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use openapiv3::{
    AdditionalProperties, ReferenceOr, Schema, SchemaKind, StringFormat, Type as Kind,
    VariantOrUnknownOrEmpty,
};
use serde_json::Value;

use crate::ir::{Enum, EnumValue, Field, Merge, Model, Path, Resource, Struct, Type};
use crate::load::{GoField, GoType, Loaded};
use crate::{boxing, docs, names};

/// Schemas that are written by hand in `k8s_api`, because JSON holds them as something else than an object.
pub(crate) const KNOWN: [(&str, &str); 9] = [
    ("io.k8s.apimachinery.pkg.api.resource.Quantity", "quantity::Quantity"),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1", RAW),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime", "time::MicroTime"),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.Time", TIME),
    ("io.k8s.apimachinery.pkg.runtime.RawExtension", RAW),
    ("io.k8s.apimachinery.pkg.util.intstr.IntOrString", INT_OR_STRING),
    ("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON", RAW),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.Duration", "text::Str"),
    ("io.k8s.apimachinery.pkg.apis.meta.v1.Patch", RAW),
];

pub(crate) const RAW: &str = "raw::RawJson";
pub(crate) const TIME: &str = "time::Time";
pub(crate) const INT_OR_STRING: &str = "int_or_string::IntOrString";

/// Schemas without properties whose Go struct holds one of several values.
const UNIONS: [&str; 3] = ["JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrStringArray"];

/// What `Debug` must not show, by schema and field.
const SENSITIVE: [(&str, &str); 5] = [
    ("io.k8s.api.core.v1.Secret", "data"),
    ("io.k8s.api.core.v1.Secret", "stringData"),
    ("io.k8s.api.authentication.v1.TokenRequestStatus", "token"),
    ("io.k8s.api.authentication.v1.TokenReviewSpec", "token"),
    // It may be a Secret.
    ("io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent", "object"),
];

/// A list that is a message of its own in protobuf, around its elements, so that it could tell nil from empty there.
const LIST_MESSAGE: (&str, &str) = ("io.k8s.apimachinery.pkg.apis.meta.v1.APIResource", "verbs");

/// Schemas whose names say too little of where they are used.
const RENAMED: [(&str, [&str; 3]); 1] =
    [("io.k8s.apimachinery.pkg.version.Info", ["meta", "v1", "VersionInfo"])];

const TYPE_META: &str = "k8s.io/apimachinery/pkg/apis/meta/v1.TypeMeta";

/// Runs every pass, in this order.
pub fn lower(loaded: &Loaded, kinds: &[&str], large: usize) -> Result<Vec<Model>> {
    let mut lowering =
        Lowering { loaded, structs: BTreeMap::new(), enums: BTreeMap::new(), wanted: Vec::new() };
    lowering.collect(kinds)?;
    let Lowering { mut structs, enums, .. } = lowering;
    boxing::box_large(&mut structs, large);
    let structs = structs.into_values().map(|model| Model::Struct(Box::new(model)));
    in_order(structs.chain(enums.into_values().map(Model::Enum)).collect())
}

/// Sorted by where they live; no two live in one place.
pub(crate) fn in_order(mut models: Vec<Model>) -> Result<Vec<Model>> {
    models.sort_by(|a, b| path(a).cmp(path(b)));
    if let Some(pair) = models.windows(2).find(|pair| path(&pair[0]) == path(&pair[1])) {
        bail!("two types would both be {:?}; name a fix that renames one", path(&pair[0]));
    }
    Ok(models)
}

/// Where a model lives.
pub(crate) fn path(model: &Model) -> &Path {
    match model {
        Model::Struct(model) => &model.path,
        Model::Enum(model) => &model.path,
    }
}

struct Lowering<'a> {
    loaded: &'a Loaded,
    structs: BTreeMap<Path, Struct>,
    enums: BTreeMap<Path, Enum>,
    /// Schemas that something refers to and that were not lowered yet.
    wanted: Vec<String>,
}

/// A field of a Go struct after the structs embedded in it were laid flat.
struct Flat<'a> {
    name: &'a str,
    go: &'a GoField,
    package: &'a str,
    within: Vec<u32>,
}

impl<'a> Lowering<'a> {
    /// The kinds, and everything that they refer to.
    fn collect(&mut self, kinds: &[&str]) -> Result<()> {
        self.wanted = kinds.iter().rev().map(|&kind| kind.to_owned()).collect();
        let mut done = BTreeSet::new();
        while let Some(name) = self.wanted.pop() {
            if done.insert(name.clone()) {
                let model = self.model(&name)?;
                self.structs.insert(model.path.clone(), model);
            }
        }
        Ok(())
    }

    fn model(&mut self, name: &str) -> Result<Struct> {
        let loaded = self.loaded;
        let document =
            loaded.schemas.get(name).with_context(|| format!("no document has the schema {name}"))?;
        let at = document.at(name);
        let schema = &document.schema;
        let (package, type_) =
            go_name(name).with_context(|| format!("{at}: the name is not that of a Go type"))?;
        let path = module(name).with_context(|| format!("{at}: the name has no group and version"))?;
        let (package, go) = go_type(loaded, &package, &type_).with_context(|| at.clone())?;
        let union = UNIONS.contains(&path.name.as_str());
        let (mut flat, mut stands_alone) = (Vec::new(), false);
        self.flatten(package, go, &[], &mut flat, &mut stands_alone)?;

        let (properties, required) = match &schema.schema_kind {
            SchemaKind::Type(Kind::Object(object)) => (Some(&object.properties), &object.required[..]),
            _ => (None, &[][..]),
        };
        let mut fields = Vec::new();
        for flat in &flat {
            let at = format!("{at}/properties/{}", flat.name);
            let property = properties.and_then(|properties| properties.get(flat.name));
            let required = required.iter().any(|required| required == flat.name);
            fields.push(match property {
                Some(property) => self.field(name, &path, flat, property, required).with_context(|| at)?,
                None if union => union_field(&path, flat).with_context(|| at)?,
                None => bail!("{at}: Go has this field and the document does not; name a fix"),
            });
        }
        if let Some(properties) = properties {
            let known = |name: &str| flat.iter().any(|flat| flat.name == name);
            let type_meta = |name: &str| stands_alone && matches!(name, "apiVersion" | "kind");
            if let Some(extra) = properties.keys().find(|name| !known(name) && !type_meta(name)) {
                bail!("{at}/properties/{extra}: the document has this field and Go does not; name a fix");
            }
        }
        let gvk = group_version_kind(schema);
        let resource = gvk.as_ref().and_then(|(group, version, kind)| {
            loaded.resources.iter().find(|r| r.group == *group && r.version == *version && r.kind == *kind)
        });
        Ok(Struct {
            path,
            schema: name.to_owned(),
            docs: docs::clean(schema.schema_data.description.as_deref().unwrap_or_default()),
            kind: gvk.filter(|_| stands_alone).map(|(group, version, kind)| {
                (if group.is_empty() { version } else { format!("{group}/{version}") }, kind)
            }),
            resource: resource.map(|resource| Resource {
                group: resource.group.clone(),
                version: resource.version.clone(),
                plural: resource.plural.clone(),
                singular: resource.singular.clone(),
                short_names: resource.short_names.clone(),
                categories: resource.categories.clone(),
                namespaced: resource.namespaced,
                listed: loaded.schemas.contains_key(&format!("{name}List")),
            }),
            union,
            fields,
        })
    }

    /// Lays embedded structs flat, as JSON does; protobuf nests them, so their numbers are kept.
    fn flatten(
        &self,
        package: &'a str,
        go: &'a GoType,
        within: &[u32],
        flat: &mut Vec<Flat<'a>>,
        stands_alone: &mut bool,
    ) -> Result<()>
    where
        Self: 'a,
    {
        for name in &go.order {
            let Some(field) = go.fields.get(name) else {
                bail!("gofacts.json orders the field {name} and does not have it")
            };
            if !field.inline {
                flat.push(Flat { name, go: field, package, within: within.to_vec() });
                continue;
            }
            let (inner_package, inner) = match field.type_.rsplit_once('.') {
                Some((package, name)) => (package, name),
                None => (package, field.type_.as_str()),
            };
            if format!("{inner_package}.{inner}") == TYPE_META {
                *stands_alone = true;
                continue;
            }
            let (inner_package, embedded) = go_type(self.loaded, inner_package, inner)?;
            let mut within = within.to_vec();
            within.extend((field.number != 0).then_some(field.number));
            self.flatten(inner_package, embedded, &within, flat, stands_alone)?;
        }
        Ok(())
    }

    fn field(
        &mut self,
        schema: &str,
        owner: &Path,
        flat: &Flat<'_>,
        property: &ReferenceOr<Box<Schema>>,
        required: bool,
    ) -> Result<Field> {
        let go = flat.go;
        let pointer = go.type_.starts_with('*');
        let base = self.type_(owner, flat, property)?;
        let listed = matches!(base, Type::List(_) | Type::Map(_) | Type::Bytes);
        let structure = matches!(&base, Type::Known(_))
            || matches!(&base, Type::Model(path) if !self.enums.contains_key(path));
        // Go's zero time is no time: what is a value there may be absent here.
        let time = matches!(base, Type::Known(known) if known.starts_with("time::"));
        let optional = (pointer && !listed) || time;
        let data = match property {
            ReferenceOr::Item(schema) => Some(&schema.schema_data),
            ReferenceOr::Reference { .. } => None,
        };
        let description = data.and_then(|data| data.description.as_deref()).unwrap_or_default();
        // The enumeration itself describes its values.
        let description = description.split_once(ENUM_VALUES).map_or(description, |(before, _)| before);
        let (mut number, mut within) = (go.number, flat.within.clone());
        if LIST_MESSAGE == (schema, flat.name) {
            within.push(std::mem::replace(&mut number, 1));
        }
        Ok(Field {
            rust: names::field(flat.name),
            name: flat.name.to_owned(),
            docs: docs::clean(description),
            type_: if optional { Type::Option(Box::new(base)) } else { base },
            number,
            within,
            omit: go.omitzero || (go.omitempty && (pointer || !structure)),
            always: time && !pointer,
            required,
            merge: self.merge(property)?,
            patch_merge: extension(property, "x-kubernetes-patch-strategy")
                .filter(|strategy| strategy.contains("merge"))
                .map(|_| extension(property, "x-kubernetes-patch-merge-key").unwrap_or_default()),
            sensitive: SENSITIVE.contains(&(schema, flat.name)),
        })
    }

    fn type_(&mut self, owner: &Path, flat: &Flat<'_>, property: &ReferenceOr<Box<Schema>>) -> Result<Type> {
        let schema = match property {
            ReferenceOr::Reference { reference } => return self.reference(reference),
            ReferenceOr::Item(schema) => schema,
        };
        let items = |schema: &ReferenceOr<Schema>| match schema {
            ReferenceOr::Reference { reference } => ReferenceOr::Reference { reference: reference.clone() },
            ReferenceOr::Item(schema) => ReferenceOr::Item(Box::new(schema.clone())),
        };
        Ok(match &schema.schema_kind {
            // The server wraps a reference that has a description or a default of its own.
            SchemaKind::AllOf { all_of } => match &all_of[..] {
                [ReferenceOr::Reference { reference }] => self.reference(reference)?,
                _ => bail!("allOf of anything but one reference is not supported; name a fix"),
            },
            SchemaKind::OneOf { .. } => match schema.schema_data.extensions.get("format") {
                _ if is_int_or_string(schema) => Type::Known(INT_OR_STRING),
                _ => bail!("oneOf is only supported for int-or-string; name a fix"),
            },
            SchemaKind::Type(Kind::Boolean(_)) => Type::Bool,
            SchemaKind::Type(Kind::Number(_)) => Type::F64,
            SchemaKind::Type(Kind::Integer(integer)) => match &integer.format {
                VariantOrUnknownOrEmpty::Item(openapiv3::IntegerFormat::Int32) => Type::I32,
                _ => Type::I64,
            },
            SchemaKind::Type(Kind::String(string)) => match &string.format {
                VariantOrUnknownOrEmpty::Item(StringFormat::Byte) => Type::Bytes,
                VariantOrUnknownOrEmpty::Item(StringFormat::DateTime) => Type::Known(TIME),
                _ if !string.enumeration.is_empty() => {
                    let texts: Vec<String> = string.enumeration.iter().flatten().cloned().collect();
                    self.enumeration(
                        owner,
                        flat,
                        &texts,
                        schema.schema_data.description.as_deref().unwrap_or_default(),
                    )?
                }
                _ => Type::Str,
            },
            SchemaKind::Type(Kind::Array(array)) => {
                let element = array.items.as_ref().context("a list without `items`")?;
                Type::List(Box::new(self.type_(owner, flat, element)?))
            }
            SchemaKind::Type(Kind::Object(object)) => match &object.additional_properties {
                Some(AdditionalProperties::Schema(value)) => {
                    Type::Map(Box::new(self.type_(owner, flat, &items(value))?))
                }
                _ if object.properties.is_empty() => Type::Known(RAW),
                _ => bail!("a struct inside of a field has no name; name a fix"),
            },
            SchemaKind::Any(_) => Type::Known(RAW),
            SchemaKind::AnyOf { .. } | SchemaKind::Not { .. } => {
                bail!("anyOf and not are not supported; name a fix")
            }
        })
    }

    fn reference(&mut self, reference: &str) -> Result<Type> {
        let name = reference.strip_prefix("#/components/schemas/");
        let name = name.with_context(|| {
            format!("$ref {reference}: only references to schemas of the same document are supported")
        })?;
        if let Some((_, known)) = KNOWN.iter().find(|(schema, _)| *schema == name) {
            return Ok(Type::Known(known));
        }
        if !self.loaded.schemas.contains_key(name) {
            bail!("$ref {reference}: no document has that schema");
        }
        self.wanted.push(name.to_owned());
        Ok(Type::Model(
            module(name).with_context(|| format!("$ref {reference}: the name has no group and version"))?,
        ))
    }

    /// An enumeration has no name in the documents: it is called as Go calls its type, or else after its field.
    fn enumeration(
        &mut self,
        owner: &Path,
        flat: &Flat<'_>,
        texts: &[String],
        description: &str,
    ) -> Result<Type> {
        let element = flat.go.type_.rsplit(['*', ']']).next().unwrap_or_default();
        let (package, go) = element.rsplit_once('.').unwrap_or((flat.package, element));
        let path = if go.chars().next().is_some_and(char::is_uppercase) {
            let (group, version) =
                module_of_package(package).with_context(|| format!("{package} has no group and version"))?;
            Path { group, version, name: go.to_owned() }
        } else {
            Path { name: format!("{}{}", owner.name, flat.go.go), ..owner.clone() }
        };
        let (docs, values) = enum_docs(description, texts);
        let model = Enum { path: path.clone(), docs, values };
        match self.enums.get(&path) {
            Some(known) if known.values.iter().map(|v| &v.text).ne(model.values.iter().map(|v| &v.text)) => {
                bail!("{} has other values here than elsewhere; name a fix", path.name)
            }
            Some(_) => {}
            None => {
                self.enums.insert(path.clone(), model);
            }
        }
        Ok(Type::Model(path))
    }

    fn merge(&self, property: &ReferenceOr<Box<Schema>>) -> Result<Merge> {
        let referenced = || {
            let reference = match property {
                ReferenceOr::Reference { reference } => reference,
                ReferenceOr::Item(schema) => match &schema.schema_kind {
                    SchemaKind::AllOf { all_of } => match &all_of[..] {
                        [ReferenceOr::Reference { reference }] => reference,
                        _ => return None,
                    },
                    _ => return None,
                },
            };
            let document = self.loaded.schemas.get(reference.strip_prefix("#/components/schemas/")?)?;
            document.schema.schema_data.extensions.get("x-kubernetes-map-type")?.as_str()
        };
        let own = extension(property, "x-kubernetes-map-type");
        if own.as_deref().or_else(referenced) == Some("atomic") {
            return Ok(Merge::Atomic);
        }
        Ok(match extension(property, "x-kubernetes-list-type").as_deref() {
            Some("set") => Merge::Set,
            Some("map") => {
                let ReferenceOr::Item(schema) = property else { bail!("a list is a reference") };
                let keys =
                    schema.schema_data.extensions.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
                let keys = keys
                    .context("x-kubernetes-list-type is map, and there are no x-kubernetes-list-map-keys")?;
                Merge::Keys(keys.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            Some("atomic") => Merge::Atomic,
            Some(other) => bail!("x-kubernetes-list-type: {other} is none of atomic, set and map"),
            None => Merge::Default,
        })
    }
}

/// A Go type and the package that it is written in: an older version may only be another name for a newer one.
fn go_type<'a>(loaded: &'a Loaded, package: &str, name: &str) -> Result<(&'a str, &'a GoType)> {
    let (mut package, mut name) = (package, name);
    loop {
        let found =
            loaded.go.get_key_value(package).and_then(|(package, types)| Some((package, types.get(name)?)));
        let (found_package, go) = found.with_context(|| format!("gofacts.json has no {package}.{name}"))?;
        match go.is.as_deref().filter(|is| !is.contains(['[', '*'])).and_then(|is| is.rsplit_once('.')) {
            Some((other, alias)) => (package, name) = (other, alias),
            None => return Ok((found_package, go)),
        }
    }
}

/// `io.k8s.api.core.v1.Pod` is the Go type `Pod` of `k8s.io/api/core/v1`.
fn go_name(schema: &str) -> Option<(String, String)> {
    let (package, type_) = schema.strip_prefix("io.k8s.")?.rsplit_once('.')?;
    Some((format!("k8s.io/{}", package.replace('.', "/")), type_.to_owned()))
}

pub(crate) fn module(schema: &str) -> Option<Path> {
    if let Some((_, [group, version, name])) = RENAMED.iter().find(|(renamed, _)| *renamed == schema) {
        return Some(Path { group: (*group).into(), version: (*version).into(), name: (*name).into() });
    }
    let (package, name) = go_name(schema)?;
    let (group, version) = module_of_package(&package)?;
    Some(Path { group, version, name })
}

fn module_of_package(package: &str) -> Option<(String, String)> {
    let mut parts = package.rsplit('/');
    let version = parts.next()?;
    let group = parts.next()?;
    let is_version =
        version.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    is_version.then(|| (group.to_owned(), version.to_owned()))
}

fn group_version_kind(schema: &Schema) -> Option<(String, String, String)> {
    let list = schema.schema_data.extensions.get("x-kubernetes-group-version-kind")?.as_array()?;
    let [one] = &list[..] else { return None };
    let text = |name: &str| Some(one.get(name)?.as_str()?.to_owned());
    Some((text("group")?, text("version")?, text("kind")?))
}

fn extension(property: &ReferenceOr<Box<Schema>>, name: &str) -> Option<String> {
    let ReferenceOr::Item(schema) = property else { return None };
    Some(schema.schema_data.extensions.get(name)?.as_str()?.to_owned())
}

fn is_int_or_string(schema: &Schema) -> bool {
    matches!(&schema.schema_kind, SchemaKind::OneOf { one_of } if one_of.len() == 2)
}

/// A union has no properties in the document: Go's struct says what it may hold.
fn union_field(owner: &Path, flat: &Flat<'_>) -> Result<Field> {
    let (base, listed) = match flat.go.type_.strip_prefix("[]") {
        Some(element) => (element, true),
        None => (flat.go.type_.trim_start_matches('*'), false),
    };
    let base = match base {
        "bool" => Type::Bool,
        "string" => Type::Str,
        name if name.chars().all(char::is_alphanumeric) => {
            Type::Model(Path { name: name.to_owned(), ..owner.clone() })
        }
        other => bail!("the Go type {other} is not supported in a union"),
    };
    let type_ = match (listed, flat.go.type_.starts_with('*')) {
        (true, _) => Type::List(Box::new(base)),
        (_, true) => Type::Option(Box::new(base)),
        _ => base,
    };
    Ok(Field {
        rust: names::field(flat.name),
        name: flat.name.to_owned(),
        docs: String::new(),
        type_,
        number: flat.go.number,
        within: Vec::new(),
        omit: true,
        always: false,
        required: false,
        merge: Merge::Default,
        patch_merge: None,
        sensitive: false,
    })
}

const ENUM_VALUES: &str = "Possible enum values:";

/// The documents describe the values of an enumeration at the end of the field's description.
fn enum_docs(description: &str, texts: &[String]) -> (String, Vec<EnumValue>) {
    let (docs, list) = description.split_once(ENUM_VALUES).unwrap_or((description, ""));
    let described = |text: &str| {
        let start = format!("- `\"{text}\"`");
        let line = list.lines().map(str::trim).find_map(|line| line.strip_prefix(&start))?;
        Some(docs::clean(&format!("`{text}`{line}")))
    };
    // The empty text is what every enumeration begins with.
    let texts: Vec<&str> = texts.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
    let values = names::variants(&texts).into_iter().zip(texts).map(|(rust, text)| EnumValue {
        rust,
        text: text.to_owned(),
        docs: described(text).unwrap_or_default(),
    });
    (docs::clean(docs), values.collect())
}
