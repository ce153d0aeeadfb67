//! One call of an operation: scope, input, operation.

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

/// Calls an operation for a caller who was let in. `read` hands over what was sent; it is not called for a caller
/// whose key lacks the scope of the operation.
///
/// # Errors
/// The refusal of the scope, of what was sent or of the operation, and `read`'s own error.
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
