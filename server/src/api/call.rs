//! One call of an operation.

use std::{future::Future, pin::Pin, sync::Arc};

use jiff::Timestamp;
use konektor_spec::Operation;

use crate::{error::Error, gate::Caller, reply::Reply, state::AppState, validation::Input};

/// A request to an operation from an admitted caller.
pub struct Call {
    /// The state of the server.
    pub state: Arc<AppState>,
    /// The operation.
    pub operation: Arc<Operation>,
    /// The caller.
    pub caller: Caller,
    /// The input.
    pub input: Input,
    /// The time of the request.
    pub now: Timestamp,
}

/// The function that runs an operation.
pub type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send>>;
