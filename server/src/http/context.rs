//! What all HTTP requests share, in addition to the state of the server.

use std::{sync::Arc, time::Duration};

use super::{body_budget::BodyBudget, documents::Documents};
use crate::state::AppState;

pub(super) struct HttpContext {
    pub(super) state: Arc<AppState>,
    pub(super) documents: Documents,
    pub(super) bodies: BodyBudget,
}

impl HttpContext {
    /// How long a request may take to arrive.
    pub(super) fn arrival_timeout(&self) -> Duration {
        self.state.limits().arrival
    }
}
