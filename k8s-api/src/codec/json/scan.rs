//! Finding the end of a text, eight bytes at a time.

const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
const QUOTES: u64 = u64::from_ne_bytes([b'"'; 8]);
const ESCAPES: u64 = u64::from_ne_bytes([b'\\'; 8]);

/// Where a quote, a backslash or a control character comes next, from `at` on; the length of `bytes` if none does.
#[inline(always)]
pub(crate) fn special(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*chunk);
        // A byte's high bit is set where the byte is what is looked for. A borrow may set wrong ones, but only after a
        // right one, and the first is all that counts.
        let equal = |wanted: u64| (word ^ wanted).wrapping_sub(ONES) & !(word ^ wanted);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let found = (equal(QUOTES) | equal(ESCAPES) | control) & HIGH;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at) {
        if matches!(byte, b'"' | b'\\' | 0..0x20) {
            break;
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::special;

    #[test]
    fn every_byte_at_every_place_is_found_as_one_by_one() {
        for length in 0..20 {
            for place in 0..length {
                for byte in 0..=u8::MAX {
                    for (filler, later) in
                        [(b'a', b'"'), (0xff, 0), (0x80, 0x1f), (b'!', b'\\'), (b' ', b'#')]
                    {
                        let mut bytes = vec![filler; length];
                        bytes[place] = byte;
                        if let Some(last) = bytes.last_mut().filter(|_| place + 1 < length) {
                            *last = later;
                        }
                        let is = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
                        for start in 0..=length {
                            let wanted =
                                bytes[start..].iter().position(is).map_or(length, |found| start + found);
                            assert_eq!(special(&bytes, start), wanted, "{bytes:?} from {start}");
                        }
                    }
                }
            }
        }
    }
}
