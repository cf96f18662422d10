//! Which module may name which: every path and import in a file, with `crate::`, `super::` and `self::` resolved.

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};

use super::{File, Violation};

struct Rule {
    /// A file, or a folder with all that is in it and its `.rs` file beside it.
    part: &'static str,
    never: &'static [&'static str],
    why: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        part: "k8s-client/src/watch",
        never: &["crate::cache"],
        why: "the cache is built on watches, so a watch must not need a cache",
    },
    Rule {
        part: "k8s-client/src/transport",
        never: &["crate::cache", "crate::watch", "crate::auth"],
        why: "a transport moves bytes; policies and state are built on top of it",
    },
    Rule {
        part: "k8s-client/src/watch/machine.rs",
        never: &["tokio", "reqwest"],
        why: "the state machine is pure: its tests need no I/O and no waiting",
    },
];

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let rules: Vec<_> = RULES.iter().filter(|rule| covers(rule.part, &file.path)).collect();
        if rules.is_empty() {
            continue;
        }
        let names = match names(file) {
            Ok(names) => names,
            Err(error) => {
                let line = error.span().start().line;
                violations.push(file.violation(line, format!("does not parse: {error}"), "correct it"));
                continue;
            }
        };
        for rule in rules {
            for name in &names {
                let broken =
                    rule.never.iter().find(|never| name.reaches(&never.split("::").collect::<Vec<_>>()));
                if let Some(never) = broken {
                    violations.push(file.violation(
                        name.line,
                        format!("names `{}`, but {} must not use `{never}`", name.path.join("::"), rule.part),
                        format!("turn the dependency round or pass the value in ({})", rule.why),
                    ));
                }
            }
        }
    }
    violations
}

fn covers(part: &str, path: &str) -> bool {
    path.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest == ".rs" || rest.starts_with('/'))
}

fn names(file: &File) -> syn::Result<Vec<Name>> {
    let syntax = syn::parse_file(file.text())?;
    let mut names = Names { module: module_of(&file.path), found: Vec::new() };
    names.visit_file(&syntax);
    Ok(names.found)
}

/// `k8s-client/src/watch/machine.rs` is `crate::watch::machine`.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.split_once("/src/").map_or(path, |(_, inside)| inside);
    let mut module: Vec<String> = inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        module.pop();
    }
    module.insert(0, "crate".to_owned());
    module
}

struct Name {
    path: Vec<String>,
    line: usize,
    import: bool,
}

impl Name {
    /// Whether it is `never` or something in it, or imports what `never` is in, and with that a way to it.
    fn reaches(&self, never: &[&str]) -> bool {
        let common = self.path.iter().zip(never).take_while(|(a, b)| a == b).count();
        common == never.len() || (self.import && common == self.path.len())
    }
}

struct Names {
    module: Vec<String>,
    found: Vec<Name>,
}

impl Names {
    /// `extern_` is a leading `::`.
    fn add(&mut self, extern_: bool, path: &[String], line: usize, import: bool) {
        let mut resolved = Vec::new();
        for (index, segment) in path.iter().enumerate() {
            match &**segment {
                "crate" if index == 0 && !extern_ => resolved.push(segment.clone()),
                "self" if index == 0 && !extern_ => resolved = self.module.clone(),
                "super" if index == 0 => {
                    resolved = self.module.clone();
                    resolved.pop();
                }
                "super" => drop(resolved.pop()),
                _ => resolved.push(segment.clone()),
            }
        }
        if !resolved.is_empty() {
            self.found.push(Name { path: resolved, line, import });
        }
    }

    fn import(&mut self, extern_: bool, mut prefix: Vec<String>, tree: &syn::UseTree) {
        let ident = match tree {
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|item| self.import(extern_, prefix.clone(), item));
            }
            syn::UseTree::Glob(_) => None,
            syn::UseTree::Path(path) => Some(&path.ident),
            syn::UseTree::Name(name) => Some(&name.ident),
            syn::UseTree::Rename(rename) => Some(&rename.ident),
        };
        // `a::{self}` is `a`.
        prefix.extend(ident.map(unraw).filter(|name| name != "self" || prefix.is_empty()));
        match tree {
            syn::UseTree::Path(path) => self.import(extern_, prefix, &path.tree),
            _ => self.add(extern_, &prefix, tree.span().start().line, true),
        }
    }

    /// Paths in a macro's arguments, which syn leaves as tokens.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        let mut line = 0;
        for token in tokens.into_iter().map(Some).chain([None]) {
            match &token {
                Some(TokenTree::Punct(punct)) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                Some(TokenTree::Ident(ident)) if colons == 2 && !path.is_empty() => path.push(unraw(ident)),
                _ => {
                    if path.len() > 1 {
                        self.add(false, &path, line, false);
                    }
                    path.clear();
                    match token {
                        Some(TokenTree::Ident(ident)) => {
                            line = ident.span().start().line;
                            path.push(unraw(&ident));
                        }
                        Some(TokenTree::Group(group)) => self.tokens(group.stream()),
                        _ => {}
                    }
                }
            }
            colons = 0;
        }
    }
}

