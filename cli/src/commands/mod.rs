//! The commands, one file for each.

pub(crate) mod analytics;
pub(crate) mod api;
mod api_command;
pub(crate) mod auth;
pub(crate) mod config;
pub(crate) mod conversions;
pub(crate) mod doctor;
pub(crate) mod leads;
pub(crate) mod skill;
pub(crate) mod support;
pub(crate) mod version;
pub(crate) mod watch;
pub(crate) mod workspace;

use std::{future::Future, pin::Pin};

use clap::Command;

pub(crate) use api_command::{ApiCommand, ApiEntry, Prepared};

use crate::{config::Setting, error::Failure, render::Answer, session::Context};

pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer<'a>, Failure>> + 'a>>;

/// A command that is no operation of the document.
pub(crate) struct LocalCommand {
    /// Its words.
    pub(crate) path: &'static [&'static str],
    /// What its noun is about, where no operation says so.
    pub(crate) noun: &'static str,
    /// The settings that it always needs, and stops without; what tells of settings and mends them needs none.
    /// Who takes a call needs more for that.
    pub(crate) needs: &'static [&'static Setting],
    /// What it takes, and its help.
    pub(crate) shape: fn(Command) -> Command,
    pub(crate) run: for<'a> fn(&'a Context<'a>) -> Running<'a>,
}

/// A command with its help.
pub(crate) fn described(command: Command, about: &'static str, examples: &str) -> Command {
    command
        .about(about)
        .after_help(format!("Examples:\n{examples}"))
}
