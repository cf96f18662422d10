//! Splits the bytes of a watch into frames, one event each, however the transport cut them up.
//!
//! A frame that lies in one chunk shares its memory; only one that spans chunks is copied. Every byte is looked at once; and with
//! [`Frames::next_as`] not even that, where each frame is a line.

use std::fmt;

use bytes::{Buf as _, Bytes, BytesMut};
use memchr::memchr;

/// Why a stream can't be split any further.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameError {
    /// A frame is larger than the limit.
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// Something other than a JSON object begins, with this byte.
    NotAnObject(u8),
    /// The stream ended within a frame.
    Truncated,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { limit } => write!(f, "an event has more than {limit} bytes"),
            Self::NotAnObject(byte) => {
                write!(f, "an event begins with byte {byte:#04x}, not with a JSON object")
            }
            Self::Truncated => f.write_str("the stream ended within an event"),
        }
    }
}

impl std::error::Error for FrameError {}

/// The splitter. Give it every chunk with [`push`](Self::push) and take what [`next`](Self::next) has after each.
#[derive(Debug)]
pub struct Frames {
    format: Format,
    limit: usize,
    /// The beginning of a frame that goes on in `chunk`.
    partial: BytesMut,
    /// What was pushed and not taken yet; its first `scanned` bytes belong to the frame that `partial` begins.
    chunk: Bytes,
    scanned: usize,
    failed: Option<FrameError>,
    /// Whether every frame so far was a line.
    lines: bool,
}

/// What is known of a line.
enum Line {
    /// It may be a frame.
    Whole(Bytes),
    /// The rest of it is needed.
    Wait,
    /// Nothing: the brackets have to be looked at.
    Unknown,
}

#[derive(Debug)]
enum Format {
    /// JSON objects, with or without white space between them.
    Json(Scan),
    /// Each frame behind its length, four bytes with the most significant first.
    LengthDelimited,
}

/// Where in a JSON object the scan is.
#[derive(Debug, Default)]
struct Scan {
    depth: usize,
    string: bool,
    escape: bool,
}

const HEADER: usize = 4;

impl Frames {
    /// JSON objects, each on a line or not. A frame is an object without the white space around it.
    pub fn json(limit: usize) -> Self {
        Self::new(Format::Json(Scan::default()), limit)
    }

    /// Length-delimited frames, as a watch in protobuf has them. A frame is what stands behind the length.
    pub fn length_delimited(limit: usize) -> Self {
        Self::new(Format::LengthDelimited, limit)
    }

    fn new(format: Format, limit: usize) -> Self {
        Self {
            format,
            limit,
            partial: BytesMut::new(),
            chunk: Bytes::new(),
            scanned: 0,
            failed: None,
            lines: true,
        }
    }

    /// Takes the next bytes of the stream. Memory stays within the limit and one chunk if `next` was called until it had
    /// nothing.
    pub fn push(&mut self, chunk: Bytes) {
        if self.chunk.is_empty() {
            self.chunk = chunk;
        } else {
            let mut joined = BytesMut::from(&*self.chunk);
            joined.extend_from_slice(&chunk);
            self.chunk = joined.freeze();
        }
    }

    /// The next whole frame. After an error there is nothing but that error.
    #[expect(clippy::should_implement_trait, reason = "`None` means `not yet`, so it is no iterator")]
    pub fn next(&mut self) -> Option<Result<Bytes, FrameError>> {
        if self.failed.is_none() {
            let next = match self.format {
                Format::Json(_) => self.next_object(),
                Format::LengthDelimited => self.next_delimited(),
            };
            match next {
                Ok(frame) => return frame.map(Ok),
                Err(error) => {
                    (self.partial, self.chunk) = Default::default();
                    self.failed = Some(error);
                }
            }
        }
        self.failed.clone().map(Err)
    }

    /// The next frame, as `read` understands it; `is_whole` says of what that gave whether the frame was one whole JSON value.
    ///
    /// An API server writes an object a line. So the next line is read at once, without looking for brackets first: what was read to its
    /// end as one value is a frame. Only where that fails are the brackets looked at: is it a frame that can't be read, or none?
    pub fn next_as<T>(
        &mut self,
        mut read: impl FnMut(&Bytes) -> T,
        is_whole: impl Fn(&T) -> bool,
    ) -> Option<Result<T, FrameError>> {
        match self.line() {
            Line::Wait => return None,
            Line::Unknown => {}
            Line::Whole(all) => {
                let spaces = all.iter().rev().take_while(|byte| is_space(**byte)).count();
                let line = all.slice(..all.len() - spaces);
                let value = read(&line);
                if is_whole(&value) {
                    return Some(Ok(value));
                }
                self.put_back(&all);
                return match self.next()? {
                    Err(error) => Some(Err(error)),
                    // A frame that can't be read.
                    Ok(frame) if frame.len() == line.len() => Some(Ok(value)),
                    Ok(frame) => {
                        self.lines = false;
                        Some(Ok(read(&frame)))
                    }
                };
            }
        }
        self.next().map(|frame| frame.map(|frame| read(&frame)))
    }

