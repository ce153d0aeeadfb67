//! The commands: one for each operation of the document, and those that stay on this machine.

use std::{future::Future, pin::Pin};

use clap::Command;
use konektor_spec::{Operation, OperationId, Spec};

use crate::{
    analytics, api, auth,
    call::Call,
    config::{self, Setting},
    conversions,
    desk::Desk,
    doctor,
    error::Failure,
    help, leads,
    output::Answer,
    shell, skill, support, version, workspace,
};

/// What the document does not say about a command.
pub(crate) struct Verb {
    /// Command lines, shown at the end of the help.
    pub(crate) examples: &'static str,
    /// Changes to the command that the document makes.
    pub(crate) shape: fn(Command, &Operation) -> Command,
    /// Makes the call.
    pub(crate) run: for<'a> fn(&'a Call<'a>) -> Running<'a>,
}

pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer<'a>, Failure>> + 'a>>;

/// The verb of an operation. A new operation does not compile until someone gives it one.
pub(crate) fn of(operation: OperationId) -> &'static Verb {
    match operation {
        OperationId::LeadsList => &leads::list::VERB,
        OperationId::LeadsGet => &leads::get::VERB,
        OperationId::LeadsCreate => &leads::create::VERB,
        OperationId::LeadsUpdate => &leads::update::VERB,
        OperationId::LeadsUpsert => &leads::upsert::VERB,
        OperationId::AnalyticsSummary => &analytics::summary::VERB,
        OperationId::AnalyticsFunnel => &analytics::funnel::VERB,
        OperationId::AnalyticsCampaigns => &analytics::campaigns::VERB,
        OperationId::ConversionsStatus => &conversions::status::VERB,
        OperationId::ConversionsPending => &conversions::pending::VERB,
        OperationId::WorkspaceShow => &workspace::show::VERB,
        OperationId::SupportTicketCreate => &support::ticket::create::VERB,
        OperationId::SkillShow => &skill::show::VERB,
    }
}

/// The command just as the document makes it.
pub(crate) fn as_documented(command: Command, _: &Operation) -> Command {
    command
}

/// A command that is no operation of the document.
pub(crate) struct Local {
    /// Its words.
    pub(crate) path: &'static [&'static str],
    /// What its noun is about, where no operation says so.
    pub(crate) noun: &'static str,
    /// The settings that it always needs, and stops without; what tells of settings and mends them needs none.
    /// Who takes a call needs more for that.
    pub(crate) needs: &'static [&'static Setting],
    /// What it takes, and its help; without the document when no more is shown than what it is about.
    pub(crate) shape: fn(Command, Option<&Spec>) -> Command,
    pub(crate) run: for<'a> fn(&'a Desk<'a>) -> Running<'a>,
}

/// A command with its help.
pub(crate) fn described(command: Command, about: &'static str, examples: &str) -> Command {
    command
        .about(about)
        .after_help(format!("Examples:\n{examples}"))
}

/// In the order in which the help shows them.
pub(crate) static LOCALS: &[&Local] = &[
    &leads::import::IMPORT,
    &leads::export::EXPORT,
    &auth::login::LOGIN,
    &auth::logout::LOGOUT,
    &auth::status::STATUS,
    &config::get::GET,
    &config::set::SET,
    &config::list::LIST,
    &config::path::PATH,
    &api::API,
    &doctor::DOCTOR,
    &skill::installed::INSTALL,
    &skill::installed::CHECK,
    &shell::COMPLETION,
    &shell::MAN,
    &version::VERSION,
    &help::HELP,
];
