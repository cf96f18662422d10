//! The pass that decides which optional structs are kept elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::{Path, Struct, Type};

/// Boxes what is large, or contains itself, wherever it is optional.
pub(crate) fn box_large(structs: &mut BTreeMap<Path, Struct>) {
    let boxed = large(structs);
    for field in structs.values_mut().flat_map(|model| &mut model.fields) {
        box_type(&mut field.type_, &boxed, false);
    }
}

/// An optional struct of more than this many bytes is kept elsewhere.
const LARGE: usize = 24;

/// The structs that are kept elsewhere where they are optional: large ones, and those that contain themselves.
fn large(structs: &BTreeMap<Path, Struct>) -> BTreeSet<Path> {
    structs
        .keys()
        .filter(|path| {
            size(&Type::Model((*path).clone()), structs, &mut Vec::new()).is_none_or(|size| size > LARGE)
        })
        .cloned()
        .collect()
}

/// About how many bytes a value takes by itself, on a 64-bit machine; `None` if it contains itself.
fn size(type_: &Type, structs: &BTreeMap<Path, Struct>, inside: &mut Vec<Path>) -> Option<usize> {
    Some(match type_ {
        Type::Bool => 1,
        Type::I32 => 4,
        Type::I64 | Type::F64 | Type::Boxed(_) => 8,
        Type::Str => 16,
        Type::Known(_) => 24,
        Type::Bytes | Type::List(_) | Type::Map(_) => 24,
        Type::Option(inner) | Type::Nullable(inner) => size(inner, structs, inside)? + 4,
        Type::Model(path) if inside.contains(path) => return None,
        Type::Model(path) => match structs.get(path) {
            None => 24,
            Some(model) => {
                inside.push(path.clone());
                let sizes = model.fields.iter().map(|field| match &field.type_ {
                    // Whatever will be boxed takes a pointer.
                    Type::Option(inner) | Type::Nullable(inner) => {
                        size(inner, structs, inside).map_or(Some(8), |size| Some(size.min(LARGE)))
                    }
                    other => size(other, structs, inside),
                });
                let total: Option<usize> = sizes.collect::<Vec<_>>().into_iter().sum();
                inside.pop();
                total? + 8
            }
        },
    })
}

fn box_type(type_: &mut Type, boxed: &BTreeSet<Path>, optional: bool) {
    match type_ {
        Type::Option(inner) | Type::Nullable(inner) => box_type(inner, boxed, true),
        Type::List(inner) | Type::Map(inner) => box_type(inner, boxed, false),
        Type::Model(path) if optional && boxed.contains(path) => {
            *type_ = Type::Boxed(Box::new(type_.clone()))
        }
        _ => {}
    }
}
