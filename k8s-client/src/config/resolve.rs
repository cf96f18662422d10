//! One context of a kubeconfig as a [`Config`].
//!
//! What changes who asks or where the request goes is never passed over: it is understood or refused by name.

use std::sync::Arc;

use super::document::Fields;
use super::exec::ExecSpec;
use super::impersonate::Impersonation;
use super::kubeconfig::Kubeconfig;
use super::merge::{CLUSTERS, CONTEXTS, Source, USERS, find};
use super::oidc::OidcSpec;
use super::pem::{Identity, Pem};
use super::proxy::Proxy;
use super::{Config, Login, Server, Tls, default_namespace};
use crate::error::{Error, Result};
use crate::secret::Secret;

pub(super) fn resolve(kubeconfig: &Kubeconfig, context: Option<&str>) -> Result<Config> {
    let sources = kubeconfig.sources();
    let Some(name) = context.or_else(|| kubeconfig.current_context()) else {
        let why = match (sources.len(), kubeconfig.missing()) {
            (0, [_, ..]) => "there is no such file",
            _ => "has no current-context, and none is asked for",
        };
        return Err(Error::config(why).within(kubeconfig.place()));
    };
    let here = |source: &Source| format!("{}: context `{name}`", source.place());
    let Some((source, context)) = find(sources, CONTEXTS, name) else {
        return Err(kubeconfig.unknown("context", CONTEXTS, name).within(kubeconfig.place()));
    };
    let origin = here(source);
    let read = || {
        let (cluster, user) = (context.text("cluster")?, context.text("user")?);
        let cluster = cluster.ok_or_else(|| Error::config("cluster is missing"))?;
        let found = find(sources, CLUSTERS, cluster);
        let found = found.ok_or_else(|| kubeconfig.unknown("cluster", CLUSTERS, cluster))?;
        // Without a user it is nobody in particular, as kubectl has it.
        let user = user.map(|user| {
            let found = find(sources, USERS, user);
            found.map(|found| (user, found)).ok_or_else(|| kubeconfig.unknown("user", USERS, user))
        });
        let namespace = context.text("namespace")?.map_or_else(default_namespace, str::to_owned);
        Ok((cluster, found, user.transpose()?, namespace))
    };
    let (cluster, (cluster_source, cluster_fields), user, namespace) =
        read().map_err(|error: Error| error.within(&origin))?;

    let cluster_place = format!("{}: cluster `{cluster}`", here(cluster_source));
    let server = server(cluster_fields, cluster_source).map_err(|error| error.within(&cluster_place))?;
    let mut config = Config::new(server, Login::None, namespace, origin);
    config.cluster_place = cluster_place;
    if let Some((user, (source, fields))) = user {
        config.user_place = format!("{}: user `{user}`", here(source));
        let read = || {
            let (login, identity) = login(fields, source, user, &config.server, cluster_fields)?;
            Ok((login, identity, Impersonation::read(fields)?))
        };
        let (login, identity, impersonation) =
            read().map_err(|error: Error| error.within(&config.user_place))?;
        config.server.tls.identity = identity.map(Arc::new);
        (config.login, config.impersonation) = (login, impersonation);
    }
    Ok(config)
}

fn server(cluster: Fields<'_>, source: &Source) -> Result<Server> {
    let insecure = cluster.flag("insecure-skip-tls-verify")?;
    let authority = Pem::of(cluster, "certificate-authority", |path| source.resolve(path))?;
    if insecure && authority.is_some() {
        // kubectl refuses it too: it is unclear what was meant.
        let both = "insecure-skip-tls-verify and certificate-authority are both set";
        return Err(Error::config(both));
    }
    let server_name = cluster.text("tls-server-name")?.map(str::to_owned);
    let tls = Tls { authority, server_name, insecure, identity: None };
    let url = cluster.text("server")?.ok_or_else(|| Error::config("server is missing"))?;
    let mut server = Server::new(url, tls).map_err(|error| error.within("server"))?;
    server.proxy = cluster.text("proxy-url")?.map(Proxy::new).transpose()?;
    server.plain_answers = cluster.flag("disable-compression")?;
    Ok(server)
}

fn login(
    user: Fields<'_>,
    source: &Source,
    name: &str,
    server: &Server,
    cluster: Fields<'_>,
) -> Result<(Login, Option<Identity>)> {
    let resolve = |path: &str| source.resolve(path);
    let identity = Identity::of(user, resolve)?;
    let exec = match user.get("exec") {
        None => None,
        Some(_) => {
            let exec = user.fields("exec");
            let exec = exec.and_then(|exec| {
                ExecSpec::read(exec, resolve, server, cluster).map_err(|error| error.within("exec"))
            });
            Some(exec?)
        }
    };
    let oidc = match user.get("auth-provider") {
        None => None,
        Some(_) => {
            let provider = user.fields("auth-provider")?;
            let oidc = OidcSpec::read(provider, source.path.clone(), name, resolve);
            Some(oidc.map_err(|error| error.within("auth-provider"))?)
        }
    };
    if exec.is_some() && oidc.is_some() {
        return Err(Error::config("exec and auth-provider are both set; only one can be meant"));
    }
    let basic = (user.text("username")?, user.secret("password")?);
    let token = user.secret("token")?;
    let token_file = user.text("tokenFile")?;
    let login = match (token_file, token, basic) {
        (None, None, (None, None)) => match (exec, oidc) {
            // As with kubectl, what stands in the file wins over what would have to be asked for.
            (Some(_), _) if identity.is_some() => Login::None,
            (Some(exec), _) => Login::Exec(Arc::new(exec)),
            (_, Some(oidc)) => Login::Oidc(Arc::new(oidc)),
            _ => Login::None,
        },
        (None, None, (Some(user), _)) if user.contains(':') => {
            return Err(Error::config("username has a colon, which stands between name and password"));
        }
        (None, None, (Some(user), password)) => {
            Login::Basic(user.to_owned(), password.cloned().unwrap_or_else(|| Secret::new("")))
        }
        (None, None, (None, Some(_))) => return Err(Error::config("password is set, but username is not")),
        // The file first: the token beside it is what the file held once.
        (Some(file), _, (None, None)) => {
            let file = source.resolve(file);
            std::fs::metadata(&file)
                .map_err(|error| Error::config(format!("tokenFile: {}", file.display())).caused(error))?;
            Login::TokenFile(file)
        }
        (None, Some(token), (None, None)) if http::HeaderValue::from_str(token.expose()).is_err() => {
            return Err(Error::config("token has characters that no header can carry, such as a line break"));
        }
        (None, Some(token), (None, None)) => Login::Token(token.clone()),
        _ => return Err(Error::config("a token and a username are both set; only one can be meant")),
    };
    Ok((login, identity))
}

#[cfg(test)]
mod tests;
