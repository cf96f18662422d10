//! `cargo xtask bench compile`: what the types cost whoever builds with them, beside k8s-openapi; and the client beside kube.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};

use super::programs;
use super::table::{Figures, table};
use crate::repo;

/// How often to build.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How often each crate is built from nothing; they take turns.
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
    /// Build with the clients, not with the types alone.
    #[arg(long)]
    client: bool,
}

/// The smallest program with each crate: its package below `tests/peers`, and the crate. Ours is the first.
type Hellos = [(&'static str, &'static str); 2];

const TYPES: Hellos = [("hello", "k8s-api"), ("hello-k8s-openapi", "k8s-openapi")];
const CLIENTS: Hellos = [("hello-client", "k8s-client"), ("hello-kube", "kube")];

/// Seconds that pass, and seconds of CPU.
#[derive(Clone, Default)]
struct Time {
    wall: Figures,
    cpu: Figures,
}

/// What was seen of one program.
#[derive(Clone, Default)]
struct Costs {
    check: Time,
    release: Time,
    touched: Time,
}

pub(super) fn run(args: &Args) -> Result<()> {
    programs::succeed(
        Command::new("cargo").args(["fetch", "--quiet", "--locked"]).current_dir(programs::peers()),
    )?;
    let hellos = if args.client { CLIENTS } else { TYPES };
    let mut seen = vec![Costs::default(); hellos.len()];
    for round in 1..=args.rounds.max(1) {
        for ((package, name), costs) in hellos.iter().zip(&mut seen) {
            let target = target(package);
            repo::remove(&target)?;
            let step = |what: &str, time: &mut Time| {
                let (cpu, wall) = build(what, package)?;
                println!("round {round}, {name}, {what}: {cpu:.1} s of CPU, {wall:.1} s");
                time.cpu.add(cpu);
                time.wall.add(wall);
                Ok::<_, anyhow::Error>(())
            };
            step("check", &mut costs.check)?;
            repo::remove(&target)?;
            step("release", &mut costs.release)?;
            touch(&programs::peers().join(package).join("src/main.rs"))?;
            step("touched release", &mut costs.touched)?;
        }
    }
    let (mut rows, mut sizes) = (Vec::new(), Vec::new());
    for ((package, name), costs) in hellos.iter().zip(&seen) {
        let mut row = vec![(*name).to_owned()];
        for time in [&costs.check, &costs.release, &costs.touched] {
            row.extend([time.cpu.spread(1), format!("{:.1}", time.wall.median())]);
        }
        let size = stripped(package)? as f64 / f64::from(1 << 20);
        sizes.push(size);
        row.push(format!("{size:.2}"));
        row.push(crates(package)?.to_string());
        if !args.client {
            row.push(lines(name)?.to_string());
        }
        rows.push(row);
    }
    let mut ratio = vec!["ratio".to_owned()];
    if let [ours, theirs] = &seen[..] {
        let pairs = [
            (&ours.check, &theirs.check),
            (&ours.release, &theirs.release),
            (&ours.touched, &theirs.touched),
        ];
        for (ours, theirs) in pairs {
            ratio.push(format!("{:.2}", ours.cpu.median() / theirs.cpu.median()));
            ratio.push(format!("{:.2}", ours.wall.median() / theirs.wall.median()));
        }
    }
    if let [ours, theirs] = sizes[..] {
        ratio.push(format!("{:.2}", ours / theirs));
    }
    rows.push(ratio);
    let mut head = vec![
        "",
        "check, CPU s",
        "wall",
        "release, CPU s",
        "wall",
        "touched, CPU s",
        "wall",
        "stripped MiB",
        "crates",
    ];
    let what = if args.client { "lists pods and prints their names" } else { "decodes a Pod and prints it" };
    if !args.client {
        head.push("lines for ContainerPort");
    }
    println!("\na program that {what}, {} rounds, dependencies included\n", args.rounds.max(1));
    print!("{}", table(&head, &rows));
    Ok(())
}

fn target(package: &str) -> PathBuf {
    programs::target().join("compile").join(package)
}

