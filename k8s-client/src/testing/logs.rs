//! What containers have written, as somebody says who stands for the kubelet.

use http::StatusCode;

use super::ask::Said;
use super::core::Call;
use super::failure::Failure;

/// Whose log is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogRequest {
    /// The namespace of the pod.
    pub namespace: String,
    /// The pod.
    pub pod: String,
    /// The container, also when nobody named it since there is only one.
    pub container: String,
    /// That of the container before it was started again.
    pub previous: bool,
}

pub(crate) fn read(call: &Call<'_>) -> Result<Said, Failure> {
    let query = &call.ask.query;
    let state = call.core.state();
    let pod = call.find(&state)?.value();
    drop(state);
    let names: Vec<&str> = ["containers", "initContainers", "ephemeralContainers"]
        .iter()
        .flat_map(|group| pod["spec"][*group].as_array().into_iter().flatten())
        .filter_map(|container| container["name"].as_str())
        .collect();
    let main = pod["spec"]["containers"].as_array().map_or(0, Vec::len);
    let container = match query.text("container") {
        "" if main == 1 => names.first().copied().unwrap_or_default(),
        "" => {
            let choices = names.get(..main).unwrap_or_default().join(" ");
            return Err(Failure::bad_request(format!(
                "a container name must be specified for pod {}, choose one of: [{choices}]",
                call.name
            )));
        }
        name if names.contains(&name) => name,
        name => {
            return Err(Failure::bad_request(format!("container {name} is not valid for pod {}", call.name)));
        }
    };
    let teller = call.core.logs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let request = LogRequest {
        namespace: call.namespace.clone(),
        pod: call.name.clone(),
        container: container.to_owned(),
        previous: query.flag("previous"),
    };
    let told = teller.and_then(|teller| teller(&request));
    let Some(text) = told else {
        // Nothing has run, so nothing was written.
        if pod["spec"]["nodeName"].as_str().is_none_or(str::is_empty) {
            return Ok(Said::text(""));
        }
        return Err(Failure::gap("kubelets: say with `Server::logs` what the container has written"));
    };
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if let Some(tail) = query.number("tailLines") {
        let tail = usize::try_from(tail).unwrap_or_default();
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let stamp = if query.flag("timestamps") {
        format!("{} ", call.core.clock.stamp().replace('Z', ".000000000Z"))
    } else {
        String::new()
    };
    let mut out: String = lines.iter().map(|line| format!("{stamp}{line}")).collect();
    if let Some(limit) = query.number("limitBytes").and_then(|it| usize::try_from(it).ok()) {
        let mut end = limit.min(out.len());
        while !out.is_char_boundary(end) {
            end -= 1;
        }
        out.truncate(end);
    }
    Ok(Said::bytes(StatusCode::OK, "text/plain", out))
}
