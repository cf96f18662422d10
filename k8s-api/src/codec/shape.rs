//! What documents looked like so far, to guess what comes next.

use crate::table::Table;

const PLACES: usize = 1024;

/// Remembers which field followed which, and how long each list and map was. Objects of one kind are alike, so that
/// most guesses are right; a wrong one costs a look into the table, or a list that is given back its room.
///
/// A place is shared by whatever has the same hash: there is nothing to look up and nothing to grow.
#[derive(Debug)]
pub(crate) struct Shape {
    /// The position of the field that came next, and one more; 0 if none did.
    next: [u8; PLACES],
    /// How many elements.
    lengths: [u8; PLACES],
}

/// One type, as a number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TypeMark(usize);

/// Stands for one field of one type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(usize);

impl TypeMark {
    #[inline(always)]
    pub(crate) fn of(table: &'static Table) -> TypeMark {
        // Where a table lies is a number of its own, of which the lowest bits say nothing.
        TypeMark((std::ptr::from_ref(table).addr() >> 3).wrapping_mul(0x9E37_79B1) >> 7)
    }

    /// The field at a position; the first one is the start of the object.
    #[inline(always)]
    pub(crate) fn place(self, position: usize) -> Place {
        Place((self.0 ^ position.wrapping_mul(0x55)) % PLACES)
    }
}

impl Shape {
    pub(crate) fn new() -> Shape {
        Shape { next: [0; PLACES], lengths: [0; PLACES] }
    }

    /// What followed the last time.
    #[inline(always)]
    pub(crate) fn next(&self, place: Place) -> Option<usize> {
        usize::from(*self.next.get(place.0)?).checked_sub(1)
    }

    pub(crate) fn set_next(&mut self, place: Place, position: usize) {
        if let (Some(next), Ok(position)) = (self.next.get_mut(place.0), u8::try_from(position + 1)) {
            *next = position;
        }
    }

    /// How many there were the last time; 0 if there is nothing to go by.
    #[inline(always)]
    pub(crate) fn length(&self, place: Place) -> usize {
        self.lengths.get(place.0).copied().unwrap_or_default().into()
    }

    #[inline(always)]
    pub(crate) fn set_length(&mut self, place: Place, length: usize) {
        if let Some(known) = self.lengths.get_mut(place.0) {
            // A length beyond a byte is no guess at all: growing step by step costs little there.
            *known = u8::try_from(length).unwrap_or_default();
        }
    }
}
