//! The commands, one file for each.

pub(crate) mod analytics;
pub(crate) mod api;
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
use konektor_spec::{Operation, Spec};

use crate::{
    config::Setting,
    error::Failure,
    render::Answer,
    session::{Call, Context},
};

/// What the document does not say about a command.
pub(crate) struct ApiCommand {
    /// Command lines, shown at the end of the help.
    pub(crate) examples: &'static str,
    /// Changes to the command that the document makes.
    pub(crate) shape: fn(Command, &Operation) -> Command,
    /// Makes the call.
    pub(crate) run: for<'a> fn(&'a Call<'a>) -> Running<'a>,
}

pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer<'a>, Failure>> + 'a>>;

/// The command just as the document makes it.
pub(crate) fn as_documented(command: Command, _: &Operation) -> Command {
    command
}

/// A command that is no operation of the document.
pub(crate) struct LocalCommand {
    /// Its words.
    pub(crate) path: &'static [&'static str],
    /// What its noun is about, where no operation says so.
    pub(crate) noun: &'static str,
    /// The settings that it always needs, and stops without; what tells of settings and mends them needs none.
    /// Who takes a call needs more for that.
    pub(crate) needs: &'static [&'static Setting],
    /// What it takes, and its help; without the document when no more is shown than what it is about.
    pub(crate) shape: fn(Command, Option<&Spec>) -> Command,
    pub(crate) run: for<'a> fn(&'a Context<'a>) -> Running<'a>,
}

/// A command with its help.
pub(crate) fn described(command: Command, about: &'static str, examples: &str) -> Command {
    command
        .about(about)
        .after_help(format!("Examples:\n{examples}"))
}