    /// Says that nothing will be pushed any more: what is there is not waited with for the end of its line.
    pub fn end(&mut self) {
        self.lines = false;
    }

    /// The next line, if it may be a frame.
    fn line(&mut self) -> Line {
        if !self.lines || self.failed.is_some() || !matches!(self.format, Format::Json(Scan { depth: 0, .. }))
        {
            return Line::Unknown;
        }
        if self.partial.is_empty() {
            self.skip_spaces();
            match self.chunk.first() {
                None => return Line::Wait,
                Some(b'{') => {}
                Some(_) => return Line::Unknown,
            }
        }
        let end = memchr(b'\n', &self.chunk);
        if self.partial.len() + end.unwrap_or(self.chunk.len()) > self.limit {
            return Line::Unknown;
        }
        let Some(end) = end else {
            // An object that ends here may be the last for long, and its newline come with the next.
            if self.chunk.iter().rfind(|byte| !is_space(**byte)) == Some(&b'}') {
                return Line::Unknown;
            }
            self.scanned = self.chunk.len();
            self.keep();
            return Line::Wait;
        };
        self.scanned = end;
        Line::Whole(self.take())
    }

    /// Takes a line for what it is, some bytes.
    fn put_back(&mut self, bytes: &Bytes) {
        self.chunk = [&**bytes, &*self.chunk].concat().into();
    }

    fn skip_spaces(&mut self) {
        let spaces = self.chunk.iter().take_while(|byte| is_space(**byte)).count();
        self.chunk.advance(spaces);
    }

    /// The stream has ended: says whether it did so within a frame. A last line needs no newline.
    pub fn finish(&self) -> Result<(), FrameError> {
        let blank = self.chunk.iter().all(|byte| matches!(self.format, Format::Json(_)) && is_space(*byte));
        match &self.failed {
            Some(error) => Err(error.clone()),
            None if self.partial.is_empty() && self.scanned == 0 && blank => Ok(()),
            None => Err(FrameError::Truncated),
        }
    }

    fn next_object(&mut self) -> Result<Option<Bytes>, FrameError> {
        if matches!(self.format, Format::Json(Scan { depth: 0, .. })) {
            // A part of a line, at which nobody has looked.
            if !self.partial.is_empty() {
                let partial = self.partial.split().freeze();
                self.put_back(&partial);
            }
            self.skip_spaces();
            match self.chunk.first() {
                None => return Ok(None),
                Some(b'{') => {}
                Some(other) => return Err(FrameError::NotAnObject(*other)),
            }
        }
        let Format::Json(scan) = &mut self.format else { return Ok(None) };
        let rest = self.chunk.get(self.scanned..).unwrap_or_default();
        let end = scan.end(rest);
        self.scanned += end.unwrap_or(rest.len());
        if self.partial.len() + self.scanned > self.limit {
            return Err(FrameError::TooLarge { limit: self.limit });
        }
        if end.is_none() {
            self.keep();
            return Ok(None);
        }
        Ok(Some(self.take()))
    }

    fn next_delimited(&mut self) -> Result<Option<Bytes>, FrameError> {
        // The header is four bytes: gathering it by copying is no cost, and leaves one case.
        while self.partial.len() < HEADER && self.chunk.has_remaining() {
            self.partial.extend_from_slice(&self.chunk.split_to(1));
        }
        let Some(header) = self.partial.first_chunk::<HEADER>() else { return Ok(None) };
        let length = usize::try_from(u32::from_be_bytes(*header)).unwrap_or(usize::MAX);
        if length > self.limit {
            return Err(FrameError::TooLarge { limit: self.limit });
        }
        let missing = length.saturating_sub(self.partial.len() - HEADER);
        self.scanned = missing.min(self.chunk.len());
        if self.scanned < missing {
            self.keep();
            return Ok(None);
        }
        if self.partial.len() == HEADER {
            self.partial.clear();
            return Ok(Some(self.take()));
        }
        let mut frame = self.take();
        frame.advance(HEADER);
        Ok(Some(frame))
    }

    /// Keeps what was scanned of an unfinished frame.
    fn keep(&mut self) {
        self.partial.extend_from_slice(&self.chunk.split_to(self.scanned));
        self.scanned = 0;
    }

    /// The frame that ends where the scan is.
    fn take(&mut self) -> Bytes {
        let tail = self.chunk.split_to(self.scanned);
        self.scanned = 0;
        if self.partial.is_empty() {
            return tail;
        }
        self.partial.extend_from_slice(&tail);
        self.partial.split().freeze()
    }
}

impl Scan {
    /// Behind the end of the object that `bytes` begin or go on with.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            at += 1;
            if self.escape {
                self.escape = false;
            } else if self.string {
                match byte {
                    b'"' => self.string = false,
                    b'\\' => self.escape = true,
                    _ => {}
                }
            } else {
                // Brackets need no count: the outermost value is an object, and the decoder finds what is not nested well.
                match byte {
                    b'"' => self.string = true,
                    b'{' => self.depth += 1,
                    b'}' => self.depth -= 1,
                    _ => continue,
                }
                if self.depth == 0 {
                    return Some(at);
                }
            }
        }
        None
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

#[cfg(test)]
mod tests;