fn unraw(ident: &proc_macro2::Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(unraw(&item.ident));
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(item.leading_colon.is_some(), Vec::new(), &item.tree);
        visit::visit_item_use(self, item);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.add(true, &[unraw(&item.ident)], item.span().start().line, true);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| unraw(&segment.ident)).collect();
        self.add(path.leading_colon.is_some(), &names, path.span().start().line, false);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        visit::visit_macro(self, call);
        self.tokens(call.tokens.clone());
    }

    fn visit_meta_list(&mut self, list: &'ast syn::MetaList) {
        visit::visit_meta_list(self, list);
        self.tokens(list.tokens.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tidy::{file, places};

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let found = check(&[file(path, text)]);
        assert!(found.iter().all(|violation| violation.path == path), "{found:?}");
        found.iter().map(|violation| violation.line).collect()
    }

    const WATCH: &str = "k8s-client/src/watch/shell.rs";

    #[test]
    fn every_way_to_write_an_import_is_found() {
        for import in [
            "use crate::cache;",
            "use crate::cache::Store;",
            "use crate::{error::Error, cache::{Store, Key}};",
            "use super::super::cache::Store;",
            "use self::super::super::cache as c;",
            "pub(crate) use crate::cache::*;",
            "use {crate::cache::Store};",
            "use crate::cache::{self};",
            "use crate::r#cache::Store;",
        ] {
            let found = lines(WATCH, &format!("//! Not crate::cache.\n\n{import}"));
            assert!(!found.is_empty() && found.iter().all(|line| *line == 3), "{import}: {found:?}");
        }
    }

    #[test]
    fn an_import_of_the_whole_crate_is_a_way_round() {
        for import in ["use crate::*;", "use super::super::*;", "use crate as root;"] {
            assert_eq!(lines(WATCH, import), [1], "{import}");
        }
    }

    #[test]
    fn paths_in_types_expressions_attributes_and_macros_are_found() {
        let text = "fn f(s: &crate::cache::Store) {\n\
                    super::super::cache::get();\n\
                    assert_eq!(1, [crate::cache::len(2)]);\n\
                    crate::cache::check!();\n\
                    }\n\
                    #[cfg_attr(test, derive(crate::cache::Key))]\n\
                    struct S(Vec<crate::cache::Key>);";
        assert_eq!(lines(WATCH, text), [1, 2, 3, 4, 6, 7]);
    }

    #[test]
    fn inner_modules_have_their_own_super() {
        assert_eq!(lines(WATCH, "mod inner {\nuse super::super::super::cache::Store;\n}"), [2]);
        assert_eq!(lines(WATCH, "mod inner {\nuse super::super::cache::Store;\n}"), [0; 0]);
        assert_eq!(lines("k8s-client/src/watch/mod.rs", "use super::cache::Store;"), [1]);
        assert_eq!(lines("k8s-client/src/watch.rs", "use super::cache::Store;"), [1]);
    }

    #[test]
    fn what_only_looks_like_it_passes() {
        let text = "/// Feeds [`crate::cache::Store`].\n// crate::cache\n\
                    use crate::cached; use crate::watch::cache; use ::cache::Store; use super::*;\n\
                    pub(crate) fn f() { let s = \"crate::cache\"; println!(\"crate::cache {s}\"); }";
        assert_eq!(lines(WATCH, text), [0; 0]);
        assert_eq!(lines("k8s-client/src/watcher.rs", "use crate::cache::Store;"), [0; 0]);
    }

    #[test]
    fn the_state_machine_names_no_runtime() {
        let text = "use std::time::Instant;\nuse tokio::time;\nfn f() { reqwest::get() }\nextern crate tokio;\n\
                    fn g() { tokio::select! {} }\nuse ::tokio::sync::mpsc;";
        assert_eq!(lines("k8s-client/src/watch/machine.rs", text), [2, 3, 4, 5, 6]);
        assert_eq!(lines(WATCH, text), [0; 0]);
    }

    #[test]
    fn the_transport_knows_no_policy() {
        let text = "use crate::auth::Token;\nuse crate::watch::Event;\nuse crate::cache::Store;\nuse crate::error::E;";
        let found = check(&[file("k8s-client/src/transport/h2.rs", text)]);
        assert_eq!(places(&found).len(), 3);
    }

    #[test]
    fn a_file_that_does_not_parse_is_reported() {
        assert_eq!(lines(WATCH, "fn f() {\n}}"), [2]);
    }
}
