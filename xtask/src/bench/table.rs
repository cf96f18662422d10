//! Figures of several rounds, and how they are shown.

use std::fmt::Write as _;

/// What was seen in every round.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures(Vec<f64>);

impl Figures {
    pub(super) fn add(&mut self, value: f64) {
        let at = self.0.partition_point(|known| *known < value);
        self.0.insert(at, value);
    }

    /// The one in the middle; NaN if there is none.
    pub(super) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The median, if there is one.
    pub(super) fn median_or_nothing(&self, digits: usize) -> String {
        if self.0.is_empty() { String::new() } else { format!("{:.digits$}", self.median()) }
    }

    /// As [`Figures::spread`], if there is anything.
    pub(super) fn spread_or_nothing(&self, digits: usize) -> String {
        if self.0.is_empty() { String::new() } else { self.spread(digits) }
    }

    /// The median, and the least and most beside it.
    pub(super) fn spread(&self, digits: usize) -> String {
        let number = |value: Option<&f64>| value.map_or(String::new(), |value| format!("{value:.digits$}"));
        format!("{:.digits$} ({}..{})", self.median(), number(self.0.first()), number(self.0.last()))
    }
}

/// A table in Markdown, its columns below each other; the first one is text, all others are numbers.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(head.get(column).map(|name| name.chars().count())).fold("---:".len(), usize::max)
    };
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        for (column, cell) in cells.enumerate() {
            let width = width(column);
            let _ = if column == 0 {
                write!(text, "| {cell:<width$} ")
            } else {
                write!(text, "| {cell:>width$} ")
            };
        }
        text.push_str("|\n");
    };
    line(&mut head.iter().copied());
    let rules: Vec<String> = (0..head.len())
        .map(|column| if column == 0 { "---".to_owned() } else { "---:".to_owned() })
        .collect();
    line(&mut rules.iter().map(String::as_str));
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_has_the_extremes_beside_it() {
        let mut figures = Figures::default();
        for value in [3.0, 9.0, 1.0] {
            figures.add(value);
        }
        assert_eq!(figures.spread(1), "3.0 (1.0..9.0)");
    }

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [vec!["ours".to_owned(), "7".to_owned()], vec!["a peer".to_owned(), "123".to_owned()]];
        let lines = ["| what   |   us |", "| ---    | ---: |", "| ours   |    7 |", "| a peer |  123 |"];
        assert_eq!(table(&["what", "us"], &rows).trim_end(), lines.join("\n"));
    }
}
