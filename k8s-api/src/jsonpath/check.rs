//! What can be said before there is an object: whether a type has what is asked for.

use super::JsonPathError;
use super::parse::{Condition, Op, Part, Step};
use crate::view::{Message, Slot};

type Result = std::result::Result<(), JsonPathError>;

/// What is done with a place in the types.
type Then<'t> = &'t mut dyn FnMut(Slot<'_>) -> Result;

/// Follows every expression through the types, on a value that is thrown away.
pub(super) fn types(text: &str, parts: &[Part], message: &mut dyn Message) -> Result {
    Check { text }.parts(parts, Slot::Message(message))
}

/// Whether it is one expression that leads to named fields, and these hold single values.
pub(super) fn only_fields(text: &str, parts: &[Part], message: &mut dyn Message) -> Result {
    let [Part::Expression(ops)] = parts else {
        return Err(JsonPathError::new(
            text,
            0,
            "has to be one expression, without text around it and without `range`",
        ));
    };
    let refused = ops.iter().find_map(|op| match op.step {
        Step::Descend => Some((op.at, "`..` leads to whatever happens to be below: name the fields")),
        Step::Every => Some((op.at, "`.*` leads to whatever fields there are: name them")),
        Step::Text(_) | Step::Int(_) | Step::Float(_) | Step::Bool(_) => {
            Some((op.at, "a constant leads to no field"))
        }
        _ => None,
    });
    if let Some((at, message)) = refused {
        return Err(JsonPathError::new(text, at, message));
    }
    let at = ops.last().map_or(0, |op| op.at);
    Check { text }.ops(ops, Slot::Message(message), &mut |slot| match many(slot) {
        Some(many) => Err(JsonPathError::new(text, at, many)),
        None => Ok(()),
    })
}

/// Why a field has no single value that could be compared.
fn many(slot: Slot<'_>) -> Option<&'static str> {
    match slot {
        Slot::Option(option) => many(option.fill()),
        Slot::List(_) => Some("leads to a list: name one of its elements, or all with `[*]`"),
        Slot::Map(_) => Some("leads to a map: name one of its keys"),
        Slot::Message(message) if !message.table().union => {
            Some("leads to what has fields: name one of them")
        }
        _ => None,
    }
}

struct Check<'a> {
    text: &'a str,
}

impl Check<'_> {
    fn parts(&self, parts: &[Part], mut current: Slot<'_>) -> Result {
        parts.iter().try_for_each(|part| match part {
            Part::Text(_) => Ok(()),
            Part::Expression(ops) => self.ops(ops, current.reborrow(), &mut |_| Ok(())),
            Part::Range(over, body) => {
                self.ops(over, current.reborrow(), &mut |element| self.parts(body, element))
            }
        })
    }

    fn ops(&self, ops: &[Op], mut slot: Slot<'_>, then: Then<'_>) -> Result {
        let Some((op, rest)) = ops.split_first() else { return then(slot) };
        let error = |reason: String| JsonPathError::new(self.text, op.at, reason);
        while let Slot::Option(option) = slot {
            slot = option.fill();
        }
        // Anything may be inside of raw JSON.
        if matches!(slot, Slot::Raw(_)) {
            return Ok(());
        }
        match &op.step {
            Step::Text(_) | Step::Int(_) | Step::Float(_) | Step::Bool(_) | Step::Descend => Ok(()),
            Step::Field(name) => {
                let alone = matches!(&slot, Slot::Message(message) if message.table().kind.is_some());
                if alone && matches!(name.as_str(), "kind" | "apiVersion") {
                    return Ok(());
                }
                // What else an object of a kind that is not known has, nobody can say.
                let is_open = |message: &dyn Message| {
                    message.table().at_run_time && message.table().position(name).is_none()
                };
                if matches!(&slot, Slot::Message(message) if is_open(&**message)) {
                    return Ok(());
                }
                self.ops(rest, slot.inside(name).map_err(error)?, then)
            }
            Step::Slice(_) => self.ops(rest, slot.element().map_err(error)?, then),
            Step::Filter(condition) => {
                let mut element = slot.element().map_err(error)?;
                self.condition(condition, element.reborrow())?;
                self.ops(rest, element, then)
            }
            Step::Union(parts) => parts
                .iter()
                .try_for_each(|part| self.ops(part, slot.reborrow(), &mut |slot| self.ops(rest, slot, then))),
            Step::Every => match slot {
                Slot::Message(message) => {
                    // One field that fits is enough.
                    let mut last = Err(error("there is nothing inside".to_owned()));
                    for position in 0..message.table().len() {
                        if let (Err(_), Some(slot)) = (&last, message.field_mut(position)) {
                            last = self.ops(rest, slot, then);
                        }
                    }
                    last
                }
                Slot::Map(map) => self.ops(rest, map.entry("".into()), then),
                slot => self.ops(rest, slot.element().map_err(error)?, then),
            },
        }
    }

    fn condition(&self, condition: &Condition, mut element: Slot<'_>) -> Result {
        match condition {
            Condition::Exists(ops) => self.ops(ops, element, &mut |_| Ok(())),
            Condition::Compare(left, _, right) => {
                self.ops(left, element.reborrow(), &mut |_| Ok(()))?;
                self.ops(right, element, &mut |_| Ok(()))
            }
            Condition::All(all) | Condition::Any(all) => {
                all.iter().try_for_each(|one| self.condition(one, element.reborrow()))
            }
        }
    }
}
