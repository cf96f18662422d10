//! `cargo xtask bench informer`: a store that follows ten thousand pods, by this client and by its peers.

mod goals;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use self::goals::ROWS;
use super::programs::{self, figure};
use super::replay::Replay;
use super::table::{Figures, table};
use super::{busy, fixture};

/// What to follow, and how often.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How often each program runs; they take turns.
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
    /// How many pods: those of the fixture, or some of them again under other names; several, as in `10000,100000`, show
    /// how the cost grows.
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pods: Vec<usize>,
    /// How often the captured events are replayed.
    #[arg(long, value_name = "N", default_value_t = 4)]
    repeat: usize,
    /// Only the programs with this in their names.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// A folder that `bench fixture` has filled, if not target/bench/fixture.
    #[arg(long, value_name = "DIR")]
    fixture: Option<PathBuf>,
}

/// One column of the table, or more about its client.
struct Contender {
    name: &'static str,
    program: PathBuf,
    format: &'static str,
    /// Whether the state comes as the beginning of a watch, where it does not matter otherwise.
    strategy: &'static str,
    /// What it is asked: to follow, or to follow and then to look up.
    modes: &'static [&'static str],
}

const BOTH: &[&str] = &["follow", "lookup"];
const FOLLOW: &[&str] = &["follow"];

pub(super) fn run(args: &Args) -> Result<()> {
    let dir = fixture::find(args.fixture.as_deref());
    ensure!(
        dir.join("watch.ndjson").is_file(),
        "{} has no captured watch: `cargo xtask bench fixture` makes one",
        dir.display()
    );
    let (replay, mut contenders) = build()?;
    contenders.retain(|contender| args.only.as_ref().is_none_or(|only| contender.name.contains(only)));
    let sizes: Vec<_> =
        if args.pods.is_empty() { vec![None] } else { args.pods.iter().copied().map(Some).collect() };
    let mut raw = Vec::new();
    for pods in sizes {
        let mut seen: Vec<Seen> = contenders.iter().map(|_| Seen::default()).collect();
        let mut foreign = Figures::default();
        for round in 0..args.rounds.max(1) {
            for (contender, seen) in contenders.iter().zip(&mut seen) {
                let mut answers = json!({});
                for mode in contender.modes {
                    let before = busy::Moment::now();
                    let answer = {
                        let replay = Replay::start(&replay, &dir, pods)?;
                        let mut command = Command::new(&contender.program);
                        command.args([replay.url.as_str(), mode, contender.strategy, contender.format]);
                        programs::run(command.arg(args.repeat.to_string()))?
                    };
                    let others = busy::Moment::now().others_since(&before);
                    foreign.add(others * 100.0);
                    raw.push(json!({"client": contender.name, "mode": mode, "round": round, "others_percent": others * 100.0, "figures": &answer}));
                    // At once: a run takes minutes, and may be stopped.
                    keep(&raw)?;
                    for (name, value) in answer.as_object().into_iter().flatten() {
                        answers[name] = value.clone();
                    }
                }
                seen.0.push(answers);
            }
        }
        show(&contenders, &seen, args)?;
        println!("\nothers had {} % of this machine meanwhile", foreign.spread(0));
    }
    println!("every figure of every run: {}", raw_figures().display());
    Ok(())
}

fn raw_figures() -> PathBuf {
    programs::target().join("informer.json")
}

/// Every figure of every run, for whoever wants to do more with them.
fn keep(raw: &[Value]) -> Result<()> {
    let path = raw_figures();
    std::fs::write(&path, serde_json::to_vec_pretty(raw)?)
        .with_context(|| format!("writing {}", path.display()))
}

const OURS: &str = "k8s-client";
const COUNTED: &str = "k8s-client, counted";
const PRUNED: &str = "k8s-client, without managedFields";
const KUBE: &str = "kube 5.0";
const GO_JSON: &str = "client-go 0.37, JSON";
const GO_PROTOBUF: &str = "client-go 0.37, protobuf";

/// The replay server, and what follows it.
fn build() -> Result<(PathBuf, Vec<Contender>)> {
    // One by one: built together, each would get the features that the others ask for.
    let cargo = |package| programs::cargo(&programs::peers(), &programs::target().join("peers"), &[package]);
    let replay = cargo("replay")?.join("replay");
    let contender = |name, program: &Path, format, strategy, modes| Contender {
        name,
        program: program.to_owned(),
        format,
        strategy,
        modes,
    };
    let built = cargo("informer-ours")?;
    let (time, heap) = (built.join("informer-ours-time"), built.join("informer-ours-heap"));
    let built = cargo("informer-kube")?;
    let (kube_time, kube_heap) = (built.join("informer-kube-time"), built.join("informer-kube-heap"));
    let mut contenders = vec![
        contender(OURS, &time, "json", "list", BOTH),
        contender(KUBE, &kube_time, "json", "list", BOTH),
        contender(PRUNED, &time, "pruned", "list", FOLLOW),
        contender("k8s-client, streamed list", &time, "json", "stream", FOLLOW),
        contender("kube 5.0, streamed list", &kube_time, "json", "stream", FOLLOW),
        contender(COUNTED, &heap, "json", "list", BOTH),
        contender("k8s-client, without managedFields, counted", &heap, "pruned", "list", FOLLOW),
        contender("kube 5.0, counted", &kube_heap, "json", "list", FOLLOW),
    ];
    match programs::go("go-informer") {
        Ok(program) => contenders.extend([
            contender(GO_JSON, &program, "json", "list", BOTH),
            contender(GO_PROTOBUF, &program, "protobuf", "list", BOTH),
            contender("client-go 0.37, JSON, streamed list", &program, "json", "stream", FOLLOW),
            contender("client-go 0.37, protobuf, streamed list", &program, "protobuf", "stream", FOLLOW),
        ]),
        Err(error) => println!("left out: client-go, because {error:#}"),
    }
    Ok((replay, contenders))
}

