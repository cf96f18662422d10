//! Which policy holds which.

use std::sync::Arc;

use k8s_api::transport::Transport;

use super::preset::Preset;
use super::{attempt, auth, deadline, retry, whole};
use crate::auth::Credential;
use crate::outside::Outside;

/// From the outermost: total deadline, retry, whole, auth, attempt deadline, `transport`.
///
/// - The total deadline is outside of all waiting.
/// - An attempt ends with its body (`whole`), so a body that breaks off is repeated too.
/// - Each attempt asks for a credential of its own: it may have been renewed during a wait.
/// - The replay after a 401 has an attempt's time of its own.
pub(crate) fn stack(
    transport: Arc<dyn Transport>,
    credential: Option<Arc<dyn Credential>>,
    preset: Preset,
    outside: Arc<dyn Outside>,
) -> Arc<dyn Transport> {
    let mut stack = attempt::layer(transport, outside.clone());
    if let Some(credential) = credential {
        stack = auth::layer(stack, credential);
    }
    stack = whole::layer(stack);
    stack = retry::layer(stack, preset, outside.clone());
    deadline::layer(stack, outside)
}
