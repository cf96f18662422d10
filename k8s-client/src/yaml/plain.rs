//! What a text without quotes is.

use super::Node;

/// As YAML 1.2 has it, with the booleans of YAML 1.1, which Go's readers know. `None` is a number that is none: infinite, or
/// `.nan`.
pub(super) fn resolve(text: &str) -> Option<Node> {
    if is_null(text) {
        return Some(Node::Null);
    }
    if let Some(flag) = flag(text) {
        return Some(Node::Flag(flag));
    }
    if let Some(number) = whole(text) {
        return Some(number);
    }
    match fraction(text) {
        Some(number) => number.is_finite().then_some(Node::Fraction(number)),
        None => Some(Node::text(text)),
    }
}

pub(super) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~") || text.eq_ignore_ascii_case("null")
}

pub(super) fn flag(text: &str) -> Option<bool> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(&["true", "yes", "y", "on"]) {
        return Some(true);
    }
    is(&["false", "no", "n", "off"]).then_some(false)
}

pub(super) fn whole(text: &str) -> Option<Node> {
    let (minus, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefixed = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)];
    let prefixed = prefixed.iter().find_map(|(prefix, radix)| Some((digits.strip_prefix(prefix)?, *radix)));
    let (digits, radix) = prefixed.unwrap_or((digits, 10));
    // In YAML 1.1 it would be octal, in 1.2 it is no number of this sort.
    if radix == 10 && digits.len() > 1 && digits.starts_with('0') {
        return None;
    }
    // Each `_` stands between two digits.
    if digits.split('_').any(str::is_empty) || digits.starts_with(['+', '-']) {
        return None;
    }
    let magnitude = u64::from_str_radix(&digits.replace('_', ""), radix).ok()?;
    match i64::try_from(magnitude) {
        Ok(number) if minus => Some(Node::Whole(-number)),
        Ok(number) => Some(Node::Whole(number)),
        Err(_) if minus => (magnitude == i64::MIN.unsigned_abs()).then_some(Node::Whole(i64::MIN)),
        Err(_) => Some(Node::Large(magnitude)),
    }
}

pub(super) fn fraction(text: &str) -> Option<f64> {
    match text.to_ascii_lowercase().as_str() {
        ".nan" | "+.nan" | "-.nan" => return Some(f64::NAN),
        ".inf" | "+.inf" => return Some(f64::INFINITY),
        "-.inf" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    // The standard library's reader takes words such as `inf` and `nan`, too.
    let numeral = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    text.parse().ok().filter(|_| numeral)
}
