//! A list that is read while it arrives.

use super::decoder::AnyDecoder;
use super::error::DecodeError;
use super::json::{self, Lexer, kind};
use super::shape::Shape;
use crate::kind::Resource;
use crate::list;
use crate::meta::v1::ListMeta;
use crate::text::Str;
use crate::unknown::Unknown;
use crate::view::Message;

type Result<T, E = DecodeError> = std::result::Result<T, E>;

/// So much is waited for before it is looked at: an object at the end that is not whole costs some work for nothing, which many whole
/// ones share.
const ENOUGH: usize = 64 << 10;

/// How far before the end of what is there a token may begin that is cut off there.
const TOKEN: usize = 1 << 10;

/// Reads a list in JSON while it arrives: pieces of any size go in, and objects come out as soon as they are there. It holds a piece
/// and an object, and not the list.
///
/// It gives what [`Decoder::json_list`](super::Decoder::json_list) gives, but that an object that can't be read costs no more than itself. Two things
/// are left out: `items` that come twice are refused, and objects of a [kind that is only known at run time](crate::dynamic) that don't say
/// themselves what they are get it from the list only if it said so before them, as an API server does.
///
/// ```
/// use k8s_api::codec::{Decoder, ListReader, Step};
/// use k8s_api::core::v1::Pod;
///
/// let mut decoder = Decoder::<Pod>::new().erase();
/// let (mut reader, mut names) = (ListReader::new::<Pod>(), Vec::new());
/// for piece in [&br#"{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[{"meta"#[..], br#"data":{"name":"web"}}]}"#, b""] {
///     if piece.is_empty() {
///         reader.end();
///     } else {
///         reader.push(piece);
///     }
///     loop {
///         let mut pod = Pod::default();
///         match reader.next(&mut decoder, &mut pod)? {
///             Step::Item => names.push(pod.metadata.name),
///             Step::Bad(bad) => println!("left out: {}", bad.error),
///             Step::Wait | Step::Done => break,
///         }
///     }
/// }
/// assert_eq!(names, ["web"]);
/// assert_eq!(reader.metadata().resource_version, "7");
/// # Ok::<(), k8s_api::codec::error::DecodeError>(())
/// ```
#[derive(Debug)]
pub struct ListReader {
    /// What it has to be a list of; empty for a kind that is only known at run time.
    wanted: [&'static str; 2],
    /// What it says it is.
    said: [Str; 2],
    metadata: ListMeta,
    place: Place,
    /// Whether its `items` have come.
    listed: bool,
    /// How many objects have come.
    index: usize,
    /// What came and is needed; its first `at` bytes are no more.
    text: String,
    at: usize,
    /// How many bytes came before `text`.
    before: usize,
    /// The beginning of a character.
    cut: Vec<u8>,
    /// Where in the whole something stood that is no character.
    broken: Vec<usize>,
    /// So much has to be there before it is worth another look.
    enough: usize,
    looking: bool,
    ended: bool,
    /// How far an object was looked at that is not whole yet.
    scan: Option<Scan>,
    /// How long the last object was.
    typical: usize,
}

/// Where a reader is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Start,
    /// Before a field; the flag says that it is the first.
    Field(bool),
    /// Before an object of `items`, or their end.
    Item(bool),
    /// Behind all of it.
    End,
}

/// What a [`ListReader`] has.
#[derive(Debug)]
pub enum Step {
    /// The object was read.
    Item,
    /// An object can't be read; what was to be filled is half filled. The rest goes on.
    Bad(Box<BadItem>),
    /// The next piece is needed, or the word that there is none. What was to be filled may be half filled.
    Wait,
    /// That was the list.
    Done,
}

/// An object of a list that can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadItem {
    /// Why, and where in the list.
    pub error: DecodeError,
    /// What was sent.
    pub json: Vec<u8>,
}

/// What a list has besides its objects.
#[derive(Clone, Default, PartialEq)]
struct Head {
    metadata: ListMeta,
    __unknown: Unknown,
}
crate::table! { Head, "list", None;
    0 metadata: field("metadata", 1),
}

