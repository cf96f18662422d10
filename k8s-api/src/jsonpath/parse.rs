//! From text to steps.

use super::JsonPathError;
use crate::codec::MAX_DEPTH;

type Result<T> = std::result::Result<T, JsonPathError>;

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Text(String),
    Expression(Vec<Op>),
    Range(Vec<Op>, Vec<Part>),
}

/// One step, and the byte where it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Op {
    pub(super) at: usize,
    pub(super) step: Step,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Field(String),
    Slice(Slice),
    Every,
    Descend,
    Union(Vec<Vec<Op>>),
    Filter(Condition),
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
}

/// `[from:to:by]`; of `[from]`, `single` is set.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Slice {
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
    pub(super) by: Option<usize>,
    pub(super) single: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Exists(Vec<Op>),
    Compare(Vec<Op>, Comparison, Vec<Op>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Parses a whole template.
pub(super) fn template(text: &str) -> Result<Vec<Part>> {
    let mut parser = Parser { text, at: 0, end: text.len() };
    // The ranges that are open, with what stood before them.
    let mut open: Vec<(usize, Vec<Part>, Vec<Op>)> = Vec::new();
    let mut parts = Vec::new();
    loop {
        let rest = parser.rest();
        let plain = rest.find('{').unwrap_or(rest.len());
        if plain > 0 {
            parts.push(Part::Text(rest.get(..plain).unwrap_or_default().to_owned()));
        }
        parser.at += plain;
        let begins = parser.at;
        if !parser.take("{") {
            break;
        }
        match parser.word() {
            Some("range") => {
                if open.len() == MAX_DEPTH {
                    return Err(parser.error_at(begins, "ranges are nested too deep"));
                }
                let over = parser.ops(true)?;
                open.push((begins, std::mem::take(&mut parts), over));
            }
            Some("end") => {
                if !parser.ops(true)?.is_empty() {
                    return Err(parser.error_at(begins, "`end` stands alone in its braces"));
                }
                let Some((_, before, over)) = open.pop() else {
                    return Err(parser.error_at(begins, "`end` without a `range` before it"));
                };
                let body = std::mem::replace(&mut parts, before);
                parts.push(Part::Range(over, body));
            }
            _ => {
                parser.at = begins + 1;
                parts.push(Part::Expression(parser.ops(true)?));
            }
        }
    }
    match open.pop() {
        Some((at, ..)) => Err(parser.error_at(at, "a `range` without `{end}`")),
        None => Ok(parts),
    }
}

/// Goes over a text up to `end`.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

/// What ends a name.
fn ends_name(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

impl<'a> Parser<'a> {
    fn error_at(&self, at: usize, message: impl Into<String>) -> JsonPathError {
        JsonPathError::new(self.text, at, message)
    }

    fn error(&self, message: impl Into<String>) -> JsonPathError {
        self.error_at(self.at, message)
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..self.end).unwrap_or_default()
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    /// A part of the same text.
    fn part(&self, from: usize, to: usize) -> Parser<'a> {
        Parser { text: self.text, at: from, end: to }
    }

    /// Takes a word and the spaces before it.
    fn word(&mut self) -> Option<&'a str> {
        self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
        let rest = self.rest();
        let word = rest.get(..rest.find(ends_name).unwrap_or(rest.len()))?;
        self.at += word.len();
        Some(word)
    }

    /// The steps up to the closing brace, or to the end where there is none.
    fn ops(&mut self, braces: bool) -> Result<Vec<Op>> {
        let mut ops = Vec::new();
        loop {
            let at = self.at;
            let mut push = |step| ops.push(Op { at, step });
            if braces && self.take("}") {
                return Ok(ops);
            } else if self.take("[?(") {
                push(Step::Filter(self.filter(at)?));
            } else if self.take("..") {
                if matches!(ops.last(), Some(Op { step: Step::Descend, .. })) {
                    return Err(self.error_at(at, "`..` twice is everything once"));
                }
                ops.push(Op { at, step: Step::Descend });
                if self.rest().starts_with(|c: char| c.is_alphanumeric() || c == '_') {
                    let at = self.at;
                    ops.push(Op { at, step: self.field() });
                }
            } else if self.take("[") {
                let rest = self.rest();
                let close = rest
                    .find(['\n', ']'])
                    .filter(|&at| rest.get(at..).is_some_and(|rest| rest.starts_with(']')));
                let Some(close) = close else {
                    return Err(self.error_at(at, "the `[` is never closed"));
                };
                let end = self.at + close;
                self.part(self.at, end).brackets(&mut ops)?;
                self.at = end + 1;
            } else {
                match self.rest().chars().next() {
                    None if braces => return Err(self.error("the `{` is never closed")),
                    None => return Ok(ops),
                    Some(' ' | '$' | '@') => self.at += 1,
                    Some('.') => {
                        self.at += 1;
                        push(self.field());
                    }
                    Some(quote @ ('"' | '\'')) => push(Step::Text(self.quoted(quote)?)),
                    Some('+' | '-' | '0'..='9') => push(self.number()?),
                    Some(c) if c.is_alphanumeric() || c == '_' => match self.word() {
                        Some("true") => push(Step::Bool(true)),
                        Some("false") => push(Step::Bool(false)),
                        word => {
                            let word = word.unwrap_or_default();
                            return Err(self.error_at(
                                at,
                                format!("`{word}` is no word here: a field is written `.{word}`"),
                            ));
                        }
                    },
                    Some(c) => return Err(self.error(format!("`{}` has no meaning here", c.escape_debug()))),
                }
            }
        }
    }

    /// A name up to what ends it; a backslash takes the next character's meaning away.
    fn field(&mut self) -> Step {
        let (mut name, mut escaped) = (String::new(), false);
        for c in self.rest().chars() {
            if !escaped && ends_name(c) {
                break;
            }
            self.at += c.len_utf8();
            escaped = !escaped && c == '\\';
            if c != '\\' {
                name.push(c);
            }
        }
        if name == "*" { Step::Every } else { Step::Field(name) }
    }

    fn number(&mut self) -> Result<Step> {
        let rest = self.rest();
        let sign = usize::from(rest.starts_with(['+', '-']));
        let digits = rest.get(sign..).unwrap_or_default();
        let length = sign + digits.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(digits.len());
        let number = rest.get(..length).unwrap_or_default();
        let step = number.parse().map(Step::Int).or_else(|_| number.parse().map(Step::Float));
        let step = step.map_err(|_| self.error(format!("`{number}` is no number")))?;
        self.at += length;
        Ok(step)
    }

    /// A text with Go's escapes.
    fn quoted(&mut self, quote: char) -> Result<String> {
        let begins = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let mut chars = self.rest().chars();
            let wrong = |parser: &Parser<'_>| Err(parser.error("a `\\` that begins no escape"));
            match chars.next() {
                Some(c) if c == quote => {
                    self.at += 1;
                    return Ok(out);
                }
                None | Some('\n') => return Err(self.error_at(begins, "the quote is never closed")),
                Some('\\') => {
                    let escape = chars.next().unwrap_or_default();
                    let digits = match escape {
                        'x' => 2,
                        'u' => 4,
                        'U' => 8,
                        _ => 0,
                    };
                    let hex = chars
                        .as_str()
                        .get(..digits)
                        .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
                    let c = match escape {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        'a' => '\u{7}',
                        'b' => '\u{8}',
                        'f' => '\u{c}',
                        'v' => '\u{b}',
                        '\\' => '\\',
                        c if c == quote => c,
                        'x' | 'u' | 'U' => {
                            let code = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok());
                            // `\x80` and more are bytes in Go, which no text is made of here.
                            match code.filter(|&code| escape != 'x' || code < 0x80).and_then(char::from_u32) {
                                Some(c) => c,
                                None => return wrong(self),
                            }
                        }
                        _ => return wrong(self),
                    };
                    out.push(c);
                    self.at += 2 + digits;
                }
                Some(c) => {
                    out.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    /// What stands in `[...]`, all of this parser's text.
    fn brackets(&mut self, ops: &mut Vec<Op>) -> Result<()> {
        let text = self.rest();
        let at = self.at;
        if text.contains(',') {
            let mut union = Vec::new();
            for piece in text.split(',') {
                let spaces = piece.len() - piece.trim_start_matches(' ').len();
                let from = self.at + spaces;
                let mut one = Vec::new();
                self.part(from, from + piece.trim_matches(' ').len()).brackets(&mut one)?;
                union.push(one);
                self.at += piece.len() + 1;
            }
            ops.push(Op { at, step: Step::Union(union) });
        } else if let Some(name) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
            if name.contains('\'') {
                return Err(self.error("a quote within quotes"));
            }
            // Dots part fields here too, as in Go.
            let mut inner = self.part(at + 1, at + 1 + name.len());
            ops.push(Op { at: at + 1, step: inner.field() });
            ops.extend(inner.ops(false)?);
        } else {
            ops.push(Op { at, step: Step::Slice(self.slice()?) });
        }
        Ok(())
    }

    fn slice(&self) -> Result<Slice> {
        let text = self.rest();
        if text == "*" {
            return Ok(Slice::default());
        }
        let wrong = || {
            let message = format!(
                "`[{text}]` is none of `[0]`, `[-1]`, `[1:3]`, `[::2]`, `[*]`, `['name']`, `[?(@.name)]`"
            );
            self.error(message)
        };
        let mut parts = text.split(':').map(|part| match part {
            "" => Ok(None),
            part if part.starts_with('+') => Err(wrong()),
            part => part.parse::<i64>().map(Some).map_err(|_| wrong()),
        });
        let from = parts.next().transpose()?.flatten();
        let to = parts.next().transpose()?;
        let by = parts.next().transpose()?.flatten();
        if parts.next().is_some() || to.is_none() && from.is_none() {
            return Err(wrong());
        }
        let by = match by.map(usize::try_from) {
            Some(Ok(by)) if by > 0 => Some(by),
            None => None,
            _ => return Err(self.error("the step of a slice is 1 or more")),
        };
        Ok(Slice { from, to: to.flatten(), by, single: to.is_none() })
    }

    /// A condition, and its `)]`.
    fn filter(&mut self, begins: usize) -> Result<Condition> {
        let close = self.find(|rest| rest.starts_with([')', '\n']));
        let Some(close) = close.filter(|&at| self.text.get(at..).is_some_and(|rest| rest.starts_with(')')))
        else {
            return Err(self.error_at(begins, "the filter is never closed by `)]`"));
        };
        let condition = self.part(self.at, close).any()?;
        self.at = close + 1;
        if !self.take("]") {
            return Err(self.error("a filter ends with `)]`, and can't have another one inside"));
        }
        Ok(condition)
    }

    /// Where something stands outside of quotes.
    fn find(&self, wanted: impl Fn(&str) -> bool) -> Option<usize> {
        let (mut quote, mut escaped) = (None, false);
        for (at, c) in self.rest().char_indices() {
            match quote {
                Some(_) if escaped => escaped = false,
                Some(_) if c == '\\' => escaped = true,
                Some(open) if c == open => quote = None,
                Some(_) => {}
                None if wanted(self.rest().get(at..).unwrap_or_default()) => return Some(self.at + at),
                None if matches!(c, '"' | '\'') => quote = Some(c),
                None => {}
            }
        }
        None
    }

    fn any(&mut self) -> Result<Condition> {
        self.joined("||", Condition::Any, |part| part.joined("&&", Condition::All, |part| part.condition()))
    }

    fn joined(
        &mut self,
        by: &str,
        join: impl Fn(Vec<Condition>) -> Condition,
        one: impl Fn(&mut Parser<'a>) -> Result<Condition>,
    ) -> Result<Condition> {
        let mut all = Vec::new();
        while let Some(at) = self.find(|rest| rest.starts_with(by)) {
            all.push(one(&mut self.part(self.at, at))?);
            self.at = at + by.len();
        }
        let last = one(self)?;
        if all.is_empty() {
            return Ok(last);
        }
        all.push(last);
        Ok(join(all))
    }

    fn condition(&mut self) -> Result<Condition> {
        let is_operator = |c: char| matches!(c, '!' | '<' | '>' | '=');
        let Some(at) = self.find(|rest| rest.starts_with(is_operator)) else {
            return Ok(Condition::Exists(self.side(self.end)?));
        };
        let left = self.side(at)?;
        self.at = at;
        let rest = self.rest();
        let operator = rest.get(..rest.find(|c| !is_operator(c)).unwrap_or(rest.len())).unwrap_or_default();
        let comparison = match operator {
            "==" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::LessOrEqual,
            ">" => Comparison::Greater,
            ">=" => Comparison::GreaterOrEqual,
            _ => return Err(self.error(format!("`{operator}` is none of ==, !=, <, <=, > and >="))),
        };
        self.at += operator.len();
        Ok(Condition::Compare(left, comparison, self.side(self.end)?))
    }

    fn side(&self, end: usize) -> Result<Vec<Op>> {
        let mut side = self.part(self.at, end);
        if side.rest().trim_matches(' ').is_empty() {
            return Err(self.error("nothing to compare; the element itself is `@`"));
        }
        side.ops(false)
    }
}
