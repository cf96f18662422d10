//! What a label may be called, and what it may hold.

const LONGEST_NAME: usize = 63;
const LONGEST_PREFIX: usize = 253;

/// What is wrong with the key of a label.
pub(super) fn wrong_key(key: &str) -> Option<String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if let Some(prefix) = prefix
        && (prefix.len() > LONGEST_PREFIX || !prefix.split('.').all(is_dns_label))
    {
        return Some(format!(
            "`{key}` is no key of a label: before the `/` stands a DNS name of lowercase letters, digits, `-` and `.`, of at most \
             {LONGEST_PREFIX} bytes"
        ));
    }
    (name.is_empty() || !is_name(name)).then(|| {
        format!(
            "`{key}` is no key of a label: its name has 1 to {LONGEST_NAME} letters, digits, `-`, `_` and `.`, and begins and ends with a \
             letter or digit"
        )
    })
}

/// What is wrong with the value of a label.
pub(super) fn wrong_value(value: &str) -> Option<String> {
    (!value.is_empty() && !is_name(value)).then(|| {
        format!(
            "`{value}` is no value of a label: it has at most {LONGEST_NAME} letters, digits, `-`, `_` and `.`, and begins and ends with a \
             letter or digit"
        )
    })
}

fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn is_dns_label(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes().next().is_some_and(is_plain)
        && text.bytes().next_back().is_some_and(is_plain)
        && text.bytes().all(|byte| is_plain(byte) || byte == b'-')
}
