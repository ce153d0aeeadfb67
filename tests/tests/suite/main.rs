//! Tests of the whole server on both engines. The modules mirror the URLs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "this is how a test fails"
)]

mod analytics;
mod at_rest;
mod cli;
mod commands;
mod conformance;
mod conversions;
mod document;
mod encryption;
mod gate;
mod hostile;
mod idempotency;
mod leads;
mod promises;
mod prompts;
mod properties;
mod sdk;
mod statements;
mod store_sql;
mod support;
mod workspace;
