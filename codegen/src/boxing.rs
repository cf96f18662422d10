//! The pass that decides which optional structs are kept elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::{Path, Struct, Type};

/// Boxes what takes more than `limit` bytes, or contains itself, wherever it is optional.
pub(crate) fn box_large(structs: &mut BTreeMap<Path, Struct>, limit: usize) {
    let boxed = large(structs, limit);
    for field in structs.values_mut().flat_map(|model| &mut model.fields) {
        box_type(&mut field.type_, &boxed, false);
    }
}

/// An optional struct of more than this many bytes is kept elsewhere; `cargo xtask bench options` compares.
pub const LARGE: usize = 24;

/// The structs that are kept elsewhere where they are optional: large ones, and those that contain themselves.
fn large(structs: &BTreeMap<Path, Struct>, limit: usize) -> BTreeSet<Path> {
    structs
        .keys()
        .filter(|path| {
            let size = size(&Type::Model((*path).clone()), structs, limit, &mut Vec::new());
            size.is_none_or(|size| size > limit)
        })
        .cloned()
        .collect()
}

/// About how many bytes a value takes by itself, on a 64-bit machine; `None` if it contains itself.
fn size(
    type_: &Type,
    structs: &BTreeMap<Path, Struct>,
    limit: usize,
    inside: &mut Vec<Path>,
) -> Option<usize> {
    Some(match type_ {
        Type::Bool => 1,
        Type::I32 => 4,
        Type::I64 | Type::F64 | Type::Boxed(_) => 8,
        Type::Str => 16,
        Type::Known(_) => 24,
        Type::Bytes | Type::List(_) | Type::Map(_) => 24,
        Type::Option(inner) | Type::Nullable(inner) => size(inner, structs, limit, inside)? + 4,
        Type::Model(path) if inside.contains(path) => return None,
        Type::Model(path) => match structs.get(path) {
            None => 24,
            Some(model) => {
                inside.push(path.clone());
                let sizes = model.fields.iter().map(|field| match &field.type_ {
                    // Whatever will be boxed takes a pointer.
                    Type::Option(inner) | Type::Nullable(inner) => {
                        size(inner, structs, limit, inside).map_or(Some(8), |size| Some(size.min(limit)))
                    }
                    other => size(other, structs, limit, inside),
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