const METADATA: &str = "{\"metadata\":";

impl ListReader {
    /// A reader of a list of these.
    pub fn new<K: Resource>() -> ListReader {
        let wanted = if K::KIND.is_empty() { ["", ""] } else { [K::API_VERSION, K::LIST_KIND] };
        ListReader::any(wanted)
    }

    fn any(wanted: [&'static str; 2]) -> ListReader {
        ListReader {
            wanted,
            said: Default::default(),
            metadata: ListMeta::default(),
            place: Place::Start,
            listed: false,
            index: 0,
            text: String::new(),
            at: 0,
            before: 0,
            cut: Vec::new(),
            broken: Vec::new(),
            enough: ENOUGH,
            looking: false,
            ended: false,
            scan: None,
            typical: 0,
        }
    }

    /// Has a look at whatever is there, however little.
    pub fn eager(mut self) -> ListReader {
        self.enough = 0;
        self
    }

    /// Takes the next piece. Memory stays within a piece and an object if [`next`](Self::next) was asked until it waits.
    pub fn push(&mut self, piece: &[u8]) {
        self.text.drain(..self.at);
        self.before += self.at;
        self.at = 0;
        if self.cut.is_empty() {
            self.take(piece);
        } else {
            let mut joined = std::mem::take(&mut self.cut);
            joined.extend_from_slice(piece);
            self.take(&joined);
        }
        self.looking = self.text.len() >= self.enough;
    }

    /// Says that there is no more.
    pub fn end(&mut self) {
        if !self.cut.is_empty() {
            self.no_character();
        }
        self.cut.clear();
        (self.ended, self.looking) = (true, true);
    }

    fn take(&mut self, piece: &[u8]) {
        // Nearly always all of it is text, but for a character that is cut off. To look for chunks takes several times as long.
        let (text, rest) = match std::str::from_utf8(piece) {
            Ok(text) => (text, &[][..]),
            Err(error) => {
                let (text, rest) = piece.split_at_checked(error.valid_up_to()).unwrap_or((&[], piece));
                (std::str::from_utf8(text).unwrap_or_default(), rest)
            }
        };
        self.text.push_str(text);
        let mut left = rest.len();
        for chunk in rest.utf8_chunks() {
            self.text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            left -= chunk.valid().len() + invalid.len();
            match std::str::from_utf8(invalid) {
                Err(error) if left > 0 || error.error_len().is_some() => self.no_character(),
                Err(_) => self.cut = invalid.to_vec(),
                Ok(_) => {}
            }
        }
    }

    fn no_character(&mut self) {
        self.broken.push(self.before + self.text.len());
        self.text.push(char::REPLACEMENT_CHARACTER);
    }

    /// How many bytes it holds.
    pub fn held(&self) -> usize {
        self.text.capacity() + self.cut.capacity()
    }

    /// What the list says of itself: all of it when the reader is done, and what has come of it before.
    pub fn metadata(&self) -> &ListMeta {
        &self.metadata
    }

    /// The next object, read into `object`, which has to be a new one each time. An error is the end: what came is no list.
    pub fn next(&mut self, decoder: &mut AnyDecoder, object: &mut dyn Message) -> Result<Step> {
        while self.looking {
            let step = match self.place {
                Place::Start => self.start(),
                Place::Field(first) => self.field(first),
                Place::Item(first) => self.item(first, decoder, object),
                Place::End => self.rest(),
            };
            match step {
                Ok(None) => {}
                Ok(Some(step)) => return Ok(step),
                // Cut off here, it may go on well.
                Err(error) if !self.ended && error.offset() + TOKEN >= self.before + self.text.len() => {
                    self.looking = false;
                }
                Err(error) => {
                    self.looking = false;
                    return Err(error);
                }
            }
        }
        Ok(Step::Wait)
    }

    /// What is there of the text, inside of so many objects and lists.
    fn lexer(&self, depth: usize) -> Lexer<'_> {
        Lexer::within(self.text.get(self.at..).unwrap_or_default(), depth)
    }

