//! Replays what a kube-apiserver said, as fast as the socket takes it: `replay FOLDER [PODS]` serves what `bench fixture` has kept
//! there, or so many pods: its first ones, or all and then some again under other names. Plain HTTP/1.1, a thread for each connection; JSON or protobuf, as is asked for.
//!
//! - `GET /api/v1/pods`: the list, in pages where a `limit` is given;
//! - with `watch=true`: a watch, with the list as its initial events where those are asked for;
//! - `POST /go?repeat=N`: all watches get the captured events so many times, with versions that go on growing. The answer
//!   says how many and which is the last, and so does a `GET`, which changes nothing;
//! - `GET /api/v1/namespaces/..`: always the first pod.
//!
//! The server should never be what a client waits for: nothing is rendered while a client waits for it that could have been
//! rendered before. It prints its URL, and ends when its standard input does.

mod format;
mod http;
mod list;
mod watch;
mod wire;

use std::io::{self, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

use crate::format::Format;
use crate::http::{Asked, Chunks, refused, sized};
use crate::list::Pods;
use crate::watch::{Events, Gate};

/// What is answered in one format.
struct Answers {
    pods: Pods,
    one: Vec<u8>,
    events: Events,
}

struct Server {
    json: Answers,
    protobuf: Answers,
    gate: Gate,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().unwrap_or_else(|| panic!("usage: replay FOLDER [PODS]"));
    let pods = arguments.next().map(|pods| pods.parse().expect("a number of pods"));
    let server = Arc::new(Server {
        json: answers(Format::Json, &folder, "json", "ndjson", pods),
        protobuf: answers(Format::Protobuf, &folder, "pb", "pb", pods),
        gate: Gate::default(),
    });
    assert_eq!(server.json.events.len(), server.protobuf.events.len(), "the two captures of a watch differ");
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    println!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let server = server.clone();
            // A client that goes is no failure.
            std::thread::spawn(move || serve(stream, &server));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink()).expect("standard input");
}

fn answers(format: Format, folder: &str, list: &str, watch: &str, pods: Option<usize>) -> Answers {
    let folder = Path::new(folder);
    let list = folder.join(format!("pods.{list}"));
    let list = std::fs::read(&list).unwrap_or_else(|error| panic!("reading {}: {error}", list.display()));
    let pods = Pods::new(format, &list, pods);
    // Whoever only reads needs no watch.
    let watch = std::fs::read(folder.join(format!("watch.{watch}"))).unwrap_or_default();
    let one = sized(format.media(), &format.alone(pods.first()));
    Answers { pods, one, events: Events::new(format, &watch) }
}

fn serve(mut out: TcpStream, server: &Server) -> io::Result<()> {
    out.set_nodelay(true)?;
    let mut input = BufReader::new(out.try_clone()?);
    let mut line = String::new();
    while let Some(asked) = Asked::read(&mut input, &mut line)? {
        let format = asked.format;
        let answers = if format == Format::Json { &server.json } else { &server.protobuf };
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", path) if path.starts_with("/api/v1/namespaces/") => out.write_all(&answers.one)?,
            ("GET", "/api/v1/pods") if asked.flag("watch") => {
                // Before the answer begins: this copies all of them.
                let events = answers.events.clone();
                let mut chunks = Chunks::begin(&mut out, format.stream_media())?;
                if asked.flag("sendInitialEvents") {
                    answers.pods.initial_events(&mut chunks)?;
                    chunks.send()?;
                }
                return server.gate.serve(format, events, &mut out);
            }
            ("GET", "/api/v1/pods") => {
                let mut chunks = Chunks::begin(&mut out, format.media())?;
                let limit = asked.number("limit").filter(|limit| *limit > 0);
                answers.pods.page(asked.number("continue").unwrap_or(0), limit, &mut chunks)?;
            }
            ("POST", "/go") if answers.events.len() > 0 => {
                let repeat = asked.number("repeat").unwrap_or(1);
                let answer = |text: String| out.write_all(&sized("application/json", text.as_bytes()));
                server.gate.open(repeat, &answers.events, answer)?;
            }
            ("GET", "/go") if answers.events.len() > 0 => {
                let plan = server.gate.plan(asked.number("repeat").unwrap_or(1), &answers.events);
                out.write_all(&sized("application/json", plan.as_bytes()))?;
            }
            _ => out.write_all(refused("404 Not Found").as_bytes())?,
        }
    }
    Ok(())
}
