//! One feature for each group, with what its types refer to.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};

use crate::ir::{Model, Path, Type};
use crate::lower::path;

/// Holds what every group needs, and has no feature.
const ALWAYS: &str = "meta";

/// Alpha and beta versions are behind this one.
const PREVIEW: &str = "preview";

/// The features of the crate of the types.
#[derive(Debug, Default)]
pub struct Features {
    /// The groups that the types of a group refer to.
    groups: BTreeMap<String, BTreeSet<String>>,
    /// Groups with a version that is neither alpha nor beta.
    stable: BTreeSet<String>,
    /// Alpha and beta versions that a type of a stable version has a field of. Without `preview` they are there, but not public.
    needed: BTreeSet<(String, String)>,
}

/// Whether a version may change in any release of Kubernetes.
fn is_preview(version: &str) -> bool {
    version.contains("alpha") || version.contains("beta")
}

impl Features {
    pub(crate) fn of(models: &[Model]) -> Result<Features> {
        let mut features = Features::default();
        let mut previews = BTreeSet::new();
        for model in models {
            let here = path(model);
            let groups = features.groups.entry(here.group.clone()).or_default();
            if !is_preview(&here.version) {
                features.stable.insert(here.group.clone());
            }
            let Model::Struct(model) = model else { continue };
            for there in model.fields.iter().filter_map(|field| referred(&field.type_)) {
                if is_preview(&there.version) {
                    previews.insert((module(here), module(there)));
                }
                if there.group != here.group && there.group != ALWAYS {
                    groups.insert(there.group.clone());
                }
            }
        }
        // What is needed needs what it refers to.
        loop {
            let known = features.needed.len();
            for (here, there) in &previews {
                if !is_preview(&here.1) || features.needed.contains(here) {
                    features.needed.insert(there.clone());
                }
            }
            if features.needed.len() == known {
                break;
            }
        }
        features.check()?;
        Ok(features)
    }

    /// What is on by default does not switch on what may change in any release.
    fn check(&self) -> Result<()> {
        for group in &self.stable {
            let preview = |other: &&String| !self.stable.contains(*other) && *other != ALWAYS;
            if let Some(other) = self.groups.keys().filter(preview).find(|other| self.brings(group, other)) {
                bail!(
                    "the feature {group} would switch on {PREVIEW}, since a type of it refers to {other}; name a fix"
                );
            }
        }
        Ok(())
    }

    /// How the module of a version is declared.
    pub(crate) fn module(&self, group: &str, version: &str) -> String {
        let public = format!("pub mod {version};");
        if !is_preview(version) {
            return public;
        }
        let public = format!("#[cfg(feature = {PREVIEW:?})]\n{public}");
        if !self.needed.contains(&(group.to_owned(), version.to_owned())) {
            return public;
        }
        // A stable type has a field of one of its types.
        let hidden = "#[allow(dead_code, unreachable_pub, unused_imports)]";
        format!("{public}\n#[cfg(not(feature = {PREVIEW:?}))]\n{hidden}\npub(crate) mod {version};")
    }

    /// Whether the feature of a group switches on another one.
    pub(crate) fn brings(&self, group: &str, other: &str) -> bool {
        let (mut reached, mut next) = (BTreeSet::from([group]), vec![group]);
        while let Some(group) = next.pop() {
            for group in self.groups.get(group).into_iter().flatten() {
                if reached.insert(group) {
                    next.push(group);
                }
            }
        }
        other == ALWAYS || reached.contains(other)
    }

    /// The attribute of what is there when a version's module is public.
    pub(crate) fn of_version(&self, group: &str, version: &str) -> String {
        let mut needed: Vec<String> = Vec::new();
        needed.extend((group != ALWAYS).then(|| format!("feature = {group:?}")));
        needed.extend(is_preview(version).then(|| format!("feature = {PREVIEW:?}")));
        match needed.as_slice() {
            [] => String::new(),
            [one] => format!("#[cfg({one})]\n"),
            several => format!("#[cfg(all({}))]\n", several.join(", ")),
        }
    }

    /// The attribute of a group's module.
    pub(crate) fn of_group(&self, group: &str) -> Option<String> {
        (group != ALWAYS).then(|| format!("#[cfg(feature = {group:?})]\n"))
    }

