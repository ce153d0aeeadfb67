//! The Konektor Agent API server.
//!
//! A request is a straight line: transport → http → gate → validation → operation → store (→ vault at its edge) →
//! reply → http. Dependencies point in that direction only.

pub mod api;
pub mod clock;
pub mod commands;
pub mod domain;
pub mod error;
pub mod gate;
pub mod http;
mod jobs;
pub mod logging;
mod panics;
mod pipeline;
pub mod randomness;
pub mod reply;
pub mod seed;
pub mod server;
pub mod settings;
pub mod state;
pub mod store;
mod transport;
pub mod validation;
pub mod vault;
