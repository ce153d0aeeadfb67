//! HTTP: requests are read into values, go through the pipeline, and its replies and errors become responses.

pub(crate) mod body_budget;
mod context;
mod documents;
mod exchange;
mod peer;
mod router;

pub(crate) use context::arrival_timeout;
pub use peer::Peer;
pub(crate) use peer::ReceivedAt;
pub(crate) use router::router;
