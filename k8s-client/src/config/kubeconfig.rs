//! kubeconfig files: one of them, one context of it.
//!
//! What this does not support yet is refused by name. A field that changes who asks or where the request goes must never be
//! passed over.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::{Config, Identity, Login, Server, Tls, default_namespace, unsupported};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// Lists may be `null`, as an empty one is written in Go.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct File {
    current_context: Option<String>,
    clusters: Option<Vec<NamedCluster>>,
    contexts: Option<Vec<NamedContext>>,
    users: Option<Vec<NamedUser>>,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    cluster: Option<Cluster>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    context: Option<Context>,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    user: Option<User>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    server: Option<String>,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
    tls_server_name: Option<String>,
    insecure_skip_tls_verify: Option<bool>,
    proxy_url: Option<String>,
}

#[derive(Default, Deserialize)]
struct Context {
    cluster: Option<String>,
    user: Option<String>,
    namespace: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    token: Option<Secret>,
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<Secret>,
    username: Option<IgnoredAny>,
    password: Option<IgnoredAny>,
    exec: Option<IgnoredAny>,
    auth_provider: Option<IgnoredAny>,
    #[serde(rename = "as")]
    impersonate: Option<IgnoredAny>,
    as_uid: Option<IgnoredAny>,
    as_groups: Option<IgnoredAny>,
    as_user_extra: Option<IgnoredAny>,
}

/// Where `kubectl` would look.
pub(super) fn path(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty());
    if let Some(list) = set("KUBECONFIG") {
        let mut files = std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty());
        return match (files.next(), files.next()) {
            (Some(file), None) => Ok(file),
            (None, _) => Err(Error::config("KUBECONFIG is set, but names no file")),
            _ => Err(Error::config("KUBECONFIG names more than one file; merging them is not supported yet")),
        };
    }
    let home = set("HOME").or_else(|| set("USERPROFILE"));
    let home = home.ok_or_else(|| Error::config("neither KUBECONFIG nor HOME is set"))?;
    Ok(PathBuf::from(home).join(".kube").join("config"))
}

pub(super) fn load(path: &Path, context: Option<&str>) -> Result<Config> {
    let text = std::fs::read_to_string(path).map_err(|error| Error::config("can't be read").caused(error))?;
    let text = Secret::new(text);
    let file: File = serde_saphyr::from_str(text.expose()).map_err(|error| Error::config(mistake(&error)))?;

    let name = match context.or(file.current_context.as_deref().filter(|name| !name.is_empty())) {
        Some(name) => name.to_owned(),
        None => return Err(Error::config("has no current-context, and none is asked for")),
    };
    resolve(file, &name, path).map_err(|error| error.within(format_args!("context `{name}`")))
}

/// Only where it is: the parser's message repeats what stands there, which may be a key.
fn mistake(error: &serde_saphyr::Error) -> String {
    let place = error.location().map(|at| format!(" (line {}, column {})", at.line(), at.column()));
    format!("is not YAML, or not as a kubeconfig has it{}", place.unwrap_or_default())
}

fn resolve(file: File, name: &str, path: &Path) -> Result<Config> {
    let known = |names: Vec<&str>| match names.len() {
        0 => "the file has none".to_owned(),
        _ => format!("the file has {}", names.join(", ")),
    };
    let contexts = file.contexts.unwrap_or_default();
    let Some(context) = contexts.iter().find(|context| context.name == name) else {
        let known = known(contexts.iter().map(|context| &*context.name).collect());
        return Err(Error::config(format!("there is no such context; {known}")));
    };
    let Some(context) = &context.context else { return Err(Error::config("`context` is empty")) };

    let wanted = context.cluster.as_deref().unwrap_or_default();
    let clusters = file.clusters.unwrap_or_default();
    let known_clusters = known(clusters.iter().map(|cluster| &*cluster.name).collect());
    let cluster = clusters.into_iter().find(|cluster| cluster.name == wanted);
    let cluster =
        cluster.ok_or_else(|| Error::config(format!("there is no cluster `{wanted}`; {known_clusters}")))?;

    let user = match context.user.as_deref().filter(|name| !name.is_empty()) {
        // Nobody in particular, as `kubectl` has it.
        None => NamedUser { name: String::new(), user: None },
        Some(wanted) => {
            let users = file.users.unwrap_or_default();
            let known = known(users.iter().map(|user| &*user.name).collect());
            let user = users.into_iter().find(|user| user.name == wanted);
            user.ok_or_else(|| Error::config(format!("there is no user `{wanted}`; {known}")))?
        }
    };

    let folder = path.parent().unwrap_or(Path::new(""));
    let mut server = server(cluster.cluster.unwrap_or_default(), folder)
        .map_err(|error| error.within(format_args!("cluster `{}`", cluster.name)))?;
    let user_name = user.name;
    let (login, identity) = login(user.user.unwrap_or_default(), folder)
        .map_err(|error| error.within(format_args!("user `{user_name}`")))?;
    server.tls.identity = identity;
    let namespace = context.namespace.clone().filter(|name| !name.is_empty());
    Ok(Config {
        server,
        login,
        namespace: namespace.unwrap_or_else(default_namespace),
        origin: format!("{}: context `{name}`", path.display()),
    })
}

