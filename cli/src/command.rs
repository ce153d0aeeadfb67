use clap::{Arg, Command, builder::ValueHint};
use konektor_spec::{Operation, Spec};

use crate::{error::Exit, flags, output::Format, verb};

/// Longer lines are hard to read.
pub(crate) const HELP_WIDTH: usize = 100;

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
    spec.operations()
        .iter()
        .fold(root(spec), |root, operation| {
            let Some(leaf) = leaf(operation) else {
                return root;
            };
            let about = about_noun(spec, operation);
            let nouns: Vec<_> = operation.id.rsplit('_').skip(1).collect();
            place(root, &nouns, about, leaf)
        })
}

fn root(spec: &Spec) -> Command {
    Command::new("konektor")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Leads, analytics and conversions of a Konektor workspace, in your terminal.")
        .max_term_width(HELP_WIDTH)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .arg(
            Format::flag()
                .global(true)
                .help_heading("Global options"),
        )
        .arg(
            Arg::new("base-url")
                .long("base-url")
                .value_name("URL")
                .value_hint(ValueHint::Url)
                .global(true)
                .help_heading("Global options")
                .help(format!(
                    "Where the server is [default: KONEKTOR_BASE_URL, else {}]",
                    default_server(spec)
                )),
        )
        .after_help(format!(
            "Environment:\n  \
             KONEKTOR_API_KEY   an API key of the workspace (never a flag: other programs see those)\n  \
             KONEKTOR_BASE_URL  where the server is\n  \
             NO_COLOR           no colours\n\n\
             Exit codes:\n{}\n\n\
             Examples:\n  \
             export KONEKTOR_API_KEY=kna_…\n  \
             konektor leads list --status new\n  \
             konektor leads update CRM-1024 --status qualified\n  \
             konektor analytics funnel --timeframe current_month -o json",
            exit_codes()
        ))
}

/// The server that the SDK turns to when nobody names one.
pub(crate) fn default_server(spec: &Spec) -> &str {
    spec.server_url().trim_end_matches(spec.base_path())
}

fn exit_codes() -> String {
    Exit::ALL
        .iter()
        .map(|exit| format!("  {}  {}", exit.code(), exit.meaning()))
        .collect::<Vec<_>>()
        .join("\n")
}

fn leaf(operation: &Operation) -> Option<Command> {
    let verb = verb::of(&operation.id)?;
    let name = operation.id.rsplit('_').next()?.to_owned();
    let command = Command::new(name)
        .about(operation.summary.clone())
        .long_about(operation.description.clone())
        .args(flags::of(operation))
        .after_help(format!("Examples:\n{}", verb.examples));
    Some((verb.shape)(command, operation))
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

fn about_noun<'a>(spec: &'a Spec, operation: &Operation) -> &'a str {
    spec.tags()
        .find(|(tag, _)| *tag == operation.tag)
        .map_or("", |(_, about)| about)
}