    fn position(&self) -> usize {
        self.before + self.at
    }

    fn took(&mut self, bytes: usize, place: Place) -> Result<Option<Step>> {
        let (from, upto) = (self.position(), self.position() + bytes);
        if let Some(at) = self.broken.iter().find(|at| (from..upto).contains(at)) {
            return Err(DecodeError::new("the text is not UTF-8", *at));
        }
        self.at += bytes;
        self.place = place;
        Ok(None)
    }

    fn start(&mut self) -> Result<Option<Step>> {
        let position = self.position();
        let mut lexer = self.lexer(0);
        lexer.open(b'{').map_err(|error| error.after(position))?;
        let taken = lexer.taken();
        self.took(taken, Place::Field(true))
    }

    fn field(&mut self, mut first: bool) -> Result<Option<Step>> {
        let position = self.position();
        let mut lexer = self.lexer(1);
        let after = |error: DecodeError| error.after(position);
        if !lexer.more(&mut first, b'}').map_err(after)? {
            let taken = lexer.taken();
            return self.took(taken, Place::End);
        }
        let key = lexer.key().map_err(after)?;
        let in_field = |error: DecodeError| error.in_field(&key).after(position);
        if key == "items" {
            let null = lexer.null().map_err(in_field)?;
            if !null {
                lexer.open(b'[').map_err(in_field)?;
            }
            if self.listed {
                return Err(in_field(lexer.error("`items` come twice")));
            }
            let taken = lexer.taken();
            // What comes after `null` has to be there: otherwise the word may go on.
            if null {
                lexer.peek().map_err(in_field)?;
            }
            self.listed = true;
            return self.took(taken, if null { Place::Field(false) } else { Place::Item(true) });
        }
        let begins = lexer.taken();
        let said = ["apiVersion", "kind"].iter().position(|name| *name == key);
        let said = match said {
            Some(which) => {
                let text = if lexer.null().map_err(in_field)? {
                    Str::default()
                } else {
                    Str::from(&*lexer.string().map_err(in_field)?)
                };
                let wanted = self.wanted.get(which).copied().unwrap_or_default();
                if !text.is_empty() && !wanted.is_empty() && text != *wanted {
                    return Err(in_field(lexer.error(format!("expected {wanted}, not {text}"))));
                }
                Some((which, text))
            }
            None => {
                lexer.skip().map_err(in_field)?;
                None
            }
        };
        let taken = lexer.taken();
        // A number goes on as long as there are digits.
        lexer.peek().map_err(in_field)?;
        let metadata = (key == "metadata").then(|| {
            let value = self.text.get(self.at..).and_then(|text| text.get(begins..taken)).unwrap_or_default();
            [METADATA, value, "}"].concat()
        });
        if let Some(text) = metadata {
            let mut head = Head { metadata: std::mem::take(&mut self.metadata), ..Head::default() };
            json::read(&mut head, text.as_bytes(), &mut Shape::once(text.len()), None, None)
                .map_err(|error| error.after((position + begins).saturating_sub(METADATA.len())))?;
            self.metadata = head.metadata;
        }
        if let Some((which, text)) = said
            && let Some(said) = self.said.get_mut(which).filter(|said| said.is_empty())
        {
            *said = text;
        }
        self.took(taken, Place::Field(false))
    }

