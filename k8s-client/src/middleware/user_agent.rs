//! What a program is called that has not said its name.

use std::path::Path;

use http::HeaderValue;

/// `my-controller (linux/x86_64) k8s-client/0.1.0`: the file that runs, and for what it was built.
///
/// Which version it is can't be known here; [`Config::with_user_agent`](crate::Config::with_user_agent) says it.
pub(crate) fn default() -> HeaderValue {
    let program = std::env::current_exe().ok();
    of(program.as_deref())
}

fn of(program: Option<&Path>) -> HeaderValue {
    const CLIENT: &str = concat!("k8s-client/", env!("CARGO_PKG_VERSION"));
    let name = program.and_then(Path::file_stem).map(|name| name.to_string_lossy()).unwrap_or_default();
    // Only what a name may have there, of a length that no log minds.
    let name: String =
        name.chars().filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).take(64).collect();
    let name = if name.is_empty() { "unknown" } else { &name };
    let text = format!("{name} ({}/{}) {CLIENT}", std::env::consts::OS, std::env::consts::ARCH);
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(CLIENT))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{default, of};

    #[test]
    fn it_names_the_program_the_platform_and_this_client() {
        let end = format!(
            "({}/{}) k8s-client/{}",
            std::env::consts::OS,
            std::env::consts::ARCH,
            env!("CARGO_PKG_VERSION")
        );
        for (path, name) in [
            (Some("/usr/bin/my-controller"), "my-controller"),
            (Some("/opt/a b(c)\u{fc}/we ird\n(x)\u{fc}"), "weirdx"),
            (Some("/"), "unknown"),
            (None, "unknown"),
        ] {
            assert_eq!(of(path.map(Path::new)), format!("{name} {end}"));
        }
        assert!(!default().to_str().unwrap().starts_with("unknown"), "a test has a file too");
    }
}
