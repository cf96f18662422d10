//! Where generation starts when everything is wanted.

use openapiv3::{ReferenceOr, SchemaKind, Type};

use crate::load::{Loaded, SchemaDocument};
use crate::lower::KNOWN;

/// Every schema that becomes a type of its own: not what is written by hand, nor lists, which are all one generic type.
pub(crate) fn schemas(loaded: &Loaded) -> Vec<&str> {
    let wanted = |(name, document): &(&String, &SchemaDocument)| {
        !KNOWN.iter().any(|(known, _)| known == *name) && !is_list(document)
    };
    loaded.schemas.iter().filter(wanted).map(|(name, _)| name.as_str()).collect()
}

/// A list of objects has `items` beside a `ListMeta`.
fn is_list(document: &SchemaDocument) -> bool {
    let SchemaKind::Type(Type::Object(object)) = &document.schema.schema_kind else { return false };
    let of_a_list = |reference: &str| reference.ends_with(".meta.v1.ListMeta");
    let metadata = match object.properties.get("metadata") {
        Some(ReferenceOr::Reference { reference }) => of_a_list(reference),
        Some(ReferenceOr::Item(schema)) => match &schema.schema_kind {
            SchemaKind::AllOf { all_of } => all_of
                .iter()
                .any(|part| matches!(part, ReferenceOr::Reference { reference } if of_a_list(reference))),
            _ => false,
        },
        None => false,
    };
    metadata && object.properties.contains_key("items")
}
