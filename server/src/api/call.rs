//! One call of an operation.

use std::{future::Future, pin::Pin, sync::Arc};

use jiff::Timestamp;
use konektor_spec::Operation;

use crate::{error::Error, gate::Caller, reply::Reply, state::AppState, validation::Input};

/// An admitted request, on its way through an operation.
pub struct Call {
    /// What all requests share.
    pub state: Arc<AppState>,
    /// What is asked for.
    pub operation: Arc<Operation>,
    /// Who sent it.
    pub caller: Caller,
    /// What was sent.
    pub input: Input,
    /// When it came.
    pub now: Timestamp,
}

/// The code behind an operation.
pub type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Result<Reply, Error>> + Send>>;
