//! Label selectors.

use std::fmt;
use std::str::FromStr;

use k8s_api::Resource;
use k8s_api::map::Map;
use k8s_api::meta::v1::LabelSelector;
use k8s_api::text::Str;

use super::names::{wrong_key, wrong_value};
use super::{Selector, read};
use crate::error::{Error, Result};

/// A label selector: `app in (api,web),tier!=test,!legacy`. The empty one means everything.
///
/// It prints as it is read, which is what the server takes: `.labels(&selector.to_string())`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels {
    requirements: Vec<Requirement>,
}

/// What one label has to be.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Requirement {
    pub(super) key: Str,
    pub(super) operator: Operator,
    /// Sorted, each once; as many as the operator takes.
    values: Vec<Str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operator {
    Exists,
    DoesNotExist,
    Equals,
    NotEquals,
    In,
    NotIn,
    GreaterThan,
    LessThan,
}

impl Labels {
    /// Reads a selector as kubectl takes it. Keys, values and numbers are held to the API's rules.
    pub fn parse(text: &str) -> Result<Labels> {
        let requirements = read::labels(text)
            .map_err(|reason| Error::request(format!("label selector `{text}`: {reason}")))?;
        Ok(Labels { requirements })
    }

    /// Whether it means everything.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether an object with these labels is meant.
    pub fn matches_labels(&self, labels: &Map<Str, Str>) -> bool {
        self.requirements.iter().all(|requirement| requirement.matches(labels))
    }
}

impl<K: Resource> Selector<K> for Labels {
    #[inline]
    fn matches(&self, object: &K) -> bool {
        self.matches_labels(&object.metadata().labels)
    }
}

impl Requirement {
    /// Holds it to the API's rules.
    pub(super) fn new(key: &str, operator: Operator, values: Vec<&str>) -> Result<Self, String> {
        if let Some(wrong) = wrong_key(key) {
            return Err(wrong);
        }
        if let Some(wrong) = values.iter().find_map(|value| wrong_value(value)) {
            return Err(wrong);
        }
        let is_number = matches!(operator, Operator::GreaterThan | Operator::LessThan);
        if let Some(value) = values.iter().find(|value| is_number && number(value).is_none()) {
            return Err(format!("`{value}`, which `{key}` is compared with, is no whole number of 64 bits"));
        }
        let mut values: Vec<Str> = values.into_iter().map(Str::from).collect();
        values.sort();
        values.dedup();
        Ok(Requirement { key: key.into(), operator, values })
    }

    fn matches(&self, labels: &Map<Str, Str>) -> bool {
        let label = labels.get(self.key.as_str());
        let is_among = || label.is_some_and(|label| self.values.contains(label));
        let compare = |is: fn(&i64, &i64) -> bool| {
            let numbers =
                label.and_then(|label| number(label)).zip(self.values.first().and_then(|v| number(v)));
            numbers.is_some_and(|(label, bound)| is(&label, &bound))
        };
        match self.operator {
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::Equals | Operator::In => is_among(),
            Operator::NotEquals | Operator::NotIn => !is_among(),
            Operator::GreaterThan => compare(i64::gt),
            Operator::LessThan => compare(i64::lt),
        }
    }
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok()
}

impl FromStr for Labels {
    type Err = Error;

    fn from_str(text: &str) -> Result<Labels> {
        Labels::parse(text)
    }
}

/// As the API means it: an empty one selects everything. Whether an absent one selects nothing or everything, the field says that it is
/// absent from.
impl TryFrom<&LabelSelector> for Labels {
    type Error = Error;

    fn try_from(selector: &LabelSelector) -> Result<Labels> {
        let equal = selector.match_labels.iter().map(|(key, value)| {
            Requirement::new(key, Operator::Equals, vec![value])
                .map_err(|wrong| Error::request(format!("matchLabels: {wrong}")))
        });
        let expressions = selector.match_expressions.iter().enumerate().map(|(at, expression)| {
            let values: Vec<&str> = expression.values.iter().map(|value| value.as_str()).collect();
            let (operator, wants_values) = match expression.operator.as_str() {
                "In" => (Operator::In, true),
                "NotIn" => (Operator::NotIn, true),
                "Exists" => (Operator::Exists, false),
                "DoesNotExist" => (Operator::DoesNotExist, false),
                other => {
                    return Err(Error::request(format!(
                        "matchExpressions[{at}].operator: `{other}` is none; there are In, NotIn, Exists and DoesNotExist"
                    )));
                }
            };
            if values.is_empty() == wants_values {
                let wanted = if wants_values { "needs at least one value" } else { "takes no values" };
                return Err(Error::request(format!(
                    "matchExpressions[{at}].values: the operator {} {wanted}",
                    expression.operator
                )));
            }
            Requirement::new(&expression.key, operator, values)
                .map_err(|wrong| Error::request(format!("matchExpressions[{at}]: {wrong}")))
        });
        Ok(Labels { requirements: equal.chain(expressions).collect::<Result<_>>()? })
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, requirement) in self.requirements.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            write!(f, "{comma}{requirement}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Requirement { key, operator, values } = self;
        let one = values.first().map_or("", Str::as_str);
        match operator {
            Operator::Exists => write!(f, "{key}"),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::Equals => write!(f, "{key}={one}"),
            Operator::NotEquals => write!(f, "{key}!={one}"),
            Operator::GreaterThan => write!(f, "{key}>{one}"),
            Operator::LessThan => write!(f, "{key}<{one}"),
            Operator::In => write!(f, "{key} in ({})", values.join(",")),
            Operator::NotIn => write!(f, "{key} notin ({})", values.join(",")),
        }
    }
}
