//! Lists of words that are known beforehand, found by hash.

/// At most 255 words; `SLOTS` is a power of two, and several times as many.
#[derive(Debug)]
pub(crate) struct Words<const N: usize, const SLOTS: usize> {
    words: [&'static str; N],
    /// Positions and one more; 0 where there is none.
    index: [u8; SLOTS],
}

impl<const N: usize, const SLOTS: usize> Words<N, SLOTS> {
    pub(crate) const fn new(words: [&'static str; N]) -> Words<N, SLOTS> {
        let mut index = [0; SLOTS];
        let mut position = 0;
        while position < N {
            let mut slot = hash(words[position].as_bytes());
            while index[slot % SLOTS] != 0 {
                slot += 1;
            }
            position += 1;
            index[slot % SLOTS] = position as u8;
        }
        Words { words, index }
    }

    #[inline]
    pub(crate) fn position(&self, text: &str) -> Option<usize> {
        let mut slot = hash(text.as_bytes());
        loop {
            let position = usize::from(self.index[slot % SLOTS]).checked_sub(1)?;
            if *self.words.get(position)? == text {
                return Some(position);
            }
            slot += 1;
        }
    }

    pub(crate) fn get(&self, position: usize) -> Option<&'static str> {
        self.words.get(position).copied()
    }

    #[cfg(test)]
    pub(crate) fn all(&self) -> &[&'static str] {
        &self.words
    }
}

#[inline(always)]
const fn hash(text: &[u8]) -> usize {
    let length = text.len();
    if length < 3 {
        return length;
    }
    let (begin, middle) = (text[0] as usize, text[length / 2] as usize);
    let (third, last) = (text[length - 3] as usize, text[length - 1] as usize);
    length * 3 + begin * 13 + middle * 31 + third * 7 + last * 131
}
