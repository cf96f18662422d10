//! What a plugin complains of, without what it may give away.

use crate::config::ExecSpec;

const GONE: &str = "[redacted]";

/// The text in one line, without the secrets that the kubeconfig gives to the plugin and what looks like a secret.
pub(super) fn redact(text: &str, spec: &ExecSpec) -> String {
    let mut text = text.to_owned();
    let known = spec.env.iter().map(|(_, value)| value).chain(&spec.args).map(|secret| secret.expose());
    for secret in known {
        // `--client-secret=hunter2` is hidden as a whole and in part.
        for part in [secret, secret.split_once('=').map_or("", |(_, value)| value)] {
            // Short words stand in every sentence.
            if part.len() >= 6 && !part.starts_with("--") {
                text = text.replace(part, GONE);
            }
        }
    }
    let mut line = String::new();
    let mut before = "";
    let mut hide = false;
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        // `token: abc`, `Bearer abc`, `password = abc`.
        let next = match word {
            "=" | ":" => announces(before),
            _ if word.ends_with(['=', ':']) => announces(word),
            _ => ["bearer", "basic"].contains(&plain(word).as_str()),
        };
        line.push_str(&if hide && !next { GONE.to_owned() } else { part_by_part(word) });
        (before, hide) = (word, next);
    }
    line.chars().filter(|c| !c.is_control()).collect()
}

/// Hides what follows `token=` and the like in one word, and what looks like a token.
fn part_by_part(word: &str) -> String {
    if let Some(at) = word.find(['=', ':']).filter(|at| *at + 1 < word.len())
        && announces(word.get(..=at).unwrap_or_default())
    {
        return format!("{}{GONE}", word.get(..=at).unwrap_or_default());
    }
    // What is asked of a server may hold a signature.
    let word = match word.split_once('?') {
        Some((url, _)) if url.contains("://") => format!("{url}?{GONE}"),
        _ => word.to_owned(),
    };
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '_' | '-' | '.' | '~' | '=');
    let mut shown = String::new();
    let mut rest = word.as_str();
    while !rest.is_empty() {
        let length = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(length);
        shown.push_str(if looks_secret(run) { GONE } else { run });
        let mut chars = after.chars();
        shown.extend(chars.next());
        rest = chars.as_str();
    }
    shown
}

fn plain(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase()
}

fn announces(word: &str) -> bool {
    let word = plain(word);
    let known = ["token", "password", "passwd", "secret", "bearer", "authorization", "apikey", "key"];
    known.iter().any(|known| word.ends_with(known))
}

/// Long, of letters and digits, and no path.
fn looks_secret(run: &str) -> bool {
    let path = run.starts_with(['/', '.']) || run.split('/').count() > 3;
    let has = |what: fn(&char) -> bool| run.chars().any(|c| what(&c));
    run.starts_with("eyJ")
        || run.starts_with("k8s-aws-v1.")
        || (run.len() >= 20 && !path && has(char::is_ascii_digit) && has(char::is_ascii_alphabetic))
}

#[cfg(test)]
mod tests {
    use super::redact;
    use crate::config::{ExecSpec, Interactive};
    use crate::secret::Secret;

    fn shown(text: &str) -> String {
        let spec = ExecSpec {
            command: "p".into(),
            args: vec![Secret::new("get-token"), Secret::new("--client-secret=hunter2")],
            env: vec![("KEY".into(), Secret::new("swordfish"))],
            version: "v1",
            interactive: Interactive::Never,
            install_hint: String::new(),
            cluster: None,
        };
        redact(text, &spec)
    }

    #[test]
    fn what_helps_stays() {
        for text in [
            "Unable to locate credentials. You can configure credentials by running \"aws login\".",
            "error: could not read /srv/ann/.aws/sso/cache/0123456789abcdef0123456789: no such file",
            "dial tcp 10.0.0.1:443: connect: connection refused",
            "AADSTS70043: the refresh token has expired, sign in at https://login.example/device",
        ] {
            assert_eq!(shown(text), text);
        }
        assert_eq!(shown("a\nb\u{7}\n"), "a b");
    }

    #[test]
    fn what_gives_away_goes() {
        for text in [
            "token: hunter3",
            "token=hunter3 refused",
            "Authorization: Bearer hunter3",
            "{\"refresh_token\":\"hunter3\"}",
            "got eyJhbGciOi.hunter3",
            "used k8s-aws-v1.hunter3",
            "https://sts.example/?X-Amz-Signature=hunter3",
            "opaque 0hunter3aaaaaaaaaaaaaaaaa",
            "called with hunter2 as swordfish",
            "PASSWORD = hunter3",
        ] {
            let shown = shown(text);
            assert!(!shown.contains("hunter") && !shown.contains("swordfish"), "{shown}");
        }
    }
}
