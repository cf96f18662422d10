//! Where a configuration is from, in the words of an error.

use super::{Config, Login};

/// Empty where there is nothing to say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// Where the server's address and authority stand.
    pub(crate) cluster: String,
    /// What the server is shown of who asks, and where that stands.
    pub(crate) credential: String,
}

impl Origin {
    pub(crate) fn of(config: &Config) -> Origin {
        let place = &config.user_place;
        let mut shown = Vec::new();
        match &config.login {
            Login::None => {}
            Login::Token(_) => shown.push("the token".to_owned()),
            Login::TokenFile(path) => shown.push(format!("the token in {}", path.display())),
            Login::Basic(user, _) => shown.push(format!("the password of `{user}`")),
            Login::Exec(spec) => shown.push(format!("what the exec plugin {} gave", spec.command.display())),
            Login::Oidc(spec) => shown.push(format!("a token of {}", spec.issuer)),
        }
        if config.server.is_tls() && config.server.tls.identity.is_some() {
            shown.push("the client certificate".to_owned());
        }
        let plain = *place == config.server.to_string();
        let credential = match (shown.is_empty(), plain) {
            (true, true) => "it was shown no credential".to_owned(),
            (true, false) => format!("it was shown no credential, since {place} has none"),
            (false, true) => format!("it was shown {}", shown.join(" and ")),
            (false, false) => format!("it was shown {}, from {place}", shown.join(" and ")),
        };
        let cluster =
            if config.cluster_place == config.server.to_string() { "" } else { &*config.cluster_place };
        Origin { cluster: cluster.to_owned(), credential }
    }
}
