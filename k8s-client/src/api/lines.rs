//! Splits a log into lines, however the transport cut it up.

use std::borrow::Cow;

use bytes::{Buf as _, Bytes, BytesMut};
use k8s_api::time::MicroTime;

/// A longer line comes in pieces of this size: a program that writes no newline must not fill our memory.
const LONGEST: usize = 1 << 20;

/// A line of a log, without what ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// When it was written, if the log was asked for with `timestamps`.
    pub time: Option<MicroTime>,
    /// What was written.
    pub bytes: Bytes,
    /// The line is longer than a mebibyte, and this is not its last piece.
    pub goes_on: bool,
}

impl Line {
    /// As text; what is no UTF-8 is replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// The splitter: give it every chunk with [`push`](Self::push), and take what [`next`](Self::next) has after each.
#[derive(Debug)]
pub(super) struct Splitter {
    /// The beginning of a line that goes on in `chunk`.
    partial: BytesMut,
    chunk: Bytes,
    stamped: bool,
    /// A piece of the line was given.
    within: bool,
    longest: usize,
}

impl Splitter {
    pub(super) fn new(stamped: bool) -> Splitter {
        Splitter { partial: BytesMut::new(), chunk: Bytes::new(), stamped, within: false, longest: LONGEST }
    }

    /// The next bytes, once `next` had nothing.
    pub(super) fn push(&mut self, chunk: Bytes) {
        self.chunk = chunk;
    }

    pub(super) fn next(&mut self) -> Option<Line> {
        let room = self.longest.saturating_sub(self.partial.len());
        match self.chunk.iter().take(room + 1).position(|byte| *byte == b'\n') {
            Some(end) => {
                let mut bytes = self.take(end);
                self.chunk.advance(1);
                if bytes.last() == Some(&b'\r') {
                    bytes.truncate(bytes.len() - 1);
                }
                Some(self.line(bytes, false))
            }
            None if self.chunk.len() > room => {
                let bytes = self.take(room);
                Some(self.line(bytes, true))
            }
            None => {
                let chunk = std::mem::take(&mut self.chunk);
                self.partial.extend_from_slice(&chunk);
                None
            }
        }
    }

    /// The last line, where nothing ends it.
    pub(super) fn finish(&mut self) -> Option<Line> {
        let bytes = self.take(0);
        (!bytes.is_empty()).then(|| self.line(bytes, false))
    }

    /// What was kept, with the first bytes of the chunk. A line that lies in one chunk shares its memory.
    fn take(&mut self, end: usize) -> Bytes {
        let tail = self.chunk.split_to(end);
        if self.partial.is_empty() {
            return tail;
        }
        self.partial.extend_from_slice(&tail);
        self.partial.split().freeze()
    }

    fn line(&mut self, mut bytes: Bytes, goes_on: bool) -> Line {
        let begins = !std::mem::replace(&mut self.within, goes_on);
        let mut time = None;
        if self.stamped && begins {
            let end = bytes.iter().position(|byte| *byte == b' ').unwrap_or(bytes.len());
            time = bytes.get(..end).and_then(|stamp| std::str::from_utf8(stamp).ok()?.parse().ok());
            if time.is_some() {
                bytes.advance(bytes.len().min(end + 1));
            }
        }
        Line { time, bytes, goes_on }
    }
}

#[cfg(test)]
mod tests {
    use super::{Bytes, Splitter};
    use proptest::prelude::*;

    /// The lines, each with its time and with `+` where it goes on.
    fn lines(chunks: &[&[u8]], stamped: bool, longest: usize) -> Vec<String> {
        let mut splitter = Splitter { longest, ..Splitter::new(stamped) };
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.push(Bytes::copy_from_slice(chunk));
            lines.extend(std::iter::from_fn(|| splitter.next()));
        }
        lines.extend(splitter.finish());
        let time = |line: &super::Line| line.time.map_or_else(String::new, |time| format!("{time}|"));
        let end = |line: &super::Line| if line.goes_on { "+" } else { "" };
        lines.iter().map(|line| format!("{}{}{}", time(line), line.text(), end(line))).collect()
    }

    #[test]
    fn a_line_ends_with_a_newline_and_the_last_one_with_the_log() {
        assert_eq!(lines(&[b"a\nb\r\n\n\r\nc\rd"], false, 100), ["a", "b", "", "", "c\rd"]);
        assert_eq!(lines(&[b"a\n"], false, 100), ["a"]);
        assert_eq!(lines(&[b"\xff\n"], false, 100), ["\u{fffd}"]);
        assert!(lines(&[b"", b""], false, 100).is_empty());
    }

    #[test]
    fn a_line_may_come_in_any_chunks() {
        assert_eq!(lines(&[b"a", b"", b"b\r", b"\n", b"c\nd", b"e\n"], false, 100), ["ab", "c", "de"]);
    }

    #[test]
    fn a_long_line_comes_in_pieces_that_say_so() {
        assert_eq!(lines(&[b"abcdefgh\nij\n"], false, 3), ["abc+", "def+", "gh", "ij"]);
        assert_eq!(lines(&[b"ab", b"cd", b"\n"], false, 3), ["abc+", "d"]);
        assert_eq!(lines(&[b"abc\nabc"], false, 3), ["abc", "abc"]);
    }

    #[test]
    fn times_are_taken_off_the_beginning_of_a_line() {
        let log: &[u8] =
            b"2026-11-21T19:34:28.123456789Z a b\n2026-11-21T19:34:28Z\nnone c\n2026-11-21T19:34:28.1Z \n";
        let expected = [
            "2026-11-21T19:34:28.123456Z|a b",
            "2026-11-21T19:34:28.000000Z|",
            "none c",
            "2026-11-21T19:34:28.100000Z|",
        ];
        assert_eq!(lines(&[log], true, 100), expected);
        assert_eq!(lines(&[b"2026-11-21T19:34:28Z a\n"], false, 100), ["2026-11-21T19:34:28Z a"]);
        let pieces = lines(&[b"2026-11-21T19:34:28Z 2026-11-21T19:34:28Z b\n"], true, 21);
        assert_eq!(pieces, ["2026-11-21T19:34:28.000000Z|+", "2026-11-21T19:34:28Z +", "b"]);
    }

    proptest! {
        #[test]
        fn chunks_make_no_difference(log in "[ab\r\n]{0,60}", cuts in prop::collection::vec(0usize..60, 0..6), longest in 1usize..9) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < log.len()).collect();
            cuts.extend([0, log.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|cut| &log.as_bytes()[cut[0]..cut[1]]).collect();
            prop_assert_eq!(lines(&chunks, false, longest), lines(&[log.as_bytes()], false, longest));
            let whole = lines(&chunks, false, 1000);
            let expected: Vec<&str> = log.lines().collect();
            prop_assert_eq!(whole, expected);
        }
    }
}
