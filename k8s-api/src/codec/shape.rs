//! What documents looked like so far, to guess what comes next.

/// For many objects, or one large one; pods have some 400 places.
const MANY: usize = 1 << 13;
const FEW: usize = 1 << 8;

/// What is large, in bytes.
const LARGE: usize = 1 << 15;

/// Remembers which field followed which, and how long each list and map was. Objects of one kind are alike, so that
/// most guesses are right; a wrong one costs a look into the table, or a list that gives back its room.
///
/// Two places with the same hash share what is remembered: there is nothing to look up and nothing to grow.
pub(crate) struct Shape(Box<[Guess]>);

#[derive(Clone, Copy, Default)]
struct Guess {
    /// The position of the field that came next, and one more; 0 if none did.
    next: u8,
    /// How many elements.
    length: u8,
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shape").finish_non_exhaustive()
    }
}

/// The way from the whole to one field, as a hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(u64);

impl Place {
    pub(crate) const ROOT: Place = Place(1);

    /// The place after so many fields of a struct.
    #[inline(always)]
    pub(crate) fn after(self, fields: usize) -> Place {
        Place(self.0.wrapping_add(fields as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// An element. The first ones are often unlike each other, and the many of a long list alike.
    #[inline(always)]
    pub(crate) fn element(self, index: usize) -> Place {
        Place(self.0 ^ (index.min(3) as u64 + 1) << 32)
    }
}

impl Shape {
    /// For many objects.
    pub(crate) fn new() -> Shape {
        Shape(vec![Guess::default(); MANY].into())
    }

    /// For one text of so many bytes.
    pub(crate) fn once(bytes: usize) -> Shape {
        if bytes < LARGE { Shape(vec![Guess::default(); FEW].into()) } else { Shape::new() }
    }

    /// Whether it was made for one small text, as of an object that was asked for by its name.
    pub(crate) fn is_small(&self) -> bool {
        self.0.len() == FEW
    }

    #[inline(always)]
    fn get(&self, place: Place) -> Guess {
        self.0.get((place.0 >> 40) as usize & (self.0.len() - 1)).copied().unwrap_or_default()
    }

    #[inline(always)]
    fn get_mut(&mut self, place: Place) -> Option<&mut Guess> {
        let places = self.0.len();
        self.0.get_mut((place.0 >> 40) as usize & (places - 1))
    }

    /// The position of the field that came here the last time.
    #[inline(always)]
    pub(crate) fn next(&self, place: Place) -> Option<usize> {
        usize::from(self.get(place).next).checked_sub(1)
    }

    pub(crate) fn set_next(&mut self, place: Place, position: usize) {
        if let Some(guess) = self.get_mut(place) {
            // A struct of hundreds of fields is not guessed at.
            guess.next = u8::try_from(position + 1).unwrap_or_default();
        }
    }

    /// How many there were the last time; 0 if there is nothing to go by.
    #[inline(always)]
    pub(crate) fn length(&self, place: Place) -> usize {
        self.get(place).length.into()
    }

    #[inline(always)]
    pub(crate) fn set_length(&mut self, place: Place, length: usize) {
        if let Some(guess) = self.get_mut(place) {
            // The room for hundreds is not taken on a guess: growing step by step costs little there.
            guess.length = u8::try_from(length).unwrap_or_default();
        }
    }
}
