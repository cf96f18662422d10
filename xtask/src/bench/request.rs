//! `cargo xtask bench request`: one pod, read again and again by this client and by its peers.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use super::programs::figure;
use super::replay::Replay;
use super::table::{Figures, table};
use super::{fixture, programs};

/// What to read, and how often.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How often each program runs; they take turns.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// A folder that `bench fixture` has filled, if not target/bench/fixture.
    #[arg(long, value_name = "DIR")]
    fixture: Option<PathBuf>,
}

/// Requests that wait at the same time.
const CONCURRENCY: [usize; 2] = [1, 64];

/// One row of the table.
struct Contender {
    name: &'static str,
    program: PathBuf,
    /// The same with an allocator that counts, where there is one; Go's runtime counts by itself.
    counting: Option<PathBuf>,
    argument: Option<&'static str>,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let lists = fixture::find(args.fixture.as_deref());
    let (replay, contenders) = build()?;
    for concurrency in CONCURRENCY {
        compare(&contenders, &replay, &lists, concurrency, args.rounds.max(1))?;
    }
    Ok(())
}

/// The replay server, and what reads from it.
fn build() -> Result<(PathBuf, Vec<Contender>)> {
    // One by one: built together, each would get the features that the others ask for.
    let cargo = |package| programs::cargo(&programs::peers(), &programs::target().join("peers"), &[package]);
    let replay = cargo("replay")?.join("replay");
    let client = |name, package: &'static str| -> Result<Contender> {
        let built = cargo(package)?;
        let program = |with| built.join(format!("{package}-{with}"));
        Ok(Contender { name, program: program("time"), counting: Some(program("heap")), argument: None })
    };
    let mut contenders = vec![client("k8s-client, JSON", "get-ours")?, client("kube 5.0, JSON", "get-kube")?];
    match programs::go("go-get") {
        Ok(program) => {
            let row = |name, format| Contender {
                name,
                program: program.clone(),
                counting: Some(program.clone()),
                argument: Some(format),
            };
            contenders.push(row("client-go 0.37, JSON", "json"));
            contenders.push(row("client-go 0.37, protobuf", "protobuf"));
        }
        Err(error) => println!("left out: client-go, because {error:#}"),
    }
    let floor = cargo("get-floor")?.join("get-floor");
    for (name, below) in
        [("reqwest alone, nothing decoded", "reqwest"), ("hyper alone, nothing decoded", "hyper")]
    {
        contenders.push(Contender { name, program: floor.clone(), counting: None, argument: Some(below) });
    }
    Ok((replay, contenders))
}

/// What was seen of one contender.
#[derive(Clone, Default)]
struct Seen {
    cpu: Figures,
    ratio: Figures,
    per_second: Figures,
}

fn compare(
    contenders: &[Contender],
    replay: &Path,
    lists: &Path,
    concurrency: usize,
    rounds: usize,
) -> Result<()> {
    let mut seen = vec![Seen::default(); contenders.len()];
    for _ in 0..rounds {
        let mut ours = f64::NAN;
        for (contender, seen) in contenders.iter().zip(&mut seen) {
            let answer = ask(contender, &contender.program, replay, lists, concurrency)?;
            let cpu = figure(&answer, "cpu_us")?;
            // The first one is ours. Within a round, so that a machine that becomes slow makes all of it slow.
            if ours.is_nan() {
                ours = cpu;
            }
            seen.cpu.add(cpu);
            seen.ratio.add(ours / cpu);
            seen.per_second.add(figure(&answer, "per_second")?);
        }
    }
    let mut rows = Vec::new();
    for (contender, seen) in contenders.iter().zip(&seen) {
        let mut row = vec![
            contender.name.to_owned(),
            seen.cpu.spread(1),
            seen.ratio.spread(2),
            format!("{:.0}", seen.per_second.median()),
        ];
        match &contender.counting {
            Some(counting) => {
                let counted = ask(contender, counting, replay, lists, concurrency)?;
                row.push(format!("{:.0}", figure(&counted, "allocations")?));
                row.push(format!("{:.0}", figure(&counted, "allocated_bytes")?));
            }
            None => row.extend([String::new(), String::new()]),
        }
        rows.push(row);
    }
    println!("\nreading a pod 20,000 times, {concurrency} at a time, {rounds} rounds\n");
    let head = ["", "CPU us a request", "k8s-client to this", "requests/s", "allocations", "bytes"];
    print!("{}", table(&head, &rows));
    Ok(())
}

/// One run, with a server of its own.
fn ask(
    contender: &Contender,
    program: &Path,
    replay: &Path,
    lists: &Path,
    concurrency: usize,
) -> Result<Value> {
    let replay = Replay::start(replay, lists, None)?;
    programs::run(
        Command::new(program).arg(&replay.url).arg(concurrency.to_string()).args(contender.argument),
    )
}
