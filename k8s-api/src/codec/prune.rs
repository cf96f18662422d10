//! Fields that are passed over while decoding.

use crate::path::{self, FieldPath, PathError};
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
        let path: FieldPath = path.parse()?;
        self.follow(path.steps(), Slot::Message(message)).map_err(|reason| path.wrong(&reason))
    }

    fn follow(&mut self, steps: &[path::Step], slot: Slot<'_>) -> Result<(), String> {
        let Some((step, rest)) = steps.split_first() else {
            self.whole = true;
            return Ok(());
        };
        match (slot, step) {
            (Slot::Option(option), _) => self.follow(steps, option.fill()),
            (Slot::Message(message), path::Step::Field(name)) if !message.table().union => {
                let position = message.table().position(name);
                let slot = Slot::Message(message).inside(name)?;
                self.enter(Step::Field(position.unwrap_or_default())).follow(rest, slot)
            }
            (Slot::Map(map), path::Step::Field(name)) => {
                self.enter(Step::Key(name.as_str().into())).follow(rest, map.entry(Str::new()))
            }
            (Slot::Map(map), path::Step::Every) => self.enter(Step::Each).follow(rest, map.entry(Str::new())),
            (Slot::List(list), path::Step::Every) => self.enter(Step::Each).follow(rest, list.push()),
            (Slot::List(_), _) => Err("of a list every element is pruned in the same way: `[*]`".to_owned()),
            _ => Err("it goes on where there is nothing inside".to_owned()),
        }
    }
}
