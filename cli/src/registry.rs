//! All commands: one for each operation of the document, and the commands that are not operations.

use clap::{Args as _, Command};
use konektor_spec::OperationId;

use crate::{
    commands::{
        Entry, analytics, api, auth, config, conversions, doctor, leads, skill, support, version,
        workspace,
    },
    completion::{Completion, Man},
    env::HELP_WIDTH,
    help::{self, Help},
    session::GlobalArgs,
};

/// The command of an operation. A new operation does not compile until it has one.
fn operation(operation: OperationId) -> Entry {
    match operation {
        OperationId::LeadsList => Entry::api::<leads::list::List>(),
        OperationId::LeadsGet => Entry::api::<leads::get::Get>(),
        OperationId::LeadsCreate => Entry::api::<leads::create::Create>(),
        OperationId::LeadsUpdate => Entry::api::<leads::update::Update>(),
        OperationId::LeadsUpsert => Entry::api::<leads::upsert::Upsert>(),
        OperationId::AnalyticsSummary => Entry::api::<analytics::summary::Summary>(),
        OperationId::AnalyticsFunnel => Entry::api::<analytics::funnel::Funnel>(),
        OperationId::AnalyticsCampaigns => Entry::api::<analytics::campaigns::Campaigns>(),
        OperationId::ConversionsStatus => Entry::api::<conversions::status::Status>(),
        OperationId::ConversionsPending => Entry::api::<conversions::pending::Pending>(),
        OperationId::WorkspaceShow => Entry::api::<workspace::show::Show>(),
        OperationId::SupportTicketCreate => Entry::api::<support::ticket::create::Create>(),
        OperationId::SkillShow => Entry::api::<skill::show::Show>(),
    }
}

/// The commands that are not operations, in the order in which the help shows them.
static LOCAL_COMMANDS: &[fn() -> Entry] = &[
    Entry::local::<leads::import::Import>,
    Entry::local::<leads::export::Export>,
    Entry::local::<auth::login::Login>,
    Entry::local::<auth::logout::Logout>,
    Entry::local::<auth::status::Status>,
    Entry::local::<config::get::Get>,
    Entry::local::<config::set::Set>,
    Entry::local::<config::list::List>,
    Entry::local::<config::path::Path>,
    Entry::local::<api::Api>,
    Entry::local::<doctor::Doctor>,
    Entry::local::<skill::installed::Install>,
    Entry::local::<skill::installed::Check>,
    Entry::local::<Completion>,
    Entry::local::<Man>,
    Entry::local::<version::Version>,
    Entry::local::<Help>,
];

fn entries() -> impl Iterator<Item = Entry> {
    let operations = OperationId::ALL.into_iter().map(operation);
    operations.chain(LOCAL_COMMANDS.iter().map(|entry| entry()))
}

/// Finds the command with this path.
pub(crate) fn find(path: &[&str]) -> Option<Entry> {
    entries().find(|entry| entry.path == path)
}

/// The command line.
///
/// The operation `leads_list` is the command `leads list`. Its parameters and the fields of its body are flags with the
/// values and defaults of the document. The arguments of a command are added when clap builds it, because a run needs
/// those of one command only.
///
/// ```
/// let mut command = konektor_cli::command();
/// command.build();
/// let list = command.find_subcommand("leads").and_then(|leads| leads.find_subcommand("list"));
/// assert!(list.is_some_and(|list| list.get_arguments().any(|flag| flag.get_long() == Some("status"))));
/// ```
#[must_use]
pub fn command() -> Command {
    entries().fold(root(), |root, entry| {
        let mut words = entry.path.iter().rev().copied();
        let leaf = Command::new(words.next().unwrap_or_default())
            .about(entry.about)
            .defer(entry.shape);
        let nouns: Vec<_> = words.collect();
        place(root, &nouns, leaf)
    })
}

fn root() -> Command {
    GlobalArgs::augment_args(
        Command::new("konektor")
            .version(env!("CARGO_PKG_VERSION"))
            .about("Leads, analytics and conversions of a Konektor workspace, in your terminal.")
            .max_term_width(HELP_WIDTH)
            .subcommand_required(true)
            .arg_required_else_help(true)
            .disable_help_subcommand(true)
            .after_help(format!(
                "Learn more:\n{}\n\n\
                 Examples:\n  \
                 konektor auth login\n  \
                 konektor leads list --status new --since 7d\n  \
                 konektor leads update CRM-1024 --status qualified\n  \
                 konektor analytics funnel --timeframe current_month -o json",
                help::topics()
            )),
    )
}

/// Returns the description of the commands below a noun.
fn about(noun: &str) -> &'static str {
    match noun {
        "leads" => "List, create, update, import and export leads",
        "analytics" => "Show the leads and conversions of a period",
        "conversions" => "Show how conversions sync to the ad platforms",
        "workspace" => "Show the workspace, its plan and its usage",
        "support" => "Contact Konektor's support team",
        "ticket" => "Open support tickets",
        "skill" => "Show, install and check the guide for agents",
        "auth" => "Log in and out",
        "config" => "View and change settings",
        _ => "",
    }
}

/// Puts a command below its nouns, the innermost of which comes first.
fn place(parent: Command, nouns: &[&'static str], leaf: Command) -> Command {
    let Some((noun, rest)) = nouns.split_last() else {
        return parent.subcommand(leaf);
    };
    if parent.find_subcommand(noun).is_some() {
        return parent.mut_subcommand(noun, |child| place(child, rest, leaf));
    }
    let child = Command::new(*noun)
        .about(about(noun))
        .subcommand_required(true)
        .arg_required_else_help(true);
    parent.subcommand(place(child, rest, leaf))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_noun_has_a_description() {
        fn check(command: &Command) {
            let about = command.get_about().map(ToString::to_string);
            assert!(about.is_some_and(|about| !about.is_empty()), "{command:?}");
            command.get_subcommands().for_each(check);
        }
        check(&command());
    }
}
