//! What Go's own marshallers make of an object: `tests/peers/go-marshal`.

use std::io::Write as _;
use std::path::PathBuf;
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

/// Gives objects, with their `apiVersion` and `kind`, to Go.
pub fn marshal(objects: &[Value]) -> Result<Vec<Marshalled>> {
    static PROGRAM: LazyLock<Result<PathBuf>> = LazyLock::new(build);
    let program = PROGRAM.as_ref().map_err(|error| anyhow::anyhow!("{error:#}"))?;
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting go-marshal")?;
    let mut stdin = child.stdin.take().context("go-marshal has no input")?;
    let lines: String = objects.iter().map(|object| format!("{object}\n")).collect();
    // From a thread of its own: it answers while it reads.
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output().context("waiting for go-marshal")?;
    ensure!(output.status.success(), "go-marshal failed");
    writer.join().map_err(|_| anyhow::anyhow!("the writing thread panicked"))??;
    let answers = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
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

fn build() -> Result<PathBuf> {
    let program = xtask::repo::target().join("go-marshal");
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-mod=readonly", "-buildvcs=false", "-o"]).arg(&program).arg(".");
    go.current_dir(xtask::repo::root().join("tests/peers/go-marshal"))
        .env("GOWORK", "off")
        .env("CGO_ENABLED", "0");
    let output = go.output().context("building tests/peers/go-marshal needs Go")?;
    ensure!(output.status.success(), "building go-marshal: {}", String::from_utf8_lossy(&output.stderr));
    Ok(program)
}
