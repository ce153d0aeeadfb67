use std::ffi::OsString;

use clap::{Arg, ArgAction, Command, builder::ValueHint};
use konektor_spec::{Operation, OperationId, SERVER_URL, Spec, TAGS};

use crate::{
    commands::LocalCommand,
    config::{BASE_URL, MAX_WAIT, PROFILE, wait},
    env::HELP_WIDTH,
    flags, help,
    registry::{self, LOCAL_COMMANDS},
    render::{OutputOptions, documented},
    session::dry_run,
};

pub(crate) const VERBOSE: &str = "verbose";

const GLOBAL: &str = "Global options";

/// The command line that a document describes.
///
/// `leads_list` becomes `leads list`; its parameters and the fields of its body become flags, with the
/// values, ranges and defaults of the document.
///
/// ```
/// let command = konektor_cli::command(konektor_spec::Spec::builtin());
/// let list = command.find_subcommand("leads").and_then(|leads| leads.find_subcommand("list"));
/// assert!(list.is_some());
/// ```
#[must_use]
pub fn command(spec: &Spec) -> Command {
    let root = spec
        .operations()
        .iter()
        .fold(root(spec.server_url()), |root, operation| {
            let Some(leaf) = leaf(operation) else {
                return root;
            };
            let about = about_noun(spec.tags(), &operation.tag);
            let nouns: Vec<_> = operation.id.rsplit('_').skip(1).collect();
            place(root, &nouns, about, leaf)
        });
    LOCAL_COMMANDS.iter().fold(root, |root, local| {
        let nouns: Vec<_> = local.path.iter().rev().skip(1).copied().collect();
        place(root, &nouns, local.noun, local_leaf(local, Some(spec)))
    })
}

/// What the program's own help and version show, without what is below its nouns: reading the whole document
/// for them takes longer than everything else.
pub(crate) fn outline() -> Command {
    let root = OperationId::ALL
        .into_iter()
        .fold(root(SERVER_URL), |root, operation| {
            let about = about_noun(TAGS.iter().copied(), operation.tag());
            outlined(root, operation.as_str().split('_'), about)
        });
    LOCAL_COMMANDS
        .iter()
        .fold(root, |root, local| match local.path {
            [_] => root.subcommand(local_leaf(local, None)),
            path => outlined(root, path.iter().copied(), local.noun),
        })
}

fn outlined<'a>(root: Command, words: impl Iterator<Item = &'a str>, about: &str) -> Command {
    match words.into_iter().next() {
        Some(noun) if root.find_subcommand(noun).is_none() => {
            root.subcommand(Command::new(noun.to_owned()).about(about.to_owned()))
        }
        _ => root,
    }
}

/// Whether the outline is all that a command line is about.
pub(crate) fn needs_outline_only(arguments: &[OsString]) -> bool {
    match arguments {
        [_, word] => ["--help", "-h", "--version", "-V", "help"]
            .iter()
            .any(|known| word == known),
        arguments => arguments.len() < 2,
    }
}

fn root(server_url: &str) -> Command {
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
                    konektor_spec::origin(server_url)
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

fn leaf(operation: &Operation) -> Option<Command> {
    let api_command = registry::of(OperationId::named(&operation.id)?);
    let name = operation.id.rsplit('_').next()?.to_owned();
    let command = Command::new(name)
        .about(operation.summary.clone())
        .long_about(unwrapped(&operation.description))
        .args(flags::of(operation))
        .args(dry_run::flag_of(operation))
        .after_help(format!("Examples:\n{}", api_command.examples));
    let command = OutputOptions::flags_of(command, &documented(operation));
    Some((api_command.shape)(command, operation))
}

/// A text with each paragraph on one line, so that it is wrapped for the terminal and not for the document as well.
fn unwrapped(text: &str) -> String {
    let paragraphs = text.split("\n\n");
    paragraphs
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn local_leaf(local: &LocalCommand, spec: Option<&Spec>) -> Command {
    let name = local.path.last().copied().unwrap_or_default();
    (local.shape)(Command::new(name), spec)
}

/// Puts a command below its nouns, the innermost of which comes first.
fn place(parent: Command, nouns: &[&str], about: &str, leaf: Command) -> Command {
    let Some((noun, rest)) = nouns.split_last() else {
        return parent.subcommand(leaf);
    };
    let (noun, about) = ((*noun).to_owned(), about.to_owned());
    if parent.find_subcommand(&noun).is_some() {
        return parent.mut_subcommand(noun, |child| place(child, rest, &about, leaf));
    }
    let child = Command::new(noun)
        .about(about.clone())
        .subcommand_required(true)
        .arg_required_else_help(true);
    parent.subcommand(place(child, rest, &about, leaf))
}

fn about_noun<'a>(mut tags: impl Iterator<Item = (&'a str, &'a str)>, tag: &str) -> &'a str {
    tags.find(|(name, _)| *name == tag)
        .map_or("", |(_, about)| about)
}
