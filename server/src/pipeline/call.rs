//! One call of an operation: checks the scope, validates the input, runs the operation.

use std::sync::Arc;

use tokio::time::Instant;

use super::deadline;
use crate::{
    api::{call::Call, operations::Endpoint},
    error::Error,
    gate::Caller,
    reply::Reply,
    state::AppState,
    validation::Sent,
};

/// Calls an operation for an admitted caller. `read` returns the input; it is not called if the key lacks the scope.
///
/// # Errors
/// If the scope is missing, the input is not valid, or the operation or `read` fails.
pub(crate) async fn call<E: From<Error>>(
    state: &Arc<AppState>,
    caller: Caller,
    endpoint: &Endpoint,
    deadline: Instant,
    read: impl FnOnce() -> Result<Sent, E>,
) -> Result<Reply, E> {
    if let Some(scope) = endpoint.operation.scope() {
        caller.check_scope(scope)?;
    }
    let input = state.rules().check(endpoint.id, read()?)?;
    let progress = caller.tenant.progress().clone();
    let call = Call {
        state: Arc::clone(state),
        operation: Arc::clone(&endpoint.operation),
        caller,
        input,
        now: state.clock().now(),
    };
    let reply = (endpoint.handler)(call);
    Ok(deadline::before(deadline, Some(&progress), reply).await?)
}
