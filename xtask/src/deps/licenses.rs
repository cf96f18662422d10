//! Every package's licence expression must hold with the allowed licences alone.

use anyhow::{Context as _, Result};
use spdx::{Expression, Licensee, ParseMode};

use super::config::Licenses;
use super::tree::Tree;

pub(crate) fn check(tree: &Tree, rules: &Licenses) -> Result<Vec<String>> {
    let everywhere = licensees(&rules.allow)?;
    let mut failures = Vec::new();
    for package in &tree.packages {
        let mut allowed = everywhere.clone();
        for exception in rules.exceptions.iter().filter(|exception| exception.spec.matches(package)) {
            allowed.extend(licensees(&exception.allow)?);
        }
        let problem =
            match package.license.as_deref().map(|text| Expression::parse_mode(text, ParseMode::LAX)) {
                None => "has no `license` field".to_owned(),
                Some(Err(error)) => {
                    format!("has a `license` field that is no SPDX expression ({})", error.reason)
                }
                Some(Ok(expression))
                    if expression.evaluate(|req| allowed.iter().any(|l| l.satisfies(req))) =>
                {
                    continue;
                }
                Some(Ok(expression)) => format!("has the licence `{expression}`, which is not allowed"),
            };
        failures.push(format!(
            "{package} {problem}; use another crate, or decide on it in deny.toml [licenses]; it came in by {}",
            tree.origin_of(package)
        ));
    }
    for exception in &rules.exceptions {
        if !tree.packages.iter().any(|package| exception.spec.matches(package)) {
            failures.push(format!(
                "deny.toml has a licence exception for {}, which is not in the tree; remove it",
                exception.spec.name
            ));
        }
    }
    Ok(failures)
}

fn licensees(names: &[String]) -> Result<Vec<Licensee>> {
    let parse = |name: &String| {
        Licensee::parse(name).with_context(|| format!("deny.toml: `{name}` is no licence that SPDX knows"))
    };
    names.iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::deps::config::{Config, example};
    use crate::deps::tree::Tree;

    fn failures(packages: &[&str], exceptions: &str) -> Vec<String> {
        let text = example("'MIT', 'ISC'", exceptions, "multiple-versions = 'allow'", "");
        check(&Tree::of(packages), &Config::parse(&text).unwrap().licenses).unwrap()
    }

    #[test]
    fn one_allowed_alternative_is_enough() {
        assert_eq!(failures(&["app 1.0.0 MIT: a", "a 1.0.0 GPL-3.0-only OR (MIT AND ISC)"], ""), [""; 0]);
    }

    #[test]
    fn the_old_slash_means_or() {
        assert_eq!(failures(&["app 1.0.0 MIT/Apache-2.0"], ""), [""; 0]);
    }

    #[test]
    fn a_part_that_is_not_allowed_fails_and_names_the_way_in() {
        let found = failures(&["app 1.0.0 MIT: a", "a 1.0.0 MIT: b", "b 2.0.0 MIT AND GPL-3.0-only"], "");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("app 1.0.0 -> a 1.0.0 -> b 2.0.0"), "{found:?}");
    }

    #[test]
    fn a_missing_or_unreadable_licence_fails() {
        let found = failures(&["app 1.0.0 MIT: a, b", "a 1.0.0", "b 1.0.0 Proprietary thing"], "");
        assert!(found[0].starts_with("a 1.0.0 has no `license` field"), "{found:?}");
        assert!(
            found[1].starts_with("b 1.0.0 has a `license` field that is no SPDX expression"),
            "{found:?}"
        );
    }

    #[test]
    fn an_exception_is_for_one_package_and_must_be_used() {
        let exceptions =
            "exceptions = [{ crate = 'a', allow = ['Zlib'] }, { crate = 'gone', allow = ['Zlib'] }]";
        let found = failures(&["app 1.0.0 MIT: a, b", "a 1.0.0 Zlib", "b 1.0.0 Zlib"], exceptions);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("b 1.0.0 has the licence `Zlib`"), "{found:?}");
        assert!(found[1].contains("gone"), "{found:?}");
    }

    #[test]
    fn a_misspelt_allowed_licence_is_an_error() {
        let text = example("'MTI'", "", "multiple-versions = 'allow'", "");
        let error =
            check(&Tree::of(&["app 1.0.0 MIT"]), &Config::parse(&text).unwrap().licenses).unwrap_err();
        assert!(error.to_string().contains("MTI"), "{error}");
    }
}
