//! What has become of each object of a manifest.

use k8s_api::dynamic::DynamicObject;

use super::{Document, name};
use crate::error::{Error, Result};

/// What has become of each object, in the order in which they were tried.
#[derive(Debug)]
#[must_use = "an object that could not be applied is only told here"]
pub struct Report {
    pub(super) outcomes: Vec<Outcome>,
}

/// What has become of one object.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// Where it stands and what it says, with the namespace that it was given.
    pub document: Document,
    /// What has become of it.
    pub what: What,
}

/// What has become of an object.
#[derive(Debug)]
#[non_exhaustive]
pub enum What {
    /// It is as the server answered, or would be after a dry run.
    Applied(Box<DynamicObject>),
    /// It could not be applied.
    Failed(Error),
    /// It was not tried, for this reason.
    Skipped(String),
}

impl Report {
    /// One for each object.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Whether all were applied.
    pub fn is_complete(&self) -> bool {
        self.outcomes.iter().all(|outcome| matches!(outcome.what, What::Applied(_)))
    }

    /// The objects as the server has them now. If one failed or was not tried, an error that says which, what was
    /// applied before it, and what was not tried.
    pub fn into_result(self) -> Result<Vec<DynamicObject>> {
        let (mut applied, mut done, mut failed, mut skipped) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for Outcome { document, what } in self.outcomes {
            match what {
                What::Applied(object) => {
                    done.push(name(&document.object));
                    applied.push(*object);
                }
                What::Failed(error) => failed.push((document, error)),
                What::Skipped(why) => skipped.push((document, why)),
            }
        }
        let list =
            |names: Vec<String>| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        let done = list(done);
        let others: Vec<String> =
            failed.iter().skip(1).map(|(document, error)| format!("{document}: {error}")).collect();
        let not_tried = list(skipped.iter().map(|(document, _)| name(&document.object)).collect());
        match (failed.into_iter().next(), skipped.first()) {
            (Some((document, error)), _) => {
                let others = if others.is_empty() {
                    String::new()
                } else {
                    format!("also failed: {}; ", others.join("; "))
                };
                Err(error
                    .within(format!("{others}applied: {done}; not tried: {not_tried}; failed: {document}")))
            }
            (None, Some((document, why))) => {
                Err(Error::request(format!("applied: {done}; not tried: {not_tried}; {document}: {why}")))
            }
            (None, None) => Ok(applied),
        }
    }
}
