//! The wire format of protobuf: tags, integers and bytes.

use crate::codec::error::DecodeError;

type Result<T> = std::result::Result<T, DecodeError>;

const VARINT: u64 = 0;
pub(crate) const FIXED64: u64 = 1;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

pub(crate) fn tag(number: u32, wire: u64, out: &mut Vec<u8>) {
    varint(u64::from(number) << 3 | wire, out);
}

/// A field with an integer.
pub(crate) fn integer(number: u32, value: u64, out: &mut Vec<u8>) {
    tag(number, VARINT, out);
    varint(value, out);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn bytes(number: u32, value: &[u8], out: &mut Vec<u8>) {
    tag(number, BYTES, out);
    varint(value.len() as u64, out);
    out.extend_from_slice(value);
}

/// Goes over the fields of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    pub(crate) rest: &'a [u8],
    pub(crate) offset: usize,
}

/// One field as it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    pub(crate) number: u32,
    pub(crate) value: Wire<'a>,
    /// With its tag, as it came.
    pub(crate) encoded: &'a [u8],
    pub(crate) offset: usize,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Wire<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(Reader<'a>),
    Fixed32,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], offset: usize) -> Reader<'a> {
        Reader { rest: bytes, offset }
    }

    #[cold]
    fn error(&self, message: &str) -> DecodeError {
        DecodeError::new(message, self.offset)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.error("the message ends too early"));
        };
        self.rest = rest;
        self.offset += count;
        Ok(taken)
    }

    #[inline(always)]
    fn varint(&mut self) -> Result<u64> {
        match self.rest {
            // Most fit into one byte.
            [byte @ 0..0x80, rest @ ..] => {
                self.rest = rest;
                self.offset += 1;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let &[byte] = self.take(1)? else { break };
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.error("an integer of more than 64 bits"))
    }

    #[inline(always)]
    pub(crate) fn field(&mut self) -> Result<Option<Found<'a>>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (start, offset) = (self.rest, self.offset);
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3)
            .ok()
            .filter(|number| *number != 0)
            .ok_or_else(|| self.error("a field without a number"))?;
        let value = match tag & 7 {
            VARINT => Wire::Varint(self.varint()?),
            FIXED64 => Wire::Fixed64(self.take(8)?.try_into().unwrap_or_default()),
            BYTES => {
                let length = self.varint()?;
                let at = self.offset;
                let length =
                    usize::try_from(length).map_err(|_| self.error("a length beyond the message"))?;
                Wire::Bytes(Reader::new(self.take(length)?, at))
            }
            FIXED32 => {
                self.take(4)?;
                Wire::Fixed32
            }
            _ => return Err(self.error("a wire type that the API does not use")),
        };
        let encoded = start.get(..self.offset - offset).unwrap_or_default();
        Ok(Some(Found { number, value, encoded, offset }))
    }
}

impl<'a> Found<'a> {
    fn error(&self, wanted: &str) -> DecodeError {
        DecodeError::new(format!("field {} is no {wanted}", self.number), self.offset)
    }

    pub(crate) fn varint(&self) -> Result<u64> {
        match self.value {
            Wire::Varint(value) => Ok(value),
            _ => Err(self.error("integer")),
        }
    }

    pub(crate) fn fixed64(&self) -> Result<[u8; 8]> {
        match self.value {
            Wire::Fixed64(value) => Ok(value),
            _ => Err(self.error("64-bit number")),
        }
    }

    pub(crate) fn bytes(&self) -> Result<Reader<'a>> {
        match self.value {
            Wire::Bytes(reader) => Ok(reader),
            _ => Err(self.error("text, bytes or message")),
        }
    }

    pub(crate) fn text(&self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?.rest).map_err(|_| self.error("UTF-8 text"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many fields there are.
    fn count(bytes: &[u8]) -> Result<usize> {
        let (mut reader, mut count) = (Reader::new(bytes, 0), 0);
        while reader.field()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    #[test]
    fn a_message_ends_only_where_a_field_does() {
        let mut message = Vec::new();
        integer(1, 300, &mut message);
        bytes(2, &[0; 130], &mut message);
        message.extend([3 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0, 4 << 3 | 5, 0, 0, 0, 0]);
        integer(1, u64::MAX, &mut message);
        assert_eq!(count(&message), Ok(5));
        assert_eq!((0..=message.len()).filter(|&length| count(&message[..length]).is_ok()).count(), 6);
    }

    #[test]
    fn nonsense_is_refused() {
        for message in [
            &[0xff; 11][..],
            &[0x0b],
            &[0x00],
            &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
        ] {
            assert!(count(message).is_err(), "{message:?}");
        }
    }
}
