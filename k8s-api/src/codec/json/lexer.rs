//! The tokens of JSON.

use std::borrow::Cow;

use super::scan::special;
use crate::codec::MAX_DEPTH;
use crate::codec::error::DecodeError;
use crate::codec::intern::Interner;
use crate::raw::{Form, RawJson};

type Result<T> = std::result::Result<T, DecodeError>;

/// Goes over one text, token by token.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// A number as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number<'a> {
    Int(i64),
    /// With a fraction, an exponent, or beyond 64 bits.
    Other(&'a str),
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Lexer<'a>> {
        let text = std::str::from_utf8(bytes)
            .map_err(|error| DecodeError::new("the text is not UTF-8", error.valid_up_to()))?;
        Ok(Lexer { text, at: 0, depth: 0 })
    }

    /// The same inside of so many objects and lists, somewhere in a longer text.
    pub(crate) fn within(text: &'a str, depth: usize) -> Lexer<'a> {
        Lexer { text, at: 0, depth }
    }

    /// How much has been taken.
    pub(crate) fn taken(&self) -> usize {
        self.at
    }

    #[cold]
    pub(crate) fn error(&self, message: impl Into<String>) -> DecodeError {
        DecodeError::new(message, self.at)
    }

    /// The next byte that is no white space, without taking it.
    #[inline(always)]
    pub(crate) fn peek(&mut self) -> Result<u8> {
        match self.text.as_bytes().get(self.at) {
            Some(&byte) if byte > b' ' => Ok(byte),
            _ => self.peek_after_space(),
        }
    }

    fn peek_after_space(&mut self) -> Result<u8> {
        while let Some(byte) = self.text.as_bytes().get(self.at) {
            match byte {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Ok(*byte),
            }
        }
        Err(self.error("the text ends too early"))
    }

    /// Only white space is left.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.peek() {
            Ok(_) => Err(self.error("there is more after the value")),
            Err(_) => Ok(()),
        }
    }

    #[inline(always)]
    fn expect(&mut self, wanted: u8) -> Result<()> {
        let found = self.peek()?;
        if found != wanted {
            return Err(self.unexpected(wanted, found));
        }
        self.at += 1;
        Ok(())
    }

    #[cold]
    fn unexpected(&self, wanted: u8, found: u8) -> DecodeError {
        self.error(format!("expected `{}`, not {}", wanted as char, kind(found)))
    }

    /// Takes `null` if it comes next.
    #[inline(always)]
    pub(crate) fn null(&mut self) -> Result<bool> {
        if self.peek()? != b'n' {
            return Ok(false);
        }
        self.word("null")?;
        Ok(true)
    }

    fn word(&mut self, word: &str) -> Result<()> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.error("a word that is none of null, true and false"));
        }
        self.at += word.len();
        Ok(())
    }

    pub(crate) fn bool(&mut self) -> Result<bool> {
        match self.peek()? {
            b't' => self.word("true").map(|()| true),
            b'f' => self.word("false").map(|()| false),
            other => Err(self.error(format!("expected true or false, not {}", kind(other)))),
        }
    }

    /// A text; borrowed if nothing in it is escaped.
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>> {
        self.expect(b'"')?;
        let end = special(self.text.as_bytes(), self.at);
        if self.text.as_bytes().get(end) == Some(&b'"') {
            let text = self.text.get(self.at..end).unwrap_or_default();
            self.at = end + 1;
            return Ok(Cow::Borrowed(text));
        }
        self.escaped().map(Cow::Owned)
    }

    #[inline(never)]
    fn escaped(&mut self) -> Result<String> {
        let mut out = String::new();
        loop {
            let end = special(self.text.as_bytes(), self.at);
            out.push_str(self.text.get(self.at..end).unwrap_or_default());
            self.at = end + 1;
            match self.text.as_bytes().get(end) {
                Some(b'"') => return Ok(out),
                Some(b'\\') => out.push(self.escape()?),
                found => {
                    self.at = end;
                    return Err(self.broken(found.is_none()));
                }
            }
        }
    }

    /// Passes over the rest of a text whose quote is behind.
    fn skip_string(&mut self) -> Result<()> {
        loop {
            let end = special(self.text.as_bytes(), self.at);
            self.at = end + 1;
            match self.text.as_bytes().get(end) {
                Some(b'"') => return Ok(()),
                Some(b'\\') => match self.text.as_bytes().get(self.at) {
                    Some(b'"' | b'\\') => self.at += 1,
                    _ => _ = self.escape()?,
                },
                found => {
                    self.at = end;
                    return Err(self.broken(found.is_none()));
                }
            }
        }
    }

    #[cold]
    fn broken(&self, ended: bool) -> DecodeError {
        self.error(if ended {
            "the text ends too early, inside of a string"
        } else {
            "a control character in a text is not escaped"
        })
    }

    fn escape(&mut self) -> Result<char> {
        let escape = self.text.as_bytes().get(self.at).copied();
        self.at += 1;
        Ok(match escape {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex()?;
                // A lone half of a pair is replaced, as Go and most others do: one bad label must not cost an object.
                match first {
                    0xD800..0xDC00
                        if self.text.get(self.at..).is_some_and(|rest| rest.starts_with("\\u")) =>
                    {
                        let before = self.at;
                        self.at += 2;
                        let second = self.hex()?;
                        if (0xDC00..0xE000).contains(&second) {
                            char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00))
                                .unwrap_or(char::REPLACEMENT_CHARACTER)
                        } else {
                            self.at = before;
                            char::REPLACEMENT_CHARACTER
                        }
                    }
                    other => char::from_u32(other).unwrap_or(char::REPLACEMENT_CHARACTER),
                }
            }
            _ => return Err(self.error("a `\\` that begins no escape")),
        })
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(value) = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else {
            return Err(self.error("`\\u` without four hexadecimal digits"));
        };
        self.at += 4;
        Ok(value)
    }

    pub(crate) fn number(&mut self) -> Result<Number<'a>> {
        let first = self.peek()?;
        if first != b'-' && !first.is_ascii_digit() {
            return Err(self.error(format!("expected a number, not {}", kind(first))));
        }
        let start = self.at;
        let bytes = self.text.as_bytes();
        let digits = |at: &mut usize| {
            let from = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at - from
        };
        let mut at = start + usize::from(first == b'-');
        let leading_zero = bytes.get(at) == Some(&b'0');
        let whole = digits(&mut at);
        let mut well = whole > 0 && !(leading_zero && whole > 1);
        let mut integer = true;
        if bytes.get(at) == Some(&b'.') {
            at += 1;
            integer = false;
            well &= digits(&mut at) > 0;
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            at += 1;
            integer = false;
            at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
            well &= digits(&mut at) > 0;
        }
        if !well {
            return Err(self.error("a number that is not written as JSON wants it"));
        }
        self.at = at;
        let text = self.text.get(start..at).unwrap_or_default();
        match text.parse() {
            Ok(value) if integer => Ok(Number::Int(value)),
            _ => Ok(Number::Other(text)),
        }
    }

    /// Enters an object or a list.
    #[inline(always)]
    pub(crate) fn open(&mut self, bracket: u8) -> Result<()> {
        self.expect(bracket)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(self.too_deep()) } else { Ok(()) }
    }

    #[cold]
    fn too_deep(&self) -> DecodeError {
        self.error(format!("nested more than {MAX_DEPTH} deep"))
    }

    /// Whether another entry comes; leaves the object or list if not. `first` is set to false.
    #[inline(always)]
    pub(crate) fn more(&mut self, first: &mut bool, close: u8) -> Result<bool> {
        if self.peek()? == close {
            self.close();
            return Ok(false);
        }
        if !std::mem::replace(first, false) {
            self.expect(b',')?;
        }
        Ok(true)
    }

    /// The key of an entry, and its colon.
    #[inline(always)]
    pub(crate) fn key(&mut self) -> Result<Cow<'a, str>> {
        if self.peek()? != b'"' {
            return Err(self.error("expected a key"));
        }
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
    }

    /// Takes a key and its colon if they are these, written without escapes and white space.
    #[inline(always)]
    pub(crate) fn key_is(&mut self, name: &str) -> bool {
        let end = self.at + name.len() + 3;
        let taken = match self.text.as_bytes().get(self.at..end) {
            Some([b'"', key @ .., b'"', b':']) => same(key, name.as_bytes()),
            _ => false,
        };
        if taken {
            self.at = end;
        }
        taken
    }

    /// The type of an event of a watch, and on to its object; `None` if something else comes first, or an error is told.
    pub(crate) fn event_type(&mut self) -> Result<Option<&'a str>> {
        let mut first = true;
        self.open(b'{')?;
        if !self.more(&mut first, b'}')? || self.key()? != "type" {
            return Ok(None);
        }
        let Cow::Borrowed(type_) = self.string()? else { return Ok(None) };
        let has_object = self.more(&mut first, b'}')? && self.key()? == "object";
        Ok((has_object && type_ != "ERROR").then_some(type_))
    }

    /// Nothing comes after the object of an event.
    pub(crate) fn event_end(&mut self) -> Result<()> {
        if self.more(&mut false, b'}')? {
            return Err(self.error("an event has more than its object"));
        }
        self.end()
    }

    /// Passes over one value and gives its text.
    pub(crate) fn raw(&mut self) -> Result<&'a str> {
        self.peek()?;
        let start = self.at;
        self.skip()?;
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// Passes over one value and keeps it, or shares it if it was kept before. `room` is there to be used again.
    pub(crate) fn raw_with(
        &mut self,
        interner: Option<&mut Interner>,
        room: &mut Vec<u8>,
    ) -> Result<RawJson> {
        let Some(interner) = interner else {
            let text = self.raw()?;
            return Ok(RawJson::from_form(&Form::of(text, room)));
        };
        self.peek()?;
        let depth = self.depth;
        if let Some((known, length)) = interner.ahead(self.text.get(self.at..).unwrap_or_default(), depth) {
            self.at += length;
            return Ok(known);
        }
        let text = self.raw()?;
        Ok(interner.raw(text, depth, room))
    }

    /// Passes over one value, checking that it is one. Without recursion: one bit says what is open at each depth.
    pub(crate) fn skip(&mut self) -> Result<()> {
        let outside = self.depth;
        let mut objects: u128 = 0;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    self.skip_string()?;
                }
                b'{' => {
                    self.open(b'{')?;
                    if self.peek()? != b'}' {
                        self.skip_key()?;
                        objects = objects << 1 | 1;
                        continue;
                    }
                    self.close();
                }
                b'[' => {
                    self.open(b'[')?;
                    if self.peek()? != b']' {
                        objects <<= 1;
                        continue;
                    }
                    self.close();
                }
                b't' | b'f' => _ = self.bool()?,
                b'n' => _ = self.null()?,
                _ => _ = self.number()?,
            }
            loop {
                if self.depth == outside {
                    return Ok(());
                }
                let in_object = objects & 1 == 1;
                match self.peek()? {
                    b',' => {
                        self.at += 1;
                        if in_object {
                            self.skip_key()?;
                        }
                        break;
                    }
                    b'}' if in_object => self.close(),
                    b']' if !in_object => self.close(),
                    other => return Err(self.unexpected(b',', other)),
                }
                objects >>= 1;
            }
        }
    }

    #[inline(always)]
    fn skip_key(&mut self) -> Result<()> {
        if self.peek()? != b'"' {
            return Err(self.error("expected a key"));
        }
        self.at += 1;
        self.skip_string()?;
        self.expect(b':')
    }

    #[inline(always)]
    fn close(&mut self) {
        self.at += 1;
        self.depth -= 1;
    }
}

/// Whether two texts of the same length are equal. Names are short: this is faster than a call.
#[inline(always)]
fn same(a: &[u8], b: &[u8]) -> bool {
    match a.len() {
        0..4 => a.iter().eq(b),
        4..8 => a.first_chunk::<4>() == b.first_chunk::<4>() && a.last_chunk::<4>() == b.last_chunk::<4>(),
        8..=16 => a.first_chunk::<8>() == b.first_chunk::<8>() && a.last_chunk::<8>() == b.last_chunk::<8>(),
        _ => a == b,
    }
}

/// What begins with this byte, for errors.
pub(crate) fn kind(byte: u8) -> &'static str {
    match byte {
        b'"' => "a text",
        b'{' => "an object",
        b'[' => "a list",
        b't' | b'f' => "a boolean",
        b'n' => "null",
        b'-' | b'0'..=b'9' => "a number",
        _ => "something else",
    }
}