fn server(cluster: Cluster, folder: &Path) -> Result<Server> {
    if cluster.proxy_url.is_some_and(|url| !url.is_empty()) {
        return Err(unsupported("proxy-url"));
    }
    let insecure = cluster.insecure_skip_tls_verify.unwrap_or(false);
    let ca = ("certificate-authority", cluster.certificate_authority);
    let authority = pem(cluster.certificate_authority_data.as_deref(), ca, folder)?;
    if insecure && authority.is_some() {
        // kubectl refuses it too: it is unclear what was meant.
        let both = "insecure-skip-tls-verify and certificate-authority are both set";
        return Err(Error::config(both));
    }
    let server_name = cluster.tls_server_name.filter(|name| !name.is_empty());
    let tls = Tls {
        authority: authority.map(|pem| pem.expose().to_owned()),
        server_name,
        insecure,
        identity: None,
    };
    Server::new(cluster.server.as_deref().unwrap_or_default(), tls).map_err(|error| error.within("server"))
}

fn login(user: User, folder: &Path) -> Result<(Login, Option<Identity>)> {
    for (field, value) in [
        ("exec", user.exec),
        ("auth-provider", user.auth_provider),
        ("username", user.username),
        ("password", user.password),
        ("as", user.impersonate),
        ("as-uid", user.as_uid),
        ("as-groups", user.as_groups),
        ("as-user-extra", user.as_user_extra),
    ] {
        if value.is_some() {
            return Err(unsupported(field));
        }
    }
    let certificate = ("client-certificate", user.client_certificate);
    let certificate = pem(user.client_certificate_data.as_deref(), certificate, folder)?;
    let data = user.client_key_data.as_ref().map(Secret::expose);
    let identity = match (certificate, pem(data, ("client-key", user.client_key), folder)?) {
        (None, None) => None,
        (Some(certificate), Some(key)) => {
            Some(Identity { certificate: certificate.expose().to_owned(), key })
        }
        (Some(_), None) => return Err(Error::config("client-certificate is set, but client-key is not")),
        (None, Some(_)) => return Err(Error::config("client-key is set, but client-certificate is not")),
    };
    let token = user.token.filter(|token| !token.expose().is_empty());
    let token_file = user.token_file.filter(|path| !path.as_os_str().is_empty());
    // The file first: the token beside it is what the file held once.
    let login = match (token_file, token) {
        (Some(file), _) => Login::TokenFile(folder.join(file)),
        (None, Some(token)) => Login::Token(token),
        (None, None) => Login::None,
    };
    Ok((login, identity))
}

/// What stands in the file itself wins over another file, as with kubectl.
fn pem(data: Option<&str>, (field, path): (&str, Option<PathBuf>), folder: &Path) -> Result<Option<Secret>> {
    if let Some(data) = data.filter(|data| !data.is_empty()) {
        // Long lines are often folded.
        let data = Secret::new(data.split_ascii_whitespace().collect::<String>());
        let bytes = base64::engine::general_purpose::STANDARD.decode(data.expose());
        let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
        // The decoder's own message would repeat a part of it.
        return match text {
            Some(text) => Ok(Some(Secret::new(text))),
            None => Err(Error::config(format!("{field}-data is not PEM in base64"))),
        };
    }
    let Some(path) = path.filter(|path| !path.as_os_str().is_empty()) else { return Ok(None) };
    let path = folder.join(path);
    let read = std::fs::read_to_string(&path);
    let read = read.map_err(|error| Error::config(format!("{field}: {}", path.display())).caused(error));
    read.map(|text| Some(Secret::new(text)))
}

#[cfg(test)]
mod tests;
