//! The parts of a Markdown text that can be checked: shell lines, code spans and links, each with its line.

#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) shell: Vec<(usize, String)>,
    pub(super) spans: Vec<(usize, String)>,
    pub(super) links: Vec<(usize, String)>,
}

/// Languages of fenced blocks whose lines are typed into a shell.
const SHELL: &[&str] = &["", "sh", "bash", "console"];

pub(super) fn parts(text: &str) -> Parts {
    let mut parts = Parts::default();
    let mut paragraph = (0, String::new());
    let mut fence: Option<(&str, bool)> = None;
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        let info = trimmed.trim_start_matches(['`', '~']);
        let marker = &trimmed[..trimmed.len() - info.len()];
        if let Some((open, shell)) = fence {
            if info.is_empty() && marker.starts_with(open) {
                fence = None;
            } else if shell {
                parts.shell.push((index + 1, line.to_owned()));
            }
        } else if marker.starts_with("```") || marker.starts_with("~~~") {
            let language = info.trim_start().split([' ', ',']).next().unwrap_or_default();
            fence = Some((marker, SHELL.contains(&language)));
            parts.prose(&paragraph);
            paragraph.1.clear();
        } else if trimmed.is_empty() {
            parts.prose(&paragraph);
            paragraph.1.clear();
        } else {
            if paragraph.1.is_empty() {
                paragraph.0 = index + 1;
            }
            paragraph.1 += line;
            paragraph.1.push('\n');
        }
    }
    parts.prose(&paragraph);
    parts
}

impl Parts {
    /// A span may go on in the next line, but not past its paragraph.
    fn prose(&mut self, (first, text): &(usize, String)) {
        let line = |at: usize| first + text[..at].matches('\n').count();
        let mut plain = text.clone();
        let mut at = 0;
        while let Some(start) = text[at..].find('`').map(|found| at + found) {
            let ticks = text[start..].len() - text[start..].trim_start_matches('`').len();
            let inside = start + ticks;
            let Some(end) = closing(text, inside, ticks) else {
                at = inside;
                continue;
            };
            self.spans.push((line(start), text[inside..end].replace('\n', " ").trim().to_owned()));
            plain.replace_range(start..end + ticks, &"`".repeat(end + ticks - start));
            at = end + ticks;
        }
        for (found, _) in plain.match_indices("](") {
            let target = &plain[found + 2..];
            let target = target.split([')', ' ', '\n']).next().unwrap_or_default();
            self.links.push((line(found), target.trim_matches(['<', '>']).to_owned()));
        }
    }
}

/// Where the run of exactly `ticks` backticks starts that closes a span.
fn closing(text: &str, inside: usize, ticks: usize) -> Option<usize> {
    let mut at = inside;
    loop {
        let start = at + text[at..].find('`')?;
        let run = text[start..].len() - text[start..].trim_start_matches('`').len();
        if run == ticks {
            return Some(start);
        }
        at = start + run;
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn only_shell_blocks_have_commands() {
        let text = "```sh\na\n```\n```rust\nb\n```\n~~~\nc\n```\n~~~\n   ```console\n   $ d\n   ```\ne\n````bash\nf\n````\n";
        let shell = parts(text).shell;
        let lines: Vec<_> = shell.iter().map(|(line, text)| (*line, text.trim())).collect();
        assert_eq!(lines, [(2, "a"), (8, "c"), (9, "```"), (12, "$ d"), (16, "f")]);
    }

    #[test]
    fn spans_go_over_lines_but_not_over_paragraphs() {
        let spans = parts("a `b` ``c ` d``\nand `e\nf` and a ` alone\n\nnext `g`\n").spans;
        let expected = [(1, "b"), (1, "c ` d"), (2, "e f"), (5, "g")];
        assert_eq!(spans, expected.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn links_are_found_outside_of_code() {
        let links = parts("[a](x.md) `[b](y.md)`\n![c](<z.png> \"title\")\n```\n[d](w.md)\n```\n").links;
        assert_eq!(links, [(1, "x.md".to_owned()), (2, "z.png".to_owned())]);
    }
}
