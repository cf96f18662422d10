//! What documents looked like so far, to guess what comes next.

use crate::table::Table;

/// A power of two.
const PLACES: usize = 2048;

/// Remembers which field followed which, and how long each list and map was. Objects of one kind are alike, so that
/// most guesses are right; a wrong one costs a look into the table, or a list that gives back its room.
///
/// Two places with the same hash share what is remembered: there is nothing to look up and nothing to grow.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The position of the field that came next, and one more; 0 if none did.
    next: [u8; PLACES],
    /// How many elements.
    lengths: [u8; PLACES],
}

/// The way from the whole to one field, as a hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(u64);

impl Place {
    pub(crate) fn root(table: &'static Table) -> Place {
        // Where it lies is a number of its own.
        Place(std::ptr::from_ref(table).addr() as u64)
    }

    /// The place after so many fields of a struct.
    #[inline(always)]
    pub(crate) fn after(self, fields: usize) -> Place {
        Place((self.0 + fields as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// An element. The first ones are often unlike each other, and the many of a long list alike.
    #[inline(always)]
    pub(crate) fn element(self, index: usize) -> Place {
        Place(self.0 ^ (index.min(3) as u64 + 1) << 32)
    }

    fn index(self) -> usize {
        (self.0 >> (u64::BITS - PLACES.ilog2())) as usize % PLACES
    }
}

impl Shape {
    pub(crate) fn new() -> Shape {
        Shape { next: [0; PLACES], lengths: [0; PLACES] }
    }

    /// The position of the field that came here the last time.
    #[inline(always)]
    pub(crate) fn next(&self, place: Place) -> Option<usize> {
        usize::from(self.next[place.index()]).checked_sub(1)
    }

    pub(crate) fn set_next(&mut self, place: Place, position: usize) {
        // A struct of hundreds of fields is not guessed at.
        self.next[place.index()] = u8::try_from(position + 1).unwrap_or_default();
    }

    /// How many there were the last time; 0 if there is nothing to go by.
    #[inline(always)]
    pub(crate) fn length(&self, place: Place) -> usize {
        self.lengths[place.index()].into()
    }

    #[inline(always)]
    pub(crate) fn set_length(&mut self, place: Place, length: usize) {
        // The room for hundreds is not taken on a guess: growing step by step costs little there.
        self.lengths[place.index()] = u8::try_from(length).unwrap_or_default();
    }
}
