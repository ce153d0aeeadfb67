//! HTTP: requests are read into values, go through the pipeline, and its replies and errors become responses.

mod body;
mod body_budget;
mod context;
mod documents;
mod error;
mod exchange;
mod handlers;
mod headers;
mod json;
mod peer;
mod query;
mod request;
mod response;
mod router;
#[cfg(test)]
mod tests;

pub use error::HttpError;
pub use peer::Peer;
pub(crate) use peer::ReceivedAt;
pub use request::read;
pub(crate) use router::router;
