//! Descriptions written for other readers, as text that rustdoc shows as it was meant.

/// Escapes what rustdoc would take for markup, and never leaves anything that it would compile.
pub(crate) fn clean(description: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut fenced = false;
    // How far the text of a list's item goes in; what follows it belongs to it up to an empty line.
    let mut inside = 0;
    for line in description.trim().lines() {
        // Indented text would be code, and code a test.
        let line = line.trim().replace('\t', " ");
        let line = line.as_str();
        if let Some(rest) = line.strip_prefix("```") {
            fenced = !fenced;
            lines.push(if fenced { "```text".to_owned() } else { "```".to_owned() });
            // Text on the line of a fence belongs into the block.
            if fenced && !rest.trim().is_empty() {
                lines.push(rest.trim().to_owned());
            }
        } else if fenced {
            lines.push(line.replace('\t', "    "));
        } else {
            inside = match (line.is_empty(), marker(line)) {
                (true, _) | (false, Some(_)) => 0,
                (false, None) => inside,
            };
            lines.push(format!("{}{}", " ".repeat(inside), escape(&line.replace('\t', " "))));
            inside = marker(line).unwrap_or(inside);
        }
    }
    if fenced {
        lines.push("```".to_owned());
    }
    lines.join("\n")
}

/// The length of what makes a line an item of a list, such as `- ` or `1) `.
fn marker(line: &str) -> Option<usize> {
    let (first, _) = line.split_once(' ')?;
    let numbered = first
        .strip_suffix(['.', ')'])
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    (numbered || matches!(first, "-" | "+")).then_some(first.len() + 1)
}

/// Outside of code spans, `[`, `]`, `<` and `>` are literal, and addresses are links.
fn escape(line: &str) -> String {
    let mut out = String::new();
    let odd = !line.matches('`').count().is_multiple_of(2);
    for (index, part) in line.split('`').enumerate() {
        let code = index % 2 == 1;
        if index > 0 {
            out.push_str(if odd { "\\`" } else { "`" });
        }
        if code && !odd {
            out.push_str(part);
            continue;
        }
        for (index, word) in part.split(' ').enumerate() {
            if index > 0 {
                out.push(' ');
            }
            match word.find("https://").or_else(|| word.find("http://")) {
                Some(start) => link(&mut out, word, start),
                None => literal(&mut out, word),
            }
        }
    }
    out
}

fn link(out: &mut String, word: &str, start: usize) {
    let (before, rest) = word.split_at(start);
    let end = rest.find(['<', '>', '"', ')', ']', ',', '\'']).unwrap_or(rest.len());
    let (address, after) = rest.split_at(end);
    let trimmed = address.trim_end_matches(['.', ':', ';']);
    literal(out, before);
    out.push_str(&format!("<{trimmed}>{}", &address[trimmed.len()..]));
    literal(out, after);
}

fn literal(out: &mut String, text: &str) {
    for c in text.chars() {
        if matches!(c, '[' | ']' | '<' | '>' | '*' | '_' | '\\' | '|') {
            out.push('\\');
        }
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text_and_addresses_are_links() {
        assert_eq!(clean("a <b> [c] `d[0]`"), r"a \<b\> \[c\] `d[0]`");
        assert_eq!(clean("More info: https://x.io/a_b."), "More info: <https://x.io/a_b>.");
        assert_eq!(clean("one `tick"), r"one \`tick");
    }

    #[test]
    fn an_item_of_a_list_keeps_its_lines() {
        assert_eq!(clean("1) one\nmore\n2) two\n- x\ny\n\nz"), "1) one\n   more\n2) two\n- x\n  y\n\nz");
    }

    #[test]
    fn nothing_is_left_that_rustdoc_would_compile() {
        assert_eq!(clean("a\n\n\tcode()\nb"), "a\n\ncode()\nb");
        assert_eq!(clean("``` x\ny\tz"), "```text\nx\ny z\n```");
    }
}
