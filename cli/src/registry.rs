//! The commands: one for each operation of the document, and those that stay on this machine.

use konektor_spec::OperationId;

use crate::{
    commands::{
        ApiCommand, LocalCommand, analytics, api, auth, config, conversions, doctor, leads, skill,
        support, version, workspace,
    },
    completion, help,
};

/// The command of an operation. A new operation does not compile until someone gives it one.
pub(crate) fn of(operation: OperationId) -> &'static ApiCommand {
    match operation {
        OperationId::LeadsList => &leads::list::COMMAND,
        OperationId::LeadsGet => &leads::get::COMMAND,
        OperationId::LeadsCreate => &leads::create::COMMAND,
        OperationId::LeadsUpdate => &leads::update::COMMAND,
        OperationId::LeadsUpsert => &leads::upsert::COMMAND,
        OperationId::AnalyticsSummary => &analytics::summary::COMMAND,
        OperationId::AnalyticsFunnel => &analytics::funnel::COMMAND,
        OperationId::AnalyticsCampaigns => &analytics::campaigns::COMMAND,
        OperationId::ConversionsStatus => &conversions::status::COMMAND,
        OperationId::ConversionsPending => &conversions::pending::COMMAND,
        OperationId::WorkspaceShow => &workspace::show::COMMAND,
        OperationId::SupportTicketCreate => &support::ticket::create::COMMAND,
        OperationId::SkillShow => &skill::show::COMMAND,
    }
}

/// In the order in which the help shows them.
pub(crate) static LOCAL_COMMANDS: &[&LocalCommand] = &[
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
    &completion::COMPLETION,
    &completion::MAN,
    &version::VERSION,
    &help::HELP,
];
