//! The commands, one for each operation of the document.

use std::{future::Future, pin::Pin};

use clap::Command;
use konektor_spec::Operation;

use crate::{
    analytics, call::Call, conversions, error::Failure, leads, output::Answer, skill, support,
    workspace,
};

/// What the document does not say about a command.
pub(crate) struct Verb {
    /// The `operationId`; its words are the command.
    pub(crate) operation: &'static str,
    /// Command lines, shown at the end of the help.
    pub(crate) examples: &'static str,
    /// Changes to the command that the document makes.
    pub(crate) shape: fn(Command, &Operation) -> Command,
    /// Makes the call.
    pub(crate) run: for<'a> fn(&'a Call<'a>) -> Running<'a>,
}

pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer, Failure>> + 'a>>;

static VERBS: &[Verb] = &[
    leads::list::VERB,
    leads::get::VERB,
    leads::create::VERB,
    leads::update::VERB,
    leads::upsert::VERB,
    analytics::summary::VERB,
    analytics::funnel::VERB,
    analytics::campaigns::VERB,
    conversions::status::VERB,
    conversions::pending::VERB,
    workspace::show::VERB,
    support::ticket::create::VERB,
    skill::show::VERB,
];

/// The verb of an `operationId`.
pub(crate) fn of(operation: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.operation == operation)
}

/// The command just as the document makes it.
pub(crate) fn as_documented(command: Command, _: &Operation) -> Command {
    command
}