    /// The feature of a group and those that it switches on. A group that has only versions that may change says so by
    /// switching on theirs.
    pub fn lines(&self) -> BTreeMap<String, Vec<String>> {
        let mut lines = BTreeMap::new();
        for (group, others) in self.groups.iter().filter(|(group, _)| *group != ALWAYS) {
            let preview = (!self.stable.contains(group)).then(|| PREVIEW.to_owned());
            lines.insert(group.clone(), others.iter().cloned().chain(preview).collect());
        }
        let default = self.stable.iter().filter(|group| *group != ALWAYS).cloned();
        lines.insert("default".to_owned(), default.collect());
        lines.insert(PREVIEW.to_owned(), Vec::new());
        // What wants everything need not know what there is.
        let every = lines.keys().filter(|name| *name != "default").cloned().collect();
        lines.insert("every".to_owned(), every);
        lines
    }
}

fn module(path: &Path) -> (String, String) {
    (path.group.clone(), path.version.clone())
}

fn referred(type_: &Type) -> Option<&Path> {
    match type_ {
        Type::Model(path) => Some(path),
        Type::List(inner) | Type::Map(inner) | Type::Option(inner) | Type::Boxed(inner) => referred(inner),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Field, Merge, Struct};

    /// A type with fields of other types, each written as `group.version.Name`.
    fn model(name: &str, of: &[&str]) -> Model {
        let path = |name: &str| {
            let mut parts = name.split('.').map(str::to_owned);
            let mut next = || parts.next().unwrap();
            Path { group: next(), version: next(), name: next() }
        };
        let field = |name: &&str| Field {
            rust: String::new(),
            name: String::new(),
            docs: String::new(),
            type_: Type::List(Box::new(Type::Model(path(name)))),
            number: 0,
            within: Vec::new(),
            omit: false,
            always: false,
            required: false,
            merge: Merge::Default,
            patch_merge: None,
            sensitive: false,
        };
        Model::Struct(Box::new(Struct {
            path: path(name),
            schema: name.to_owned(),
            docs: String::new(),
            kind: None,
            resource: None,
            union: false,
            fields: of.iter().map(field).collect(),
        }))
    }

    #[test]
    fn a_feature_brings_what_its_types_refer_to() {
        let features = Features::of(&[
            model("meta.v1.M", &[]),
            model("core.v1.A", &["meta.v1.M"]),
            model("apps.v1.B", &["core.v1.A", "apps.v1.B"]),
            model("apps.v1beta1.B", &["batch.v1.D"]),
            model("odd.v1alpha1.C", &[]),
            model("batch.v1.D", &["apps.v1.B"]),
        ])
        .unwrap();
        let lines: Vec<String> =
            features.lines().iter().map(|(name, others)| format!("{name}: {}", others.join(" "))).collect();
        assert_eq!(
            lines,
            [
                "apps: batch core",
                "batch: apps",
                "core: ",
                "default: apps batch core",
                "every: apps batch core odd preview",
                "odd: preview",
                "preview: "
            ]
        );
        assert!(features.brings("batch", "core") && features.brings("core", "meta"));
        assert!(!features.brings("core", "apps"));
        assert_eq!(features.of_group("meta"), None);
    }

    #[test]
    fn what_a_stable_type_needs_of_a_preview_is_there_and_not_public() {
        let features = Features::of(&[
            model("a.v1.A", &["b.v1alpha1.B"]),
            model("b.v1.B", &[]),
            model("c.v1.C", &[]),
            model("b.v1alpha1.B", &["c.v1beta2.C"]),
            model("c.v1beta2.C", &[]),
            model("d.v1beta1.D", &["e.v1beta1.E"]),
            model("e.v1beta1.E", &[]),
        ])
        .unwrap();
        let hidden = |group: &str, version: &str| features.module(group, version).contains("pub(crate) mod");
        assert!(hidden("b", "v1alpha1") && hidden("c", "v1beta2"));
        assert!(!hidden("e", "v1beta1"));
        assert_eq!(features.module("a", "v1"), "pub mod v1;");
        let error = Features::of(&[
            model("a.v1.A", &[]),
            model("a.v1beta1.A", &["b.v1beta1.B"]),
            model("b.v1beta1.B", &[]),
        ]);
        assert_eq!(
            error.unwrap_err().to_string(),
            "the feature a would switch on preview, since a type of it refers to b; name a fix"
        );
        assert_eq!(features.module("e", "v1beta1"), "#[cfg(feature = \"preview\")]\npub mod v1beta1;");
    }
}
