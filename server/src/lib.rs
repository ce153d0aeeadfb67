//! The Konektor Agent API server.
//!
//! A request is a straight line: router → request id, limits on size and time → gate (who, from where, which plan,
//! how often, which scope) → validated input → operation → store (→ vault at its edge) → envelope.

pub mod api;
pub mod app;
mod background;
mod bodies;
pub mod clock;
pub mod commands;
mod connection;
pub mod domain;
pub mod gate;
pub mod input;
mod load;
pub mod logging;
mod pages;
mod panics;
mod pipeline;
mod places;
pub mod reply;
pub mod seed;
pub mod serve;
pub mod store;
pub mod vault;
