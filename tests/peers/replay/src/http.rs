//! As much of HTTP/1.1 as the clients that are measured use.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use crate::format::Format;

/// What a client asks for.
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    query: String,
    pub(crate) format: Format,
}

impl Asked {
    /// The next request, unless the client has gone.
    pub(crate) fn read(input: &mut BufReader<TcpStream>, line: &mut String) -> io::Result<Option<Asked>> {
        line.clear();
        if input.read_line(line)? == 0 {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
        let mut asked = Asked { method, path, query, format: Format::Json };
        let mut body = 0;
        loop {
            line.clear();
            if input.read_line(line)? == 0 {
                return Ok(None);
            }
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            if name.eq_ignore_ascii_case("accept") {
                // What is named first is what is wanted: enough for the clients that are measured.
                if value.trim_start().starts_with(Format::Protobuf.media()) {
                    asked.format = Format::Protobuf;
                }
            } else if name.eq_ignore_ascii_case("content-length") {
                body = value.trim().parse().unwrap_or(0);
            }
        }
        io::copy(&mut input.by_ref().take(body), &mut io::sink())?;
        Ok(Some(asked))
    }

    pub(crate) fn number(&self, key: &str) -> Option<usize> {
        self.value(key)?.parse().ok()
    }

    pub(crate) fn flag(&self, key: &str) -> bool {
        matches!(self.value(key), Some("1" | "true"))
    }

    fn value(&self, key: &str) -> Option<&str> {
        let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(name, _)| *name == key).map(|(_, value)| value)
    }
}

/// An answer whose length is known.
pub(crate) fn sized(media: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// An answer without a body.
pub(crate) fn refused(status: &str) -> String {
    format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")
}

/// So much goes into a chunk, and to the socket, at a time.
const CHUNK: usize = 64 << 10;

/// Adds a chunk with this content.
pub(crate) fn chunk(content: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("{:x}\r\n", content.len()).as_bytes());
    out.extend_from_slice(content);
    out.extend_from_slice(b"\r\n");
}

/// An answer in chunks.
pub(crate) struct Chunks<'a> {
    out: &'a mut TcpStream,
    content: Vec<u8>,
    /// Chunks that were not sent yet.
    ready: Vec<u8>,
}

impl<'a> Chunks<'a> {
    pub(crate) fn begin(out: &'a mut TcpStream, media: &str) -> io::Result<Self> {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {media}\r\nTransfer-Encoding: chunked\r\n\r\n");
        out.write_all(head.as_bytes())?;
        Ok(Self { out, content: Vec::new(), ready: Vec::new() })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.content.extend_from_slice(bytes);
        if self.content.len() >= CHUNK { self.flush_chunk() } else { Ok(()) }
    }

    /// What was written so far is a chunk.
    pub(crate) fn flush_chunk(&mut self) -> io::Result<()> {
        if !self.content.is_empty() {
            chunk(&self.content, &mut self.ready);
            self.content.clear();
        }
        if self.ready.len() >= CHUNK { self.send() } else { Ok(()) }
    }

    /// Sends everything, and leaves the answer open.
    pub(crate) fn send(&mut self) -> io::Result<()> {
        self.out.write_all(&self.ready)?;
        self.ready.clear();
        Ok(())
    }

    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.flush_chunk()?;
        self.ready.extend_from_slice(b"0\r\n\r\n");
        self.send()
    }
}
