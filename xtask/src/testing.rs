//! `cargo xtask test`: every suite that this machine can run.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::cluster::{self, Options};
use crate::repo;

/// What to test.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only tests whose name contains this.
    name: Option<String>,
    /// Leave out the suites against the real control plane.
    #[arg(long)]
    without_control_plane: bool,
}

/// Runs the tests and says what was run, what was left out, and the counts.
pub fn run(args: Args) -> Result<()> {
    let options = Options::new("default")?;
    let left_out = if args.without_control_plane {
        Some("the suites against the real control plane (--without-control-plane)".to_owned())
    } else if let Err(missing) = cluster::available(&options.version) {
        if std::env::var_os("CI").is_some_and(|value| value == "true") {
            return Err(missing.context("CI=true, and the suites against the real control plane can't run"));
        }
        Some(format!(
            "the suites against the real control plane, because {missing:#}; then run `cargo xtask test` again"
        ))
    } else {
        cluster::Programs::ready(&options.version, &options.wanted())?;
        None
    };

    let mut counts = Counts::default();
    let mut all = cargo();
    all.args(["--workspace"]);
    if left_out.is_none() {
        all.args(["--features", "control-plane"]);
    }
    let mut passed = run_one(all.args(&args.name), &mut counts)?;
    if left_out.is_none() {
        let mut gates = cargo();
        gates
            .args(["--package", "k8s-tests", "--features", "control-plane", "--test", "real"])
            .env("K8S_TEST_GATES", "all");
        passed &= run_one(gates.args(&args.name), &mut counts)?;
    }

    println!("\nran: unit, property and doc tests and the embedded suites");
    match &left_out {
        None => println!(
            "ran: the suites against the real control plane, Kubernetes {}, with default gates and with all gates",
            options.version
        ),
        Some(what) => println!("left out: {what}"),
    }
    println!("{} passed, {} failed, {} skipped", counts.passed, counts.failed, counts.ignored);
    if !passed {
        bail!("the tests failed; one alone runs with `cargo xtask test NAME`");
    }
    if counts.passed == 0 {
        bail!("no test ran: no name contains `{}`", args.name.unwrap_or_default());
    }
    Ok(())
}

fn cargo() -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(["test", "--no-fail-fast"]).current_dir(repo::root());
    cargo
}

/// Runs cargo, shows what it prints, and says whether everything passed.
fn run_one(cargo: &mut Command, counts: &mut Counts) -> Result<bool> {
    let mut child = cargo.stdout(Stdio::piped()).spawn().context("starting `cargo test`")?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.context("reading what the tests print")?;
            // Not println: whoever reads us may have gone, and the tests still go on.
            let _ = writeln!(std::io::stdout(), "{line}");
            counts.add(&line);
        }
    }
    Ok(child.wait().context("waiting for `cargo test`")?.success())
}

/// The sum over all test binaries.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: usize,
    failed: usize,
    ignored: usize,
}

impl Counts {
    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; ...`, and passes over all others.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
        else {
            return;
        };
        for part in counts.split("; ") {
            let Some((number, what)) = part.split_once(' ') else { continue };
            let Ok(number) = number.parse::<usize>() else { continue };
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.ignored += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_over_binaries() {
        let mut counts = Counts::default();
        counts.add(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        counts.add("test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        counts.add("test tests::counts_add_up_over_binaries ... ok");
        assert_eq!(counts, Counts { passed: 5, failed: 4, ignored: 1 });
    }
}
