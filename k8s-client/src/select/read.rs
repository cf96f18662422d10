//! Reads the text of a label selector.
//!
//! The grammar is that of the API server, with its corners: `in` and `notin` are operators only where one may stand, a missing value is
//! the empty one, and blanks count only as what parts words.

use super::labels::{Operator, Requirement};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Word(&'a str),
    /// One of `! = == != < > ( ) ,`.
    Symbol(&'a str),
    End,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

type Read<T> = Result<T, String>;

/// What has to be true of labels; why not, and where, for a person.
pub(super) fn labels(text: &str) -> Read<Vec<Requirement>> {
    let mut reader = Reader { text, at: 0 };
    let mut requirements = Vec::new();
    if reader.peek() == Token::End {
        return Ok(requirements);
    }
    loop {
        requirements.push(reader.requirement()?);
        match reader.peek() {
            Token::End => return Ok(requirements),
            Token::Symbol(",") => drop(reader.next()),
            _ => return Err(reader.expected("`,` or the end")),
        }
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_symbol(c: char) -> bool {
    matches!(c, '=' | '!' | '(' | ')' | ',' | '<' | '>')
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Token<'a> {
        Reader { ..*self }.next()
    }

    fn next(&mut self) -> Token<'a> {
        let rest = self.rest().trim_start_matches(is_blank);
        self.at = self.text.len() - rest.len();
        let length = match rest.chars().next() {
            None => return Token::End,
            Some(first) if is_symbol(first) => {
                if rest.starts_with("==") || rest.starts_with("!=") {
                    2
                } else {
                    1
                }
            }
            Some(_) => rest.find(|c| is_blank(c) || is_symbol(c)).unwrap_or(rest.len()),
        };
        let (token, _) = rest.split_at(length);
        self.at += length;
        if token.starts_with(is_symbol) { Token::Symbol(token) } else { Token::Word(token) }
    }

    fn expected(&self, what: &str) -> String {
        let mut ahead = Reader { ..*self };
        let (found, at) = match ahead.next() {
            Token::Word(found) | Token::Symbol(found) => (format!("`{found}`"), ahead.at - found.len()),
            Token::End => ("the end".to_owned(), self.text.len()),
        };
        format!("expected {what} at byte {at}, found {found}")
    }

    fn word(&mut self, what: &str) -> Read<&'a str> {
        let error = self.expected(what);
        match self.next() {
            Token::Word(word) => Ok(word),
            _ => Err(error),
        }
    }

    fn symbol(&mut self, wanted: &str) -> Read<()> {
        let error = self.expected(&format!("`{wanted}`"));
        if self.next() == Token::Symbol(wanted) { Ok(()) } else { Err(error) }
    }

    fn requirement(&mut self) -> Read<Requirement> {
        if self.peek() == Token::Symbol("!") {
            self.next();
            let key = self.word("the key of a label")?;
            return Requirement::new(key, Operator::DoesNotExist, Vec::new());
        }
        let key = self.word("the key of a label, or `!`")?;
        let error = self.expected("`,`, the end, or one of `=`, `==`, `!=`, `in`, `notin`, `<` and `>`");
        if matches!(self.peek(), Token::End | Token::Symbol(",")) {
            return Requirement::new(key, Operator::Exists, Vec::new());
        }
        let (operator, values) = match self.next() {
            Token::Symbol("=" | "==") => (Operator::Equals, vec![self.value()?]),
            Token::Symbol("!=") => (Operator::NotEquals, vec![self.value()?]),
            Token::Symbol(">") => (Operator::GreaterThan, vec![self.value()?]),
            Token::Symbol("<") => (Operator::LessThan, vec![self.value()?]),
            Token::Word("in") => (Operator::In, self.values()?),
            Token::Word("notin") => (Operator::NotIn, self.values()?),
            _ => return Err(error),
        };
        Requirement::new(key, operator, values)
    }

    fn value(&mut self) -> Read<&'a str> {
        match self.peek() {
            Token::End | Token::Symbol(",") => Ok(""),
            _ => self.word("a value"),
        }
    }

    /// A value stands between two commas, if only the empty one.
    fn values(&mut self) -> Read<Vec<&'a str>> {
        self.symbol("(")?;
        let mut values = Vec::new();
        loop {
            values.push(match self.peek() {
                Token::Symbol("," | ")") => "",
                _ => self.word("a value, `,` or `)`")?,
            });
            let error = self.expected("`,` or `)`");
            match self.next() {
                Token::Symbol(",") => {}
                Token::Symbol(")") => return Ok(values),
                _ => return Err(error),
            }
        }
    }
}