/// Builds, and says how many seconds of CPU and how many seconds that took.
fn build(what: &str, package: &str) -> Result<(f64, f64)> {
    let build: &[&str] = if what == "check" { &["check"] } else { &["build", "--release"] };
    let mut shell = Command::new("sh");
    // `times` tells what all processes below have used, on every Unix.
    shell.args(["-c", "\"$@\" && times", "sh", "cargo"]).args(build);
    shell
        .args(["--quiet", "--locked", "--offline", "--package", package, "--target-dir"])
        .arg(target(package));
    let start = Instant::now();
    let output = shell.current_dir(programs::peers()).output().context("starting a shell")?;
    let wall = start.elapsed().as_secs_f64();
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("building {package} failed:\n{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok((children(&text).with_context(|| format!("`times` printed `{text}`"))?, wall))
}

/// The sum of the second line of `times`: the user and system time of the children, such as `0m1.25s 0m0.50s`.
fn children(times: &str) -> Option<f64> {
    let seconds = |text: &str| -> Option<f64> {
        let (minutes, seconds) = text.strip_suffix('s')?.split_once('m')?;
        Some(minutes.parse::<f64>().ok()? * 60.0 + seconds.parse::<f64>().ok()?)
    };
    times.lines().nth(1)?.split_whitespace().map(seconds).sum()
}

fn touch(path: &Path) -> Result<()> {
    let file = std::fs::File::options().append(true).open(path);
    file.and_then(|file| file.set_modified(SystemTime::now()))
        .with_context(|| format!("touching {}", path.display()))
}

/// Bytes of the program without symbols.
fn stripped(package: &str) -> Result<u64> {
    let program = target(package).join("release").join(package);
    let out = target(package).join("stripped");
    programs::succeed(Command::new("strip").arg("-o").arg(&out).arg(&program))?;
    Ok(std::fs::metadata(&out).with_context(|| format!("reading {}", out.display()))?.len())
}

/// How many crates are built for a program, itself not counted.
fn crates(package: &str) -> Result<usize> {
    let mut tree = Command::new("cargo");
    tree.args([
        "tree",
        "--offline",
        "--locked",
        "--prefix",
        "none",
        "--edges",
        "normal,build",
        "--no-dedupe",
    ]);
    tree.args(["--format", "{p}", "--package", package]).current_dir(programs::peers());
    let output = tree.output().context("starting `cargo tree`")?;
    ensure!(
        output.status.success(),
        "`cargo tree` failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().collect::<BTreeSet<_>>().len().saturating_sub(1))
}

/// The lines that a person reads for one small type, its documentation included.
fn lines(name: &str) -> Result<usize> {
    let mut metadata = cargo_metadata::MetadataCommand::new();
    metadata.current_dir(programs::peers()).other_options(["--offline".to_owned(), "--locked".to_owned()]);
    let metadata = metadata.exec().context("reading the dependencies of tests/peers")?;
    let package = metadata.packages.iter().find(|package| package.name.as_str() == name);
    let dir = package.and_then(|package| package.manifest_path.parent());
    let dir = dir.with_context(|| format!("tests/peers does not depend on {name}"))?.as_std_path();
    let read = |file: &str| {
        std::fs::read_to_string(dir.join(file)).with_context(|| format!("reading {name}'s {file}"))
    };
    if name == "k8s-openapi" {
        // A file for each type.
        return Ok(read("src/v1_37/api/core/v1/container_port.rs")?.lines().count());
    }
    let text = read("src/generated/core/v1/models.rs")?;
    let from = text.find("/// ContainerPort represents").context("k8s-api documents no ContainerPort")?;
    let rest = text.get(from..).unwrap_or_default();
    let table = rest.find("table! { ContainerPort,").context("ContainerPort has no table")?;
    let end = rest
        .get(table..)
        .and_then(|rest| rest.find("\n}"))
        .context("the table of ContainerPort has no end")?;
    Ok(rest.get(..table + end).unwrap_or_default().lines().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_shell_are_those_of_its_children() {
        // As dash and as bash print them.
        assert_eq!(children("0m0.000000s 0m0.010000s\n1m2.500000s 0m0.250000s\n"), Some(62.75));
        assert_eq!(children("0m0.001s 0m0.002s\n0m3.000s 0m0.500s\n"), Some(3.5));
        assert_eq!(children("?\n?"), None);
    }

    #[test]
    fn the_lines_of_a_type_are_counted() {
        let count = lines("k8s-api").unwrap();
        assert!((10..60).contains(&count), "{count}");
    }
}
