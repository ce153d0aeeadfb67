//! The Konektor Agent API server.

pub mod domain;
pub mod store;
pub mod vault;
