//! Texts that many objects of one decoder share.

use std::hash::BuildHasher as _;

use rustc_hash::FxBuildHasher;

use crate::raw::{Form, RawJson};
use crate::text::Str;

/// What decides where a raw value is looked for that is not read yet.
const BEGINNING: usize = 48;

/// Remembers texts and raw values that come again, so that the next equal one shares their memory. It forgets whenever it likes, and
/// everything once it holds more than it may; what it forgets lives on in the objects.
pub(crate) struct Interner {
    texts: Cache<Str>,
    raw: Cache<RawJson>,
    /// Raw values by how they begin.
    begun: Vec<Begun>,
    held: usize,
    limit: usize,
    /// What it was made with.
    bytes: usize,
}

/// A raw value, its text, and how deep it lay.
#[derive(Clone, Default)]
struct Begun {
    text: String,
    raw: RawJson,
    depth: usize,
}

impl std::fmt::Debug for Interner {
    /// Nothing of what it holds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interner")
            .field("held", &self.held)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Interner {
    /// Holds no more than `limit` bytes, its own tables included.
    pub(crate) fn new(limit: usize) -> Interner {
        // A quarter is for the tables.
        let places = (limit / 8 / size_of::<(Str, u32)>()).clamp(1, 1 << 15);
        let begun = (limit / 8 / size_of::<Begun>()).clamp(1, 64);
        Interner {
            texts: Cache::new(places),
            raw: Cache::new(places.min(1 << 10)),
            begun: vec![Default::default(); 1 << begun.ilog2()],
            held: 0,
            limit: limit - limit / 4,
            bytes: limit,
        }
    }

    /// Another one that may hold as much.
    pub(crate) fn empty(&self) -> Interner {
        Interner::new(self.bytes)
    }

    /// The text, shared if it was there before.
    pub(crate) fn text(&mut self, text: &str) -> Str {
        if text.len() <= Str::INLINE || !self.admits(text) {
            return Str::read(text);
        }
        let (text, _) = self.texts.get(text.as_bytes(), || Str::read(text), &mut self.held);
        self.bound();
        text
    }

    /// A raw value, shared if it was there before; `depth` is how deep it lies.
    pub(crate) fn raw(&mut self, json: &str, depth: usize, room: &mut Vec<u8>) -> RawJson {
        let form = Form::of(json, room);
        if json.len() <= Str::INLINE || !self.admits(json) {
            return RawJson::from_form(&form);
        }
        let (raw, kept) = self.raw.get(form.bytes(), || RawJson::from_form(&form), &mut self.held);
        // Only what has an end of its own can be recognised by how a longer text begins.
        if kept
            && json.starts_with(['{', '['])
            && let Some(begun) = begun(&mut self.begun, json)
        {
            self.held -= begun.held();
            begun.text.clear();
            begun.text.push_str(json);
            begun.raw = raw.clone();
            begun.depth = depth;
            self.held += begun.held();
        }
        self.bound();
        raw
    }

    /// The raw value that `rest` begins with and its length, if it was there before, and no less deep: then it need not
    /// be looked at.
    pub(crate) fn ahead(&mut self, rest: &str, depth: usize) -> Option<(RawJson, usize)> {
        let begun = begun(&mut self.begun, rest)?;
        let same = depth <= begun.depth && !begun.text.is_empty() && rest.starts_with(&begun.text);
        same.then(|| (begun.raw.clone(), begun.text.len()))
    }

    /// A single text must not drive out all the others.
    fn admits(&self, text: &str) -> bool {
        text.len() <= self.limit / 8
    }

    fn bound(&mut self) {
        if self.held > self.limit {
            self.texts.clear();
            self.raw.clear();
            self.begun.fill(Default::default());
            self.held = 0;
        }
    }
}

impl Begun {
    /// The cache may forget the value before.
    fn held(&self) -> usize {
        self.text.capacity() + self.raw.bytes().len()
    }
}

fn begun<'a>(begun: &'a mut [Begun], text: &str) -> Option<&'a mut Begun> {
    let beginning = text.as_bytes().get(..BEGINNING)?;
    let places = begun.len();
    begun.get_mut(FxBuildHasher.hash_one(beginning) as usize & (places - 1))
}

/// Places by hash. A text is kept when it comes for the second time in a row at its place: of the many that come once, such
/// as names, only the hash is remembered, and they drive out nothing.
struct Cache<T>(Vec<(T, u32)>);

trait Shared: Clone + Default {
    /// Equal for equal texts only; none of the default, which is what an empty place has.
    fn bytes(&self) -> &[u8];
}

impl Shared for Str {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Shared for RawJson {
    fn bytes(&self) -> &[u8] {
        self.bytes()
    }
}

impl<T: Shared> Cache<T> {
    fn new(places: usize) -> Cache<T> {
        Cache(vec![Default::default(); 1 << places.ilog2()])
    }

    /// The value, and whether it is kept.
    fn get(&mut self, bytes: &[u8], new: impl FnOnce() -> T, held: &mut usize) -> (T, bool) {
        let (hash, places) = (FxBuildHasher.hash_one(bytes) as usize, self.0.len());
        let Some((kept, seen)) = self.0.get_mut(hash & (places - 1)) else { return (new(), false) };
        if kept.bytes() == bytes {
            return (kept.clone(), true);
        }
        let mark = (hash >> 24) as u32;
        if std::mem::replace(seen, mark) != mark {
            return (new(), false);
        }
        *held -= kept.bytes().len();
        *kept = new();
        *held += bytes.len();
        (kept.clone(), true)
    }

    fn clear(&mut self) {
        self.0.fill(Default::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_holds_more_than_it_may() {
        for limit in [0, 100, 5_000, 100_000] {
            let mut interner = Interner::new(limit);
            for number in (0..9_000).flat_map(|number| [number; 3]) {
                let text = format!("{{\"{}\": {}}}", "x".repeat(20 + number % 400), number);
                assert_eq!(interner.text(&text), text);
                assert_eq!(interner.raw(&text, 1, &mut Vec::new()).text(), text);
                let texts: usize = interner.texts.0.iter().map(|(text, _)| text.len()).sum();
                let raw: usize = interner.raw.0.iter().map(|(raw, _)| raw.bytes().len()).sum();
                let begun: usize = interner.begun.iter().map(Begun::held).sum();
                let tables =
                    interner.texts.0.len() * 24 + interner.raw.0.len() * 16 + interner.begun.len() * 40;
                assert_eq!(texts + raw + begun, interner.held);
                // Nothing is smaller than one place of each.
                assert!(texts + raw + begun + tables <= limit.max(88), "{limit} {number}");
            }
        }
    }

    #[test]
    fn a_text_that_comes_once_does_not_drive_out_one_that_comes_often() {
        let mut interner = Interner::new(1 << 16);
        let often = "a text that comes again and again";
        interner.text(often);
        interner.text(often);
        let place = interner.text(often).as_ptr();
        for number in 0..100_000 {
            interner.text(&format!("once: {number:020}"));
            assert!(interner.held <= interner.limit);
            assert_eq!(interner.text(often).as_ptr(), place, "after {number}");
        }
    }

    #[test]
    fn a_text_too_long_is_not_kept() {
        let mut interner = Interner::new(1000);
        for _ in 0..3 {
            interner.text(&"x".repeat(101));
        }
        assert_eq!(interner.held, 0);
    }

    #[test]
    fn shows_nothing_of_what_it_holds() {
        let mut interner = Interner::new(1 << 12);
        for _ in 0..3 {
            interner.text("a text that nobody should see");
        }
        assert!(!format!("{interner:?}").contains("nobody"));
    }
}
