//! What Go makes of the same input: `tests/peers`.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// One object in Go's two formats.
#[derive(Debug)]
pub struct Marshalled {
    /// As `encoding/json` writes it.
    pub json: Value,
    /// As the API's protobuf serializer writes it, with its envelope.
    pub protobuf: Vec<u8>,
}

/// What kubectl's own JSONPath makes of a corpus of expressions and objects.
pub fn jsonpath(corpus: &str) -> Result<Value> {
    let output = answer(&build("go-jsonpath")?, corpus.to_owned())?;
    serde_json::from_slice(&output).context("reading what go-jsonpath answers")
}

/// Gives objects, with their `apiVersion` and `kind`, to Go.
pub fn marshal(objects: &[Value]) -> Result<Vec<Marshalled>> {
    static PROGRAM: LazyLock<Result<PathBuf>> = LazyLock::new(|| build("go-marshal"));
    let program = PROGRAM.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let output = answer(program, objects.iter().map(|object| format!("{object}\n")).collect())?;
    let answers = serde_json::Deserializer::from_slice(&output).into_iter::<Value>();
    let marshalled: Vec<Marshalled> = answers
        .map(|answer| {
            let mut answer = answer?;
            let protobuf = STANDARD.decode(answer["protobuf"].as_str().unwrap_or_default())?;
            Ok(Marshalled { json: answer["json"].take(), protobuf })
        })
        .collect::<Result<_>>()?;
    ensure!(
        marshalled.len() == objects.len(),
        "go-marshal answered {} of {} objects",
        marshalled.len(),
        objects.len()
    );
    Ok(marshalled)
}

/// Gives a peer its input, and reads what it prints.
fn answer(program: &Path, input: String) -> Result<Vec<u8>> {
    let name = program.display();
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    let mut stdin = child.stdin.take().with_context(|| format!("{name} has no input"))?;
    // From a thread of its own: it answers while it reads.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().with_context(|| format!("waiting for {name}"))?;
    ensure!(output.status.success(), "{name} failed");
    writer.join().map_err(|_| anyhow::anyhow!("the writing thread panicked"))??;
    Ok(output.stdout)
}

/// Builds a program of `tests/peers`.
pub fn build(peer: &str) -> Result<PathBuf> {
    let program = xtask::repo::target().join(peer);
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-mod=readonly", "-buildvcs=false", "-o"]).arg(&program).arg(".");
    go.current_dir(xtask::repo::root().join("tests/peers").join(peer))
        .env("GOWORK", "off")
        .env("CGO_ENABLED", "0");
    let output = go.output().with_context(|| format!("building tests/peers/{peer} needs Go"))?;
    ensure!(output.status.success(), "building {peer}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(program)
}