/// What a contender said in each round.
#[derive(Default)]
struct Seen(Vec<Value>);

impl Seen {
    fn figures(&self, name: &str) -> Figures {
        let mut figures = Figures::default();
        self.0.iter().filter_map(|answer| figure(answer, name).ok()).for_each(|value| figures.add(value));
        figures
    }

    /// Ours to theirs within each round, so that a machine that becomes slow makes both slow.
    fn ratio(&self, other: &Seen, name: &str) -> Figures {
        let mut figures = Figures::default();
        for (ours, theirs) in self.0.iter().zip(&other.0) {
            if let (Ok(ours), Ok(theirs)) = (figure(ours, name), figure(theirs, name)) {
                figures.add(ours / theirs);
            }
        }
        figures
    }
}

fn show(contenders: &[Contender], seen: &[Seen], args: &Args) -> Result<()> {
    let found =
        |name: &str| contenders.iter().zip(seen).find(|(known, _)| known.name == name).map(|(_, seen)| seen);
    let pods = seen.first().map_or(f64::NAN, |seen| seen.figures("pods").median());
    let events = seen.first().map_or(f64::NAN, |seen| seen.figures("events").median());
    println!("\n{pods} pods, {events} events, {} rounds; the state is listed in pages\n", args.rounds.max(1));
    let peers = [KUBE, GO_JSON, GO_PROTOBUF].map(|name| (name, found(name)));
    let mut rows = Vec::new();
    for row in ROWS {
        let Some(ours) = found(row.of) else { continue };
        let theirs = |seen: Option<&Seen>| match seen {
            Some(seen) if row.of == OURS => seen.figures(row.figure),
            _ => Figures::default(),
        };
        let mut cells = vec![row.what.to_owned(), ours.figures(row.figure).spread_or_nothing(row.digits)];
        cells.extend(peers.iter().map(|(_, seen)| theirs(*seen).spread_or_nothing(row.digits)));
        for (_, seen) in &peers {
            let ratio = seen.filter(|_| row.of == OURS).map(|seen| ours.ratio(seen, row.figure));
            cells.push(ratio.map_or(String::new(), |ratio| ratio.median_or_nothing(2)));
        }
        let compared = |name: &str| found(name).map_or(f64::NAN, |seen| seen.figures(row.figure).median());
        let go = compared(GO_JSON).min(compared(GO_PROTOBUF));
        let lookup = ours.figures("get_ns").median();
        cells.push(row.goal.said(pods));
        cells.push(row.goal.reached(ours.figures(row.figure).median(), go, lookup, pods).to_owned());
        rows.push(cells);
    }
    let head = [
        "",
        OURS,
        KUBE,
        GO_JSON,
        GO_PROTOBUF,
        "to kube",
        "to Go JSON",
        "to Go protobuf",
        "to reach",
        "reached",
    ];
    print!("{}", table(&head, &rows));

    let names = [
        ("sync_wall_ms", 0),
        ("sync_cpu_us", 1),
        ("sync_peak_mib", 0),
        ("sync_heap_bytes", 0),
        ("sync_allocations", 0),
        ("event_cpu_us", 1),
        ("event_allocations", 0),
        ("after_peak_mib", 0),
        ("after_heap_mib", 0),
    ];
    let mut rows = Vec::new();
    for (contender, seen) in contenders.iter().zip(seen) {
        let mut cells = vec![contender.name.to_owned()];
        // What counts takes its time, and what does not count says 0.
        let counts = contender.name.ends_with("counted");
        for (name, digits) in names {
            let figures = seen.figures(name);
            let timed = matches!(
                name,
                "sync_wall_ms" | "sync_cpu_us" | "event_cpu_us" | "sync_peak_mib" | "after_peak_mib"
            );
            let meant = if counts { !timed } else { timed || figures.median() > 0.0 };
            cells.push(if meant { figures.median_or_nothing(digits) } else { String::new() });
        }
        rows.push(cells);
    }
    println!("\nmore about each (medians); what is counted has an allocator that counts\n");
    let head = [
        "",
        "sync ms",
        "CPU us/pod",
        "peak MiB",
        "heap bytes/pod",
        "allocations/pod",
        "CPU us/event",
        "allocations/event",
        "peak MiB after",
        "heap MiB after",
    ];
    print!("{}", table(&head, &rows));
    Ok(())
}
