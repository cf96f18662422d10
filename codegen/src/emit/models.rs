//! A struct and its table for each type.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::HEADER;
use crate::ir::{Enum, Field, Merge, Model, Path, Struct, Type};

pub(crate) fn emit(models: &[&Model], root: &str) -> Result<String> {
    let mut out = format!("{HEADER}\n\n#[allow(unused_imports)]\nuse {root}::model::*;\n");
    for model in models {
        match model {
            Model::Struct(model) => {
                out.push('\n');
                out.push_str(&structure(model, root)?);
                out.push('\n');
                table(model, root, &mut out)?;
                resource(model, root, &mut out)?;
            }
            Model::Enum(model) => {
                out.push('\n');
                enumeration(model, root, &mut out)?;
            }
        }
    }
    Ok(out)
}

fn structure(model: &Struct, root: &str) -> Result<String> {
    let name = ident(&model.path.name);
    let docs = doc_lines(&model.docs, &format!("`{}`.", model.schema));
    let field = |field: &Field| {
        let docs = doc_lines(&field.docs, &format!("`{}`.", field.name));
        let (name, type_) = (ident(&field.rust), type_(&field.type_, &model.path, root)?);
        Ok(quote! { #docs pub #name: #type_, })
    };
    let fields: Vec<TokenStream> = model.fields.iter().map(field).collect::<Result<_>>()?;
    let tokens = quote! {
        #docs
        #[derive(Clone, Default, PartialEq)]
        pub struct #name {
            #(#fields)*
            #[doc(hidden)]
            pub __unknown: Unknown,
        }
    };
    let file = syn::parse2(tokens).with_context(|| format!("the struct {} is no Rust", model.path.name))?;
    Ok(prettyplease::unparse(&file))
}

/// One line a field: this is what every format is written over.
fn table(model: &Struct, root: &str, out: &mut String) -> Result<()> {
    let kind = match &model.kind {
        Some((api_version, kind)) => format!("Some(Kind {{ api_version: {api_version:?}, kind: {kind:?} }})"),
        None => "None".to_owned(),
    };
    let union = if model.union { "union " } else { "" };
    writeln!(out, "{root}::table! {{ {union}{}, {:?}, {kind};", model.path.name, model.schema)?;
    for (position, field) in model.fields.iter().enumerate() {
        writeln!(out, "    {position} {}: {},", field.rust, line(field))?;
    }
    writeln!(out, "}}")?;
    Ok(())
}

fn line(field: &Field) -> String {
    let mut line = format!("field({:?}, {})", field.name, field.number);
    if !field.within.is_empty() {
        line.push_str(&format!(".within(&{:?})", field.within));
    }
    let optional = matches!(field.type_, Type::Option(_));
    for (set, call) in [
        (field.omit && !optional, ".omit()"),
        (field.omit && optional, ".optional()"),
        (!field.omit && optional, ".nullable()"),
        (field.always, ".always()"),
        (field.required, ".required()"),
        (field.sensitive, ".sensitive()"),
    ] {
        if set {
            line.push_str(call);
        }
    }
    match &field.merge {
        Merge::Default => {}
        Merge::Atomic => line.push_str(".merge(Merge::Atomic)"),
        Merge::Set => line.push_str(".merge(Merge::Set)"),
        Merge::Keys(keys) => line.push_str(&format!(".merge(Merge::Keys(&{keys:?}))")),
    }
    if let Some(key) = &field.patch_merge {
        line.push_str(&format!(".patch_merge({key:?})"));
    }
    line
}

fn resource(model: &Struct, root: &str, out: &mut String) -> Result<()> {
    let (Some(resource), Some((api_version, kind))) = (&model.resource, &model.kind) else { return Ok(()) };
    // In full: `Cluster` is also what people call their own kinds.
    let scope = format!("{root}::{}", if resource.namespaced { "Namespaced" } else { "Cluster" });
    let metadata = format!("{root}::meta::v1::ObjectMeta");
    writeln!(
        out,
        "\nimpl {root}::Resource for {} {{\n    type Scope = {scope};\n    const GROUP: &'static str = {:?};\n    \
         const VERSION: &'static str = {:?};\n    const KIND: &'static str = {kind:?};\n    const API_VERSION: &'static str = {api_version:?};\n    \
         const LIST_KIND: &'static str = \"{kind}List\";\n    const PLURAL: &'static str = {:?};\n    \
         const SINGULAR: &'static str = {:?};\n    const SHORT_NAMES: &'static [&'static str] = &{:?};\n    \
         const CATEGORIES: &'static [&'static str] = &{:?};\n\n    fn metadata(&self) -> &{metadata} {{\n        &self.metadata\n    }}\n\n    \
         fn metadata_mut(&mut self) -> &mut {metadata} {{\n        &mut self.metadata\n    }}\n}}",
        model.path.name,
        resource.group,
        resource.version,
        resource.plural,
        resource.singular,
        resource.short_names,
        resource.categories
    )?;
    if resource.listed {
        let name = &model.path.name;
        writeln!(out, "\n/// A list of [`{name}`].\npub type {name}List = {root}::list::List<{name}>;")?;
    }
    Ok(())
}

fn enumeration(model: &Enum, root: &str, out: &mut String) -> Result<()> {
    writeln!(out, "{root}::open_enum! {{")?;
    for line in if model.docs.is_empty() { "One of a set of texts." } else { &model.docs }.lines() {
        writeln!(out, "    ///{}{line}", if line.is_empty() { "" } else { " " })?;
    }
    writeln!(out, "    {} {{", model.path.name)?;
    for value in &model.values {
        let text = format!("`{}`", value.text);
        for line in if value.docs.is_empty() { &text } else { &value.docs }.lines() {
            writeln!(out, "        ///{}{line}", if line.is_empty() { "" } else { " " })?;
        }
        writeln!(out, "        {} = {:?},", value.rust, value.text)?;
    }
    writeln!(out, "    }}\n}}")?;
    Ok(())
}

fn type_(type_: &Type, here: &Path, root: &str) -> Result<TokenStream> {
    let inner = |inner: &Type| self::type_(inner, here, root);
    Ok(match type_ {
        Type::Bool => quote!(bool),
        Type::I32 => quote!(i32),
        Type::I64 => quote!(i64),
        Type::F64 => quote!(f64),
        Type::Str => quote!(Str),
        Type::Bytes => quote!(ByteString),
        Type::Known(path) => {
            let name = ident(path.rsplit("::").next().unwrap_or(path));
            quote!(#name)
        }
        Type::Model(path) if path.group == here.group && path.version == here.version => {
            let name = ident(&path.name);
            quote!(#name)
        }
        Type::Model(path) => {
            let path = format!("{root}::{}::{}::{}", path.group, path.version, path.name);
            let path: syn::Path = syn::parse_str(&path).with_context(|| format!("`{path}` is no path"))?;
            quote!(#path)
        }
        Type::List(of) => {
            let of = inner(of)?;
            quote!(Vec<#of>)
        }
        Type::Map(of) => {
            let of = inner(of)?;
            quote!(Map<Str, #of>)
        }
        Type::Option(of) => {
            let of = inner(of)?;
            quote!(Option<#of>)
        }
        Type::Nullable(of) => {
            let of = inner(of)?;
            quote!(Nullable<#of>)
        }
        Type::Boxed(of) => {
            let of = inner(of)?;
            quote!(Box<#of>)
        }
    })
}

fn doc_lines(docs: &str, otherwise: &str) -> TokenStream {
    let docs = if docs.is_empty() { otherwise } else { docs };
    let lines = docs.lines().map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
    quote! { #(#[doc = #lines])* }
}

fn ident(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}
