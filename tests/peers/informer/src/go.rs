//! Tells the replay server to begin.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use serde::Deserialize;

use crate::How;

/// The last of the events that will come.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Last {
    /// How many come, all in all.
    pub events: usize,
    /// The namespace of its object.
    #[serde(rename = "lastNamespace")]
    pub namespace: String,
    /// The name of its object.
    #[serde(rename = "lastName")]
    pub name: String,
    /// The version that its object then has.
    #[serde(rename = "lastResourceVersion")]
    pub version: String,
    #[serde(skip)]
    repeat: usize,
}

impl Last {
    /// What it would be.
    pub(crate) async fn of(how: &How, repeat: usize) -> Last {
        let body = ask(how, "GET", repeat).await;
        Last { repeat, ..serde_json::from_str(&body).expect("what the events will be") }
    }

    /// Returns when the server has been told to begin.
    pub(crate) async fn begin(&self, how: &How) {
        ask(how, "POST", self.repeat).await;
    }
}

/// Without any of the clients that are measured.
async fn ask(how: &How, method: &str, repeat: usize) -> String {
    let host = how.url.strip_prefix("http://").expect("a plain URL").to_owned();
    let asked = format!("{method} /go?repeat={repeat} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let answer = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(host).expect("the server");
        stream.write_all(asked.as_bytes()).expect("the server");
        // It closes the connection when nothing can follow.
        stream.shutdown(Shutdown::Write).expect("the server");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    });
    let answer = answer.await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    assert!(head.contains(" 200 "), "the server has no events: {head}");
    body.to_owned()
}
