//! The little of protobuf's wire format that the messages of leaves need.

use super::LeafError;

/// The value of a field.
pub(crate) enum Field<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed,
}

/// Hands over every field of a message with its number. What the caller does not know it ignores, as Go does.
pub(crate) fn read<'a>(
    mut bytes: &'a [u8],
    mut each: impl FnMut(u64, Field<'a>) -> Result<(), LeafError>,
) -> Result<(), LeafError> {
    while !bytes.is_empty() {
        let (tag, value) =
            next(&mut bytes).ok_or_else(|| LeafError::new("expected a whole protobuf message"))?;
        each(tag, value)?;
    }
    Ok(())
}

fn next<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let tag = varint(bytes)?;
    let value = match tag & 7 {
        0 => Field::Varint(varint(bytes)?),
        1 => bytes.split_off(..8).map(|_| Field::Fixed)?,
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            Field::Bytes(bytes.split_off(..length)?)
        }
        5 => bytes.split_off(..4).map(|_| Field::Fixed)?,
        _ => return None,
    };
    Some((tag >> 3, value))
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

pub(crate) fn write_varint(out: &mut Vec<u8>, number: u8, value: u64) {
    out.push(number << 3);
    push_varint(out, value);
}

pub(crate) fn write_bytes(out: &mut Vec<u8>, number: u8, value: &[u8]) {
    out.push(number << 3 | 2);
    push_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(bytes: &[u8]) -> Result<u64, LeafError> {
        let mut sum = 0;
        read(bytes, |number, value| {
            sum += number
                * match value {
                    Field::Varint(value) => value,
                    Field::Bytes(bytes) => bytes.len() as u64,
                    Field::Fixed => 1,
                };
            Ok(())
        })?;
        Ok(sum)
    }

    #[test]
    fn every_field_is_handed_over() {
        let mut bytes = Vec::new();
        write_varint(&mut bytes, 1, 300);
        write_bytes(&mut bytes, 2, &[0; 130]);
        bytes.extend([3 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0, 4 << 3 | 5, 0, 0, 0, 0]);
        write_varint(&mut bytes, 1, u64::MAX >> 1);
        assert_eq!(sum(&bytes), Ok(300 + 260 + 3 + 4 + (u64::MAX >> 1)));
        let whole = (0..bytes.len()).filter(|length| sum(&bytes[..*length]).is_ok()).count();
        assert_eq!(whole, 5, "only where a field ends, and empty");
    }

    #[test]
    fn nonsense_is_refused() {
        for bytes in
            [&[0xff; 11][..], &[0x0b], &[0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]]
        {
            assert!(sum(bytes).is_err(), "{bytes:?}");
        }
    }
}
