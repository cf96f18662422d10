//! How much Rust there is to read and maintain: lines with code, neither blank nor only a comment.

use anyhow::{Context as _, Result};
use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned as _;

use super::File;
use super::generated::is_generated;
use crate::deps::tree::Tree;

#[derive(Debug, Default, PartialEq)]
struct Count {
    code: usize,
    tests: usize,
}

/// Prints a line per crate of the workspace, and the sum.
pub(super) fn print(files: &[File], tree: &Tree) -> Result<()> {
    let mut total = Count::default();
    for package in &tree.packages {
        let Some(folder) = package.manifest().and_then(|path| path.strip_suffix("Cargo.toml")) else {
            continue;
        };
        let mut sum = Count::default();
        for file in files.iter().filter(|file| file.path.starts_with(folder) && file.path.ends_with(".rs")) {
            let count = count(file).with_context(|| format!("counting the lines of {}", file.path))?;
            sum.code += count.code;
            sum.tests += count.tests;
        }
        println!("{}: {} lines of code, {} of tests", package.name, sum.code, sum.tests);
        total.code += sum.code;
        total.tests += sum.tests;
    }
    println!("total: {} lines of code, {} of tests", total.code, total.tests);
    Ok(())
}

fn count(file: &File) -> Result<Count> {
    let mut count = Count::default();
    if is_generated(&file.path) {
        return Ok(count);
    }
    let for_tests = file.path.split('/').any(|part| ["tests", "tests.rs", "benches"].contains(&part));
    let syntax = syn::parse_file(file.text())?;
    let test_items = syntax.items.iter().filter(|item| is_test(item)).map(|item| item.span());
    let test_lines: Vec<_> = test_items.map(|span| span.start().line..=span.end().line).collect();
    for (index, line) in file.text().lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with("//") {
            continue;
        }
        match for_tests || test_lines.iter().any(|lines| lines.contains(&(index + 1))) {
            true => count.tests += 1,
            false => count.code += 1,
        }
    }
    Ok(count)
}

/// Whether an item has a `#[cfg(..)]` that asks for `test`.
fn is_test(item: &syn::Item) -> bool {
    let attrs = match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        _ => return false,
    };
    attrs.iter().filter(|attr| attr.path().is_ident("cfg")).any(|attr| {
        let tokens = attr.meta.require_list().map(|list| list.tokens.clone()).unwrap_or_default();
        names(tokens.clone(), "test") && !names(tokens, "not")
    })
}

fn names(tokens: TokenStream, word: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == word,
        TokenTree::Group(group) => names(group.stream(), word),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::{Count, count};
    use crate::tidy::file;

    const TEXT: &str = "//! Doc.\n\nuse a::b; // why\n\n/// Doc.\nfn f() {}\n\n\
                        #[cfg(all(test, unix))]\nmod tests {\n    // comment\n    fn t() {}\n}\n\
                        #[cfg(not(test))]\nfn g() {}\n";

    #[test]
    fn code_and_tests_are_counted_apart() {
        assert_eq!(count(&file("xtask/src/a.rs", TEXT)).unwrap(), Count { code: 4, tests: 4 });
        assert_eq!(count(&file("tests/src/a.rs", TEXT)).unwrap(), Count { code: 0, tests: 8 });
        assert_eq!(count(&file("k8s-api/src/generated/a.rs", TEXT)).unwrap(), Count::default());
    }
}
