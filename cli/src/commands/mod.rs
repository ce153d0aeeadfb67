//! The commands, one file for each.

pub(crate) mod analytics;
pub(crate) mod api;
mod api_command;
pub(crate) mod auth;
pub(crate) mod config;
pub(crate) mod conversions;
pub(crate) mod doctor;
mod entry;
pub(crate) mod leads;
mod local_command;
pub(crate) mod skill;
pub(crate) mod support;
pub(crate) mod version;
mod watch;
pub(crate) mod workspace;

pub(crate) use api_command::{ApiCommand, Prepared};
pub(crate) use entry::{Entry, Execute, Invocation};
pub(crate) use local_command::LocalCommand;