    fn item(
        &mut self,
        mut first: bool,
        decoder: &mut AnyDecoder,
        object: &mut dyn Message,
    ) -> Result<Option<Step>> {
        let position = self.position();
        let mut lexer = self.lexer(2);
        let (index, after) = (self.index, |error: DecodeError| error.in_field("items").after(position));
        if !lexer.more(&mut first, b']').map_err(after)? {
            let taken = lexer.taken();
            return self.took(taken, Place::Field(false));
        }
        let in_item = |error: DecodeError| error.in_element(index).in_field("items");
        let begins = lexer.peek().map_err(after)?;
        let start = lexer.taken();
        let rest = self.text.get(self.at + start..).unwrap_or_default();
        if begins != b'{' {
            lexer.skip().map_err(|error| in_item(error).after(position))?;
            let taken = lexer.taken();
            lexer.peek().map_err(after)?;
            self.took(taken, Place::Item(false))?;
            self.index += 1;
            if begins == b'n' {
                self.name(object);
                return Ok(Some(Step::Item));
            }
            let error = DecodeError::new(format!("expected `{{`, not {}", kind(begins)), position + start);
            return Ok(Some(self.bad(in_item(error), start, taken)));
        }
        // What can't be whole, or was not, is measured first: it is read once, however many pieces it comes in.
        let mut scan = self.scan.take();
        if scan.is_none() && rest.len() < self.typical && !self.ended {
            scan = Some(Scan::default());
        }
        let mut whole = None;
        if let Some(mut scan) = scan {
            match scan.end(rest.as_bytes()) {
                Some(end) => whole = Some(end),
                None if !self.ended => {
                    self.scan = Some(scan);
                    self.looking = false;
                    return Ok(None);
                }
                None => {}
            }
        }
        let mut lexer = Lexer::within(rest.get(..whole.unwrap_or(rest.len())).unwrap_or_default(), 2);
        let read = decoder.next_into(object, &mut lexer);
        let length = match &read {
            Ok(()) => lexer.taken(),
            Err(error) => {
                let mut scan = Scan::default();
                match whole.or_else(|| scan.end(rest.as_bytes())) {
                    Some(end) => end,
                    None if self.ended => return Err(in_item(error.clone()).after(position + start)),
                    None => {
                        self.scan = Some(scan);
                        self.looking = false;
                        return Ok(None);
                    }
                }
            }
        };
        self.typical = length;
        let end = start + length;
        let (from, upto) = (position + start, position + end);
        let broken = self.broken.iter().find(|at| (from..upto).contains(at)).copied();
        self.broken.retain(|at| *at >= upto);
        self.took(end, Place::Item(false))?;
        self.index += 1;
        if let Some(at) = broken {
            let error = DecodeError::new("the text is not UTF-8", at);
            return Ok(Some(self.bad(in_item(error), start, end)));
        }
        if let Err(error) = read {
            return Ok(Some(self.bad(in_item(error).after(position + start), start, end)));
        }
        self.name(object);
        Ok(Some(Step::Item))
    }

    /// An object that can't be read, and that ends where the reader is.
    fn bad(&self, error: DecodeError, start: usize, end: usize) -> Step {
        let text = self.text.get(self.at + start - end..self.at).unwrap_or_default();
        Step::Bad(Box::new(BadItem { error, json: text.as_bytes().to_vec() }))
    }

    fn name(&self, object: &mut dyn Message) {
        if object.table().at_run_time {
            let [api_version, kind] = &self.said;
            list::name_item(object, api_version, kind);
        }
    }

    fn rest(&mut self) -> Result<Option<Step>> {
        let position = self.position();
        if self.lexer(0).peek().is_ok() {
            return Err(DecodeError::new("there is more after the value", position));
        }
        self.at = self.text.len();
        self.looking = false;
        Ok(self.ended.then_some(Step::Done))
    }
}

/// Finds the end of an object that comes in pieces.
#[derive(Debug, Default)]
struct Scan {
    at: usize,
    depth: usize,
    string: bool,
}

impl Scan {
    /// Behind the end of the object that `bytes` begin with; they have grown since the last time.
    fn end(&mut self, bytes: &[u8]) -> Option<usize> {
        while let Some(byte) = bytes.get(self.at) {
            if self.string {
                match byte {
                    b'"' => self.string = false,
                    // What is escaped has to be there, too.
                    b'\\' if self.at + 1 == bytes.len() => return None,
                    b'\\' => self.at += 1,
                    _ => {}
                }
                self.at += 1;
                continue;
            }
            self.at += 1;
            // Brackets need no count: the outermost value is an object, and the decoder finds what is not nested well.
            match byte {
                b'"' => self.string = true,
                b'{' => self.depth += 1,
                b'}' => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(self.at);
                    }
                }
                _ => {}
            }
        }
        None
    }
}
