//! The commands: one for each operation of the document, and those that stay on this machine.

use konektor_spec::OperationId;

use crate::{
    commands::{
        ApiEntry, LocalCommand, analytics, api, auth, config, conversions, doctor, leads, skill,
        support, version, workspace,
    },
    completion, help,
};

/// The command of an operation. A new operation does not compile until it has one.
pub(crate) fn of(operation: OperationId) -> ApiEntry {
    match operation {
        OperationId::LeadsList => ApiEntry::of::<leads::list::List>(),
        OperationId::LeadsGet => ApiEntry::of::<leads::get::Get>(),
        OperationId::LeadsCreate => ApiEntry::of::<leads::create::Create>(),
        OperationId::LeadsUpdate => ApiEntry::of::<leads::update::Update>(),
        OperationId::LeadsUpsert => ApiEntry::of::<leads::upsert::Upsert>(),
        OperationId::AnalyticsSummary => ApiEntry::of::<analytics::summary::Summary>(),
        OperationId::AnalyticsFunnel => ApiEntry::of::<analytics::funnel::Funnel>(),
        OperationId::AnalyticsCampaigns => ApiEntry::of::<analytics::campaigns::Campaigns>(),
        OperationId::ConversionsStatus => ApiEntry::of::<conversions::status::Status>(),
        OperationId::ConversionsPending => ApiEntry::of::<conversions::pending::Pending>(),
        OperationId::WorkspaceShow => ApiEntry::of::<workspace::show::Show>(),
        OperationId::SupportTicketCreate => ApiEntry::of::<support::ticket::create::Create>(),
        OperationId::SkillShow => ApiEntry::of::<skill::show::Show>(),
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
