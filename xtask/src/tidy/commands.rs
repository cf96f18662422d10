//! What people are told to type works: every `cargo xtask` command in the documents and in CI parses with the types
//! that parse it for real, and every file that the documents link to exists.

use clap::Parser as _;
use clap::error::ErrorKind;

use super::markdown::{Parts, parts};
use super::{File, Violation};
use crate::cli::Cli;

const DOCUMENTS: &[&str] = &["README.md", "CONTRIBUTING.md"];
const CI: &str = ".ci/run";

/// Words of the shell after which another command, or a file, comes.
const OPERATORS: &[&str] = &["&&", "||", "|", "&", ";", ">", ">>"];

pub(super) fn check(files: &[File]) -> Vec<Violation> {
    let mut violations = Vec::new();
    if !files.iter().any(|file| file.path == DOCUMENTS[0]) {
        let (what, fix) = ("is missing".to_owned(), "write it: it is what a user reads first".to_owned());
        violations.push(Violation { path: DOCUMENTS[0].to_owned(), line: 1, what, fix });
    }
    for file in files {
        if file.path == CI {
            let lines = file.text().lines().enumerate().map(|(index, line)| (index + 1, line.to_owned()));
            violations.extend(commands(file, &joined(lines)));
        } else if DOCUMENTS.contains(&&*file.path) {
            let Parts { shell, mut spans, links } = parts(file.text());
            spans.retain(|(_, span)| span.starts_with("cargo xtask "));
            violations.extend(commands(file, &joined(shell)));
            violations.extend(commands(file, &spans));
            violations.extend(links.iter().filter(|(_, link)| is_broken(link, files)).map(|(line, link)| {
                file.violation(*line, format!("links to `{link}`, which does not exist"), "correct the link")
            }));
        }
    }
    violations
}

fn commands(file: &File, lines: &[(usize, String)]) -> Vec<Violation> {
    let violation =
        |line: usize, error| file.violation(line, error, "correct the command, or the types in xtask");
    lines
        .iter()
        .flat_map(|(line, text)| errors(text).into_iter().map(|error| violation(*line, error)))
        .collect()
}

/// Lines, with those that end in a backslash joined with what follows.
fn joined(lines: impl IntoIterator<Item = (usize, String)>) -> Vec<(usize, String)> {
    let mut joined: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (line, text) in lines {
        let start = text.strip_suffix('\\');
        match joined.last_mut().filter(|_| goes_on) {
            Some((_, last)) => last.push_str(start.unwrap_or(&text)),
            None => joined.push((line, start.unwrap_or(&text).to_owned())),
        }
        goes_on = start.is_some();
    }
    joined
}

/// What clap says against the `cargo xtask` commands in a line of shell, whatever stands before them.
fn errors(line: &str) -> Vec<String> {
    if !line.contains("cargo xtask") {
        return Vec::new();
    }
    let spaced = line.replace("$(", " ; ").replace([';', ')'], " ; ");
    let Some(words) = shlex::split(&spaced) else {
        return vec!["has a `cargo xtask` command with a quote that does not end".to_owned()];
    };
    let is_command = |word: &&String| word.trim_start_matches([' ', ';']).starts_with("cargo xtask ");
    let quoted = words.iter().filter(is_command).flat_map(|word| errors(word));
    let commands = words.split(|word| OPERATORS.contains(&&**word));
    let plain = commands.filter_map(|command| {
        let at = command.windows(2).position(|pair| pair == ["cargo", "xtask"])?;
        error(&command[at + 2..])
    });
    plain.chain(quoted).collect()
}

fn error(arguments: &[String]) -> Option<String> {
    // What a variable holds is not known here.
    let arguments: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|word| !word.starts_with('$')).collect();
    match Cli::try_parse_from(["cargo xtask"].iter().chain(&arguments)) {
        Err(error) if !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            let message = error.to_string();
            let message = message.lines().next().unwrap_or_default().trim_start_matches("error: ");
            Some(format!(
                "has the command `cargo xtask {}`, which does not parse: {message}",
                arguments.join(" ")
            ))
        }
        _ => None,
    }
}

/// Whether a link to a file of this repository leads nowhere; other links are not looked at.
fn is_broken(link: &str, files: &[File]) -> bool {
    let path = link.split('#').next().unwrap_or_default().trim_start_matches("./").trim_end_matches('/');
    let elsewhere = path.is_empty() || path.contains("://") || path.starts_with("mailto:");
    let is_there = |file: &File| {
        file.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    !elsewhere && !files.iter().any(is_there)
}

#[cfg(test)]
mod tests {
    use super::{check, errors};
    use crate::tidy::{file, places};

    #[test]
    fn good_commands_pass_whatever_is_around_them() {
        for line in [
            "cargo xtask tidy",
            "$ cargo xtask tidy",
            "cargo xtask tidy # as CI does",
            "RUST_BACKTRACE=1 cargo xtask tidy && cargo xtask deps",
            "cargo xtask --help",
            "step 'the rules' cargo xtask tidy; done",
            "cargo xtask tidy \"$@\"",
            "run 'cargo xtask tidy'",
            "eval \"$(cargo xtask tidy)\"",
            "cargo xtask tidy > log &",
            "echo 'run cargo xtask tidy first'",
            "cargo test -p xtask",
        ] {
            assert_eq!(errors(line), [""; 0], "{line}");
        }
    }

    #[test]
    fn bad_commands_fail_wherever_they_are() {
        for line in [
            "cargo xtask tidi",
            "cargo xtask tidy --no-such-flag",
            "cargo xtask tidy NAME",
            "cargo xtask tidy && cargo xtask depps",
            "if cargo xtask depps; then",
            "A=b cargo xtask",
            "run 'cargo xtask depps'",
            "eval \"$(cargo xtask depps)\"",
            "x=$(cargo xtask depps)",
            "cargo xtask tidy 'never ends",
        ] {
            assert_eq!(errors(line).len(), 1, "{line}");
        }
    }

    #[test]
    fn documents_are_checked_line_by_line() {
        let text = "Run `cargo xtask tidy` or `cargo xtask tidi`,\nnot `cargo xtask`.\n\n```sh\ncargo xtask depps\n\
                    cargo xtask \\\n  depps\n```\n```rust\ncargo xtask depps\n```\n";
        let found = check(&[file("README.md", text), file("CONTRIBUTING.md", "`cargo xtask depps`")]);
        assert_eq!(places(&found), ["README.md:5", "README.md:6", "README.md:1", "CONTRIBUTING.md:1"]);
    }

    #[test]
    fn links_must_lead_somewhere() {
        let text = "[a](LICENSE) [b](xtask/) [c](./xtask/src/lib.rs#top) [d](https://example.com/x) [e](#top)\n\
                    [f](GONE.md) [g](xta)";
        let found = check(&[file("README.md", text), file("LICENSE", ""), file("xtask/src/lib.rs", "")]);
        assert_eq!(places(&found), ["README.md:2", "README.md:2"]);
    }

    #[test]
    fn a_missing_readme_fails() {
        assert_eq!(places(&check(&[])), ["README.md:1"]);
    }

    #[test]
    fn the_steps_of_ci_parse() {
        let text = "#!/usr/bin/env bash\n# cargo xtask is all\nstep tidy cargo xtask tidy\nstep deps cargo xtask depps\n";
        let found = check(&[file("README.md", ""), file(".ci/run", text)]);
        assert_eq!(places(&found), [".ci/run:4"]);
    }
}
