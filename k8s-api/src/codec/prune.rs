//! Fields that are passed over while decoding.

use std::fmt;

use crate::text::Str;
use crate::view::{Message, Slot};

/// What of a value is passed over, as a tree: what is not in it is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Prune {
    /// Nothing of this is read.
    pub(crate) whole: bool,
    inside: Vec<(Step, Prune)>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(usize),
    Key(Str),
    Each,
}

impl Prune {
    fn get(&self, matches: impl Fn(&Step) -> bool) -> Option<&Prune> {
        self.inside.iter().find(|(step, _)| matches(step)).map(|(_, prune)| prune)
    }

    pub(crate) fn field(&self, position: usize) -> Option<&Prune> {
        self.get(|step| *step == Step::Field(position))
    }

    pub(crate) fn key(&self, key: &str) -> Option<&Prune> {
        self.get(|step| matches!(step, Step::Key(known) if known == key)).or_else(|| self.each())
    }

    pub(crate) fn each(&self) -> Option<&Prune> {
        self.get(|step| *step == Step::Each)
    }

    fn enter(&mut self, step: Step) -> &mut Prune {
        let known = self.inside.iter().position(|(known, _)| *known == step);
        let at = known.unwrap_or_else(|| {
            self.inside.push((step, Prune::default()));
            self.inside.len() - 1
        });
        &mut self.inside[at].1
    }

    /// The same for every object of a list, whose items are at this position.
    pub(crate) fn of_items(&self, position: usize) -> Prune {
        let mut list = Prune::default();
        *list.enter(Step::Field(position)).enter(Step::Each) = self.clone();
        list
    }

    /// Adds a path, following it through the types on a value that is thrown away.
    pub(crate) fn add(&mut self, path: &str, message: &mut dyn Message) -> Result<(), PathError> {
        self.follow(path, path, Slot::Message(message))
            .map_err(|problem| PathError(format!("`{path}`: {problem}")))
    }

    fn follow(&mut self, path: &str, rest: &str, slot: Slot<'_>) -> Result<(), String> {
        let slot = match slot {
            Slot::Option(option) => return self.follow(path, rest, option.fill()),
            slot => slot,
        };
        if rest.is_empty() && rest.len() < path.len() {
            self.whole = true;
            return Ok(());
        }
        match (slot, rest.strip_prefix('[')) {
            (Slot::Message(message), None) => {
                let rest = rest.strip_prefix('.').filter(|_| rest.len() < path.len()).unwrap_or(rest);
                let (name, rest) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
                let table = message.table();
                let known =
                    || format!("{} has no field `{name}`; it has {}", table.name, table.names.join(", "));
                let position = table.position(name).ok_or_else(known)?;
                let slot = message.field_mut(position).ok_or_else(known)?;
                self.enter(Step::Field(position)).follow(path, rest, slot)
            }
            (slot, Some(inside)) => {
                let (key, rest) = inside.split_once(']').ok_or("a `[` without its `]`")?;
                match slot {
                    Slot::Map(map) => {
                        let step = if key == "*" { Step::Each } else { Step::Key(key.into()) };
                        self.enter(step).follow(path, rest, map.entry(Str::new()))
                    }
                    Slot::List(list) if key == "*" => self.enter(Step::Each).follow(path, rest, list.push()),
                    Slot::List(_) => Err("of a list every element is pruned in the same way: `[*]`".into()),
                    _ => Err(format!("`[{key}]` after what is neither a map nor a list")),
                }
            }
            (Slot::List(_), None) => Err(format!("`{rest}` goes on inside of a list: `[*]` comes before")),
            (Slot::Map(_), None) => Err(format!("`{rest}` goes on inside of a map: `[key]` comes before")),
            _ => Err(format!("`{rest}` goes on where there is nothing inside")),
        }
    }
}

/// A path that leads nowhere, and what there is instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError(String);

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PathError {}
