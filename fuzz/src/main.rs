//! `fuzz TARGET RUNS SEED`: runs one target over inputs that are changed at random. `fuzz` alone lists the targets.
//! `fuzz TARGET FILE` runs it once, with what is in the file.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use k8s_fuzz::mutate::{Random, mutate};
use k8s_fuzz::targets::{self, Target};

/// More inputs that made something new happen are not kept.
const KEPT: usize = 1024;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let names: Vec<&str> = targets::ALL.iter().map(|target| target.name).collect();
    let find = |name: &str| targets::ALL.iter().find(|target| target.name == name);
    let numbers = |runs: &str, seed: &str| Some((runs.parse::<u64>().ok()?, seed.parse::<u64>().ok()?));
    match *arguments.as_slice() {
        [] => {
            names.iter().for_each(|name| println!("{name}"));
            return ExitCode::SUCCESS;
        }
        [name, file] => {
            if let (Some(target), Ok(input)) = (find(name), std::fs::read(file)) {
                (target.run)(&input);
                return ExitCode::SUCCESS;
            }
        }
        [name, runs, seed] => {
            if let (Some(target), Some((runs, seed))) = (find(name), numbers(runs, seed)) {
                return many(target, runs, seed);
            }
        }
        _ => {}
    }
    eprintln!("usage: fuzz TARGET RUNS SEED, or fuzz TARGET FILE; the targets are {}", names.join(", "));
    ExitCode::FAILURE
}

fn many(target: &Target, runs: u64, seed: u64) -> ExitCode {
    let mut random = Random::new(seed);
    let seeds = (target.seeds)();
    let mut corpus = seeds.clone();
    let mut seen: HashSet<u64> = corpus.iter().map(|input| (target.run)(input)).collect();
    let mut accepted = 0u64;
    for run in 0..runs {
        // Every other one from the seeds: what was changed often is refused early.
        let from = if run % 2 == 0 { &seeds } else { &corpus };
        let input = mutate(&mut random, from, target.tokens);
        // The panic's own message is printed where it happens.
        match catch_unwind(AssertUnwindSafe(|| (target.run)(&input))) {
            Ok(what) => {
                accepted += u64::from(targets::is_accepted(what));
                if seen.insert(what) && corpus.len() < KEPT {
                    corpus.push(input);
                }
            }
            Err(_) => {
                eprintln!(
                    "{}: run {run} of seed {seed} fails with {:?}",
                    target.name,
                    String::from_utf8_lossy(&input)
                );
                let file = std::env::temp_dir().join(format!("fuzz-{}-{seed}-{run}", target.name));
                match std::fs::write(&file, &input) {
                    Ok(()) => eprintln!("it alone: fuzz {} {}", target.name, file.display()),
                    Err(error) => eprintln!("{}: {error}", file.display()),
                }
                return ExitCode::FAILURE;
            }
        }
    }
    println!(
        "{}: {runs} runs of seed {seed}, {accepted} accepted, {} kinds of outcome, no failure",
        target.name,
        seen.len()
    );
    ExitCode::SUCCESS
}
