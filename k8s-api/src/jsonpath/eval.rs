//! From steps and an object to results.

use std::cmp::Ordering;

use super::JsonPathError;
use super::found::{Found, Shape};
use super::parse::{Comparison, Condition, Op, Part, Slice, Step};

type Result<T> = std::result::Result<T, JsonPathError>;

/// More values than this are not looked at: `..` twice or nested ranges would make memory of any size out of one object.
const MOST: usize = 1_000_000;

pub(super) fn template<'a>(
    text: &'a str,
    parts: &'a [Part],
    object: Found<'a>,
) -> Result<Vec<Vec<Found<'a>>>> {
    let mut out = Vec::new();
    Eval { text, seen: 0 }.parts(parts, &object, &mut out)?;
    Ok(out)
}

struct Eval<'a> {
    text: &'a str,
    seen: usize,
}

impl<'a> Eval<'a> {
    fn error(&self, at: usize, message: impl Into<String>) -> JsonPathError {
        JsonPathError::new(self.text, at, message)
    }

    fn parts(&mut self, parts: &'a [Part], current: &Found<'a>, out: &mut Vec<Vec<Found<'a>>>) -> Result<()> {
        for part in parts {
            match part {
                Part::Text(text) => out.push(vec![Found::text_of(text)]),
                Part::Expression(ops) => out.push(self.ops(ops, vec![current.clone()])?),
                Part::Range(over, body) => {
                    for found in self.ops(over, vec![current.clone()])? {
                        self.parts(body, &found, out)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn ops(&mut self, ops: &'a [Op], mut values: Vec<Found<'a>>) -> Result<Vec<Found<'a>>> {
        for op in ops {
            values = self.op(op, values)?;
        }
        Ok(values)
    }

    /// Counts what was looked at.
    fn count(&mut self, at: usize, more: usize) -> Result<()> {
        self.seen += more + 1;
        if self.seen > MOST {
            return Err(self.error(at, format!("finds more than {MOST} values")));
        }
        Ok(())
    }

    fn op(&mut self, op: &'a Op, input: Vec<Found<'a>>) -> Result<Vec<Found<'a>>> {
        self.count(op.at, input.len())?;
        let same = |found: Found<'a>| vec![found; input.len()];
        Ok(match &op.step {
            Step::Text(text) => vec![Found::text_of(text)],
            Step::Int(value) => same(Found::int(*value)),
            Step::Float(value) => same(Found::float(*value)),
            Step::Bool(value) => same(Found::bool(*value)),
            Step::Field(name) => input.iter().filter_map(|value| value.field(name)).collect(),
            Step::Every => input.iter().flat_map(Found::children).collect(),
            Step::Descend => {
                let mut out = Vec::new();
                for value in input {
                    self.descend(op.at, value, &mut out)?;
                }
                out
            }
            Step::Union(parts) => {
                let mut out = Vec::new();
                for part in parts {
                    out.extend(self.ops(part, input.clone())?);
                }
                out
            }
            Step::Slice(slice) => {
                let mut out = Vec::new();
                for value in input.iter().filter(|value| !value.is_null()) {
                    let elements = value.elements().ok_or_else(|| {
                        self.error(op.at, format!("{value:?} has no elements; only a list has"))
                    })?;
                    out.extend(self.slice(op.at, *slice, elements)?);
                }
                out
            }
            Step::Filter(condition) => {
                let mut out = Vec::new();
                for value in &input {
                    let elements = value.elements().ok_or_else(|| {
                        self.error(op.at, format!("{value:?} can't be filtered; only a list can"))
                    })?;
                    for element in elements {
                        if self.holds(op.at, condition, &element)? {
                            out.push(element);
                        }
                    }
                }
                out
            }
        })
    }

    /// A value and all below it that has something inside.
    fn descend(&mut self, at: usize, value: Found<'a>, out: &mut Vec<Found<'a>>) -> Result<()> {
        let children = value.children();
        self.count(at, children.len())?;
        if !children.is_empty() || matches!(value.shape(), Shape::Text(text) if !text.is_empty()) {
            out.push(value);
        }
        children.into_iter().try_for_each(|child| self.descend(at, child, out))
    }

    fn slice(&self, at: usize, slice: Slice, elements: Vec<Found<'a>>) -> Result<Vec<Found<'a>>> {
        let length = i64::try_from(elements.len()).unwrap_or(i64::MAX);
        let from_end = |index: i64| if index < 0 { index.saturating_add(length) } else { index };
        let from = from_end(slice.from.unwrap_or_default());
        let to = match slice.to {
            Some(to) => from_end(to),
            None if slice.single => from.saturating_add(1),
            None => length,
        };
        if from == to {
            return Ok(Vec::new());
        }
        let outside = |index: i64| self.error(at, format!("{index} is outside of a list of {length}"));
        if !(0..length).contains(&from) {
            return Err(outside(slice.from.unwrap_or_default()));
        }
        if !(0..=length).contains(&to) {
            return Err(outside(slice.to.unwrap_or_default()));
        }
        if from > to {
            return Err(self.error(at, format!("the slice begins at {from}, behind its end at {to}")));
        }
        let (from, count) =
            (usize::try_from(from).unwrap_or_default(), usize::try_from(to - from).unwrap_or_default());
        Ok(elements.into_iter().skip(from).take(count).step_by(slice.by.unwrap_or(1)).collect())
    }

    fn holds(&mut self, at: usize, condition: &'a Condition, element: &Found<'a>) -> Result<bool> {
        match condition {
            // What can't be reached is not there.
            Condition::Exists(ops) => {
                self.count(at, 0)?;
                Ok(self.ops(ops, vec![element.clone()]).is_ok_and(|found| !found.is_empty()))
            }
            Condition::All(all) => {
                all.iter().try_fold(true, |holds, one| Ok(holds && self.holds(at, one, element)?))
            }
            Condition::Any(any) => {
                any.iter().try_fold(false, |holds, one| Ok(holds || self.holds(at, one, element)?))
            }
            Condition::Compare(left, comparison, right) => {
                let Some(left) = self.one(at, left, element)? else { return Ok(false) };
                let Some(right) = self.one(at, right, element)? else { return Ok(false) };
                let error =
                    || self.error(at, format!("{left:?} and {right:?} can't be compared in this way"));
                compare(&left.shape(), *comparison, &right.shape()).ok_or_else(error)
            }
        }
    }

    /// One side of a comparison.
    fn one(&mut self, at: usize, ops: &'a [Op], element: &Found<'a>) -> Result<Option<Found<'a>>> {
        let mut found = self.ops(ops, vec![element.clone()])?;
        if found.len() > 1 {
            return Err(self.error(at, "one value is compared with one value, not with several"));
        }
        Ok(found.pop())
    }
}

/// `None` for what has no such order.
fn compare(left: &Shape<'_>, comparison: Comparison, right: &Shape<'_>) -> Option<bool> {
    let order = match (left, right) {
        (Shape::Bool(left), Shape::Bool(right)) => match comparison {
            Comparison::Equal => return Some(left == right),
            Comparison::NotEqual => return Some(left != right),
            _ => return None,
        },
        (Shape::Int(left), Shape::Int(right)) => Some(left.cmp(right)),
        (Shape::Float(left), Shape::Float(right)) => left.partial_cmp(right),
        (Shape::Text(left), Shape::Text(right)) => Some(left.cmp(right)),
        _ => return None,
    };
    Some(match comparison {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::NotEqual => order != Some(Ordering::Equal),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::LessOrEqual => order.is_some_and(Ordering::is_le),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
    })
}
