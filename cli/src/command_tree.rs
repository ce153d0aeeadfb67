use clap::{Arg, ArgAction, Command, builder::ValueHint};
use konektor_spec::{OperationId, SERVER_URL, TAGS};

use crate::{
    config::{BASE_URL, MAX_WAIT, PROFILE, wait},
    env::HELP_WIDTH,
    help,
    registry::{self, LOCAL_COMMANDS},
    render::OutputOptions,
};

pub(crate) const VERBOSE: &str = "verbose";

const GLOBAL: &str = "Global options";

/// The command line.
///
/// `leads_list` is `leads list`; its parameters and the fields of its body are flags, with the values, ranges and
/// defaults of the document. The arguments of a command are there when it is built, since a command line needs those of
/// one command.
///
/// ```
/// let mut command = konektor_cli::command();
/// command.build();
/// let list = command.find_subcommand("leads").and_then(|leads| leads.find_subcommand("list"));
/// assert!(list.is_some_and(|list| list.get_arguments().any(|flag| flag.get_long() == Some("status"))));
/// ```
#[must_use]
pub fn command() -> Command {
    let root = OperationId::ALL
        .into_iter()
        .fold(root(), |root, operation| {
            let mut words = operation.as_str().rsplit('_');
            let verb = Command::new(words.next().unwrap_or_default());
            let command = registry::of(operation);
            let leaf = verb.about(command.about).defer(command.shape);
            place(
                root,
                &words.collect::<Vec<_>>(),
                about_noun(operation.tag()),
                leaf,
            )
        });
    LOCAL_COMMANDS.iter().fold(root, |root, local| {
        let mut words = local.path.iter().rev().copied();
        let leaf = (local.shape)(Command::new(words.next().unwrap_or_default()));
        place(root, &words.collect::<Vec<_>>(), local.noun, leaf)
    })
}

fn root() -> Command {
    let root = Command::new("konektor")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Leads, analytics and conversions of a Konektor workspace, in your terminal.")
        .max_term_width(HELP_WIDTH)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new(BASE_URL.name)
                .long(BASE_URL.name)
                .value_name("URL")
                .value_hint(ValueHint::Url)
                .global(true)
                .help_heading(GLOBAL)
                .help(format!(
                    "Where the server is [default: KONEKTOR_BASE_URL, the profile, else {}]",
                    konektor_spec::origin(SERVER_URL)
                )),
        )
        .arg(
            Arg::new(PROFILE)
                .long(PROFILE)
                .value_name("NAME")
                .global(true)
                .help_heading(GLOBAL)
                .help("Whose settings and key to use [default: KONEKTOR_PROFILE, else the one in use]"),
        )
        .arg(
            Arg::new(MAX_WAIT.name)
                .long(MAX_WAIT.name)
                .value_name("TIME")
                .global(true)
                .help_heading(GLOBAL)
                .value_parser(|text: &str| wait(text).map(|_| text.to_owned()))
                .help(
                    "How long to wait when there were too many requests, like 30s or 5m; \
                     0 never waits [default: 30s]",
                ),
        )
        .arg(
            Arg::new(VERBOSE)
                .long(VERBOSE)
                .action(ArgAction::SetTrue)
                .global(true)
                .help_heading(GLOBAL)
                .help("Say on stderr what is sent and how it is answered"),
        )
        .disable_help_subcommand(true)
        .after_help(format!(
            "Learn more:\n{}\n\n\
             Examples:\n  \
             konektor auth login\n  \
             konektor leads list --status new --since 7d\n  \
             konektor leads update CRM-1024 --status qualified\n  \
             konektor analytics funnel --timeframe current_month -o json",
            help::topics()
        ));
    OutputOptions::flags(root, GLOBAL)
}

/// Puts a command below its nouns, the innermost of which comes first.
fn place(parent: Command, nouns: &[&'static str], about: &'static str, leaf: Command) -> Command {
    let Some((noun, rest)) = nouns.split_last() else {
        return parent.subcommand(leaf);
    };
    if parent.find_subcommand(noun).is_some() {
        return parent.mut_subcommand(noun, |child| place(child, rest, about, leaf));
    }
    let child = Command::new(*noun)
        .about(about)
        .subcommand_required(true)
        .arg_required_else_help(true);
    parent.subcommand(place(child, rest, about, leaf))
}

fn about_noun(tag: &str) -> &'static str {
    TAGS.iter()
        .find(|(name, _)| *name == tag)
        .map_or("", |(_, about)| about)
}
