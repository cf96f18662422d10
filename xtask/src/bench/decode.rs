//! `cargo xtask bench decode`: lists of pods, decoded by this client's types and by its peers.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use super::programs::figure;
use super::table::{Figures, table};
use super::{fixture, programs};

/// What to decode, and how often.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How often each program runs; they take turns.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// A folder that `bench fixture` has filled, if not target/bench/fixture.
    #[arg(long, value_name = "DIR")]
    fixture: Option<PathBuf>,
}

/// One row of the table.
struct Contender {
    name: &'static str,
    decoder: &'static str,
    extension: &'static str,
    program: PathBuf,
    /// The same with an allocator that counts; Go's runtime counts by itself.
    counting: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let dir = fixture::find(args.fixture.as_deref());
    let contenders = build()?;
    for file in ["pods", "mixed"] {
        compare(&contenders, &dir, file, args.rounds.max(1))?;
    }
    Ok(())
}

fn build() -> Result<Vec<Contender>> {
    let built = programs::cargo(&programs::peers(), &programs::target().join("peers"), &["ours", "openapi"])?;
    let rust = |name, package: &str, decoder, extension| Contender {
        name,
        decoder,
        extension,
        program: built.join(format!("{package}-time")),
        counting: built.join(format!("{package}-heap")),
    };
    let mut contenders = vec![
        rust("k8s-api, JSON", "ours", "json", "json"),
        rust("k8s-api, Decoder, JSON", "ours", "decoder", "json"),
        rust("k8s-api, interning, JSON", "ours", "interned", "json"),
        rust("k8s-api, interning, without managedFields, JSON", "ours", "pruned", "json"),
        rust("k8s-api, serde_json", "ours", "serde_json", "json"),
        rust("k8s-api, protobuf", "ours", "protobuf", "pb"),
        rust("k8s-api, interning, protobuf", "ours", "interned protobuf", "pb"),
        rust("k8s-openapi 0.29 (kube's types), serde_json", "openapi", "serde_json", "json"),
        rust("serde_json, skipping everything", "ours", "skip", "json"),
    ];
    match programs::go("go-decode") {
        Ok(program) => {
            for (name, decoder, extension) in
                [("client-go 0.37, JSON", "json", "json"), ("client-go 0.37, protobuf", "protobuf", "pb")]
            {
                let (program, counting) = (program.clone(), program.clone());
                contenders.push(Contender { name, decoder, extension, program, counting });
            }
        }
        Err(error) => println!("left out: client-go, because {error:#}"),
    }
    Ok(contenders)
}

fn compare(contenders: &[Contender], dir: &Path, file: &str, rounds: usize) -> Result<()> {
    let ask = |contender: &Contender, program: &Path| -> Result<Value> {
        let path = dir.join(format!("{file}.{}", contender.extension));
        programs::run(Command::new(program).arg(contender.decoder).arg(path))
    };
    let mut seen = vec![(Figures::default(), Figures::default(), Figures::default()); contenders.len()];
    let mut items = 0.0;
    for _ in 0..rounds {
        for (contender, (decode, drop, both)) in contenders.iter().zip(&mut seen) {
            let answer = ask(contender, &contender.program)?;
            let (decoded, dropped) = (figure(&answer, "decode_us")?, figure(&answer, "drop_us")?);
            decode.add(decoded);
            drop.add(dropped);
            both.add(decoded + dropped);
            items = figure(&answer, "items")?;
        }
    }
    let ours = seen.first().map_or(f64::NAN, |(.., both)| both.median());
    let mut rows = Vec::new();
    for (contender, (decode, drop, both)) in contenders.iter().zip(&seen) {
        let counted = ask(contender, &contender.counting)?;
        let per_item = figure(&counted, "bytes")? / figure(&counted, "items")?;
        rows.push(vec![
            contender.name.to_owned(),
            decode.spread(1),
            format!("{:.1}", drop.median()),
            format!("{:.2}", both.median() / ours),
            format!("{per_item:.0}"),
            format!("{:.0}", per_item / decode.median()),
            format!("{:.0}", figure(&counted, "heap_bytes")?),
            format!("{:.0}", figure(&counted, "allocations")?),
        ]);
    }
    println!("\n{file}: {items} pods, {rounds} rounds\n");
    let head =
        ["", "decode, CPU us a pod", "drop", "both, ratio", "bytes", "MB/s", "heap bytes", "allocations"];
    print!("{}", table(&head, &rows));
    Ok(())
}
