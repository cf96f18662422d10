//! Generated files say so on their first line, and no other file does: nobody edits the one, and `cargo xtask codegen`
//! never deletes the other.

use k8s_codegen::HEADER;

use super::{File, Violation};

/// Whether a path is in a folder that `cargo xtask codegen` writes, and nothing else writes.
pub(super) fn is_generated(path: &str) -> bool {
    path.contains("/generated/")
}

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for file in files {
        let headed = file.text().lines().next() == Some(HEADER);
        if is_generated(&file.path) && !headed {
            violations.push(file.violation(
                1,
                format!("is in a generated folder, but does not start with `{HEADER}`"),
                "move it out, or let `cargo xtask codegen` write it",
            ));
        } else if !is_generated(&file.path) && headed && file.path.ends_with(".rs") {
            violations.push(file.violation(
                1,
                "says that it is generated, but is in no generated folder",
                "remove the header",
            ));
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::{HEADER, check};
    use crate::tidy::{File, file, places};

    #[test]
    fn the_header_is_in_generated_files_and_only_there() {
        let headed = format!("{HEADER}\n//! Models.\n");
        let files = [
            file("k8s-api/src/generated/core/v1/models.rs", &headed),
            file("k8s-api/src/generated/core/v1/api.rs", "//! Requests.\n"),
            File { path: "k8s-api/src/generated/blob".to_owned(), text: None },
            file("k8s-api/src/lib.rs", &headed),
            file("k8s-api/src/time.rs", "//! Time.\n"),
        ];
        assert_eq!(
            places(&check(&files)),
            [
                "k8s-api/src/generated/core/v1/api.rs:1",
                "k8s-api/src/generated/blob:1",
                "k8s-api/src/lib.rs:1"
            ]
        );
    }
}
