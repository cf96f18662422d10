//! Lists: whole, in pages, and as the initial events of a watch.

use std::io;

use crate::format::Format;
use crate::http::Chunks;

/// All pods in one format.
pub(crate) struct Pods {
    pub(crate) format: Format,
    pub(crate) version: String,
    items: Vec<Vec<u8>>,
    /// How many are told: the first ones, or all and then some again under other names.
    told: usize,
}

impl Pods {
    pub(crate) fn new(format: Format, list: &[u8], told: Option<usize>) -> Self {
        let (version, items) = format.items(list);
        assert!(!items.is_empty(), "a list without pods");
        let told = told.unwrap_or(items.len());
        Self { format, version, items, told }
    }

    pub(crate) fn len(&self) -> usize {
        self.told
    }

    pub(crate) fn first(&self) -> &[u8] {
        &self.items[0]
    }

    /// Tells every item of a range. Copies are made on the way: a hundred thousand would take a gigabyte.
    fn each<E>(
        &self,
        range: std::ops::Range<usize>,
        mut tell: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        for at in range {
            let item = &self.items[at % self.items.len()];
            match at / self.items.len() {
                0 => tell(item)?,
                copy => tell(&self.format.copy(item, copy))?,
            }
        }
        Ok(())
    }

    /// A page, whose token is the number of its first item.
    pub(crate) fn page(&self, from: usize, limit: Option<usize>, out: &mut Chunks<'_>) -> io::Result<()> {
        let from = from.min(self.len());
        let end = limit.map_or(self.len(), |limit| from.saturating_add(limit).min(self.len()));
        let next = (end < self.len()).then_some((end, self.len() - end));
        // Protobuf says the length before, JSON does not.
        let mut length = 0;
        if self.format == Format::Protobuf {
            let mut one = Vec::new();
            let _: Result<(), ()> = self.each(from..end, |item| {
                one.clear();
                self.format.listed(item, false, &mut one);
                length += one.len();
                Ok(())
            });
        }
        out.write(&self.format.head(&self.version, next, length))?;
        let mut rendered = Vec::new();
        let mut first = true;
        self.each(from..end, |item| {
            rendered.clear();
            self.format.listed(item, first, &mut rendered);
            first = false;
            out.write(&rendered)
        })?;
        out.write(self.format.tail())?;
        out.end()
    }

    /// Every pod as an event, and the bookmark that says that these were all: a chunk each.
    pub(crate) fn initial_events(&self, out: &mut Chunks<'_>) -> io::Result<()> {
        self.each(0..self.len(), |item| {
            out.write(&self.format.event("ADDED", item))?;
            out.flush_chunk()
        })?;
        out.write(&self.format.bookmark(&self.version, true))?;
        out.flush_chunk()
    }
}
