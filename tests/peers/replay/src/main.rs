//! Replays what a kube-apiserver said, as fast as the socket takes it: `replay FOLDER` serves the first pod of the lists
//! that `bench fixture` has kept there, and JSON's whole list.
//!
//! Plain HTTP/1.1 that keeps connections open, a thread each, and everything rendered before a client asks: the server
//! should never be what a client waits for. It prints its URL, and ends when its standard input does.

mod pod;

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What is answered.
struct Answers {
    json: Vec<u8>,
    protobuf: Vec<u8>,
    list: Vec<u8>,
}

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| panic!("usage: replay FOLDER"));
    let read = |file: &str| {
        let path = Path::new(&folder).join(file);
        std::fs::read(&path).unwrap_or_else(|error| panic!("reading {}: {error}", path.display()))
    };
    let list = read("pods.json");
    let (json, protobuf) = (pod::json(&list), pod::protobuf(&read("pods.pb")));
    let answers = Arc::new(Answers {
        json: sized(JSON, &json),
        protobuf: sized(PROTOBUF, &protobuf),
        list: sized(JSON, &list),
    });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    println!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answers = answers.clone();
            // A client that goes is no failure.
            std::thread::spawn(move || serve(stream, &answers));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink()).expect("standard input");
}

fn sized(media: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn serve(mut out: TcpStream, answers: &Answers) -> io::Result<()> {
    out.set_nodelay(true)?;
    let mut input = BufReader::new(out.try_clone()?);
    let mut line = String::new();
    while let Some(asked) = read(&mut input, &mut line)? {
        let answer: &[u8] = match (asked.path.as_str(), asked.protobuf) {
            (path, false) if path.starts_with("GET /api/v1/namespaces/") => &answers.json,
            (path, true) if path.starts_with("GET /api/v1/namespaces/") => &answers.protobuf,
            (path, false) if path.starts_with("GET /api/v1/pods") => &answers.list,
            _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        };
        out.write_all(answer)?;
    }
    Ok(())
}

struct Asked {
    /// With its method.
    path: String,
    protobuf: bool,
}

/// The next request, unless the client has gone.
fn read(input: &mut BufReader<TcpStream>, line: &mut String) -> io::Result<Option<Asked>> {
    line.clear();
    if input.read_line(line)? == 0 {
        return Ok(None);
    }
    let mut asked = Asked { path: line.trim_end().to_owned(), protobuf: false };
    let mut body = 0;
    loop {
        line.clear();
        if input.read_line(line)? == 0 {
            return Ok(None);
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        if name.eq_ignore_ascii_case("accept") {
            // What is named first is what is wanted: enough for the clients that are measured.
            asked.protobuf = value.trim_start().starts_with(PROTOBUF);
        } else if name.eq_ignore_ascii_case("content-length") {
            body = value.trim().parse().unwrap_or(0);
        }
    }
    io::copy(&mut input.by_ref().take(body), &mut io::sink())?;
    Ok(Some(asked))
}
