//! `cargo xtask bench options`: the decisions behind the models, each against what else could have been chosen.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::copy::Copy;
use super::table::{Figures, table};
use super::{fixture, programs};
use crate::codegen;

/// What to measure with, and how often.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How often each program runs; they take turns.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// A folder that `bench fixture` has filled, if not target/bench/fixture.
    #[arg(long, value_name = "DIR")]
    fixture: Option<PathBuf>,
    /// Only options whose name contains this, and the crate as it is.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
}

/// One way to build k8s-api: its name, and what is changed in a copy of the crate.
type Variant = (String, Box<dyn Fn(&mut Copy) -> Result<()>>);

/// As little boxed as can be: above this are structs that contain themselves.
const MOST: usize = 512;

const INTERNING: &str = "interning";

fn variants() -> Vec<Variant> {
    let variant =
        |name: &str, change: fn(&mut Copy) -> Result<()>| -> Variant { (name.to_owned(), Box::new(change)) };
    let mut variants = vec![
        variant("as it is", |_| Ok(())),
        variant("String for Str", string),
        variant("BTreeMap for Map", tree),
        variant("String and BTreeMap", |copy| string(copy).and_then(|()| tree(copy))),
        variant("lists and maps keep their spare room", spare),
        variant("String and BTreeMap with spare room, little boxed", |copy| {
            string(copy)?;
            tree(copy)?;
            copy.edit("k8s-api/src/view.rs", "        self.shrink_to_fit();", "")?;
            boxed(copy, MOST)
        }),
    ];
    for limit in [0, 64, 128, 256, MOST] {
        let name = match limit {
            0 => "every optional struct boxed".to_owned(),
            limit => format!("boxed above {limit} bytes"),
        };
        variants.push((name, Box::new(move |copy| boxed(copy, limit))));
    }
    variants
}

fn string(copy: &mut Copy) -> Result<()> {
    let file = "k8s-api/src/text.rs";
    copy.edit(file, "use lean_string::LeanStr;", "type LeanStr = String;")?;
    copy.edit(file, "pub const fn from_static", "pub fn from_static")?;
    copy.edit(file, "LeanStr::from_static_str(text)", "LeanStr::from(text)")
}

fn tree(copy: &mut Copy) -> Result<()> {
    copy.replace("k8s-api/src/map.rs", "tests/bench/options/map.rs")
}

fn spare(copy: &mut Copy) -> Result<()> {
    copy.edit("k8s-api/src/view.rs", "        self.shrink_to_fit();", "")?;
    copy.edit(
        "k8s-api/src/map.rs",
        "    fn shrink(&mut self) {\n        self.entries.shrink_to_fit();",
        "    fn shrink(&mut self) {",
    )
}

/// Boxes optional structs above another limit.
fn boxed(copy: &mut Copy, limit: usize) -> Result<()> {
    copy.generated(codegen::kubernetes(limit)?.files);
    Ok(())
}

/// What one option costs with one list.
#[derive(Clone, Default)]
struct Costs {
    json: Figures,
    drop: Figures,
    clone: Figures,
    protobuf: Figures,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let dir = fixture::find(args.fixture.as_deref());
    let wanted =
        |name: &str| name == "as it is" || args.only.as_deref().is_none_or(|only| name.contains(only));
    let mut built = Vec::new();
    for (number, (name, change)) in variants().into_iter().enumerate().filter(|(_, (name, _))| wanted(name)) {
        println!("building: {name}");
        let programs = build(number, &change).with_context(|| format!("the option `{name}`"))?;
        built.push((name, programs, ["json", "protobuf"]));
    }
    // The same programs, asked for another decoder.
    if let Some((_, programs, _)) = built.first().cloned()
        && wanted(INTERNING)
    {
        built.insert(1, (INTERNING.to_owned(), programs, ["interned", "interned protobuf"]));
    }
    for file in ["pods", "mixed"] {
        let ask = |programs: &PathBuf, program: &str, decoder: &str| -> Result<Value> {
            let extension = if decoder.ends_with("protobuf") { "pb" } else { "json" };
            let path = dir.join(format!("{file}.{extension}"));
            programs::run(Command::new(programs.join(program)).arg(decoder).arg(path))
        };
        let figure = |answer: &Value, name: &str| answer[name].as_f64().unwrap_or(f64::NAN);
        let mut seen = vec![Costs::default(); built.len()];
        let mut pods = 0.0;
        for _ in 0..args.rounds.max(1) {
            for ((_, programs, [json, protobuf]), costs) in built.iter().zip(&mut seen) {
                let json = ask(programs, "ours-time", json)?;
                costs.json.add(figure(&json, "decode_us"));
                costs.drop.add(figure(&json, "drop_us"));
                costs.clone.add(figure(&json, "clone_us"));
                costs.protobuf.add(figure(&ask(programs, "ours-time", protobuf)?, "decode_us"));
                pods = figure(&json, "items");
            }
        }
        let mut rows = Vec::new();
        for ((name, programs, [json, _]), costs) in built.iter().zip(&seen) {
            let counted = ask(programs, "ours-heap", json)?;
            let size = ask(programs, "ours-time", "size")?;
            rows.push(vec![
                name.clone(),
                format!("{:.0}", figure(&counted, "heap_bytes")),
                format!("{:.0}", figure(&counted, "allocations")),
                size.to_string(),
                costs.json.spread(1),
                format!("{:.1}", costs.drop.median()),
                format!("{:.1}", costs.clone.median()),
                costs.protobuf.spread(1),
            ]);
        }
        println!("\n{file}: {pods} pods, {} rounds, CPU us a pod\n", args.rounds.max(1));
        let head = [
            "",
            "heap bytes",
            "allocations",
            "size_of Pod",
            "decode JSON",
            "drop",
            "clone",
            "decode protobuf",
        ];
        print!("{}", table(&head, &rows));
    }
    Ok(())
}

/// Builds the programs that measure one option, and returns their folder.
fn build(number: usize, change: &dyn Fn(&mut Copy) -> Result<()>) -> Result<PathBuf> {
    let base = programs::target().join("options");
    let dir = base.join(format!("variant-{number}"));
    let mut copy = Copy::new()?;
    change(&mut copy)?;
    copy.write(&dir)?;
    // What all of them depend on is built once; their programs have the same names, so each gets its own.
    let built = programs::cargo(&dir.join("tests/peers"), &base.join("target"), &["ours"])?;
    for program in ["ours-time", "ours-heap"] {
        let to = dir.join(program);
        std::fs::copy(built.join(program), &to).with_context(|| format!("writing {}", to.display()))?;
    }
    Ok(dir)
}
