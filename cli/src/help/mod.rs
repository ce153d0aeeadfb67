//! `konektor help`, and what it tells beside the commands.

mod topics;

use std::ffi::OsString;

use clap::{Arg, Command};

use crate::{
    commands::LocalCommand,
    error::Failure,
    render::{Answer, View},
    session::Context,
};

const TOPIC: &str = "topic";

pub(crate) static HELP: LocalCommand = LocalCommand {
    path: &["help"],
    noun: "",
    needs: &[],
    shape,
    run: |context| Box::pin(std::future::ready(run(context))),
};

fn shape(command: Command) -> Command {
    let names: Vec<_> = topics::ALL.iter().map(|topic| topic.name).collect();
    command
        .about("Explain a command, or a topic.")
        .override_usage("konektor help [COMMAND]...\n       konektor help <TOPIC>")
        .arg(
            Arg::new(TOPIC)
                .value_parser(names)
                .required(true)
                .help("What to explain"),
        )
        .after_help(
            "Examples:\n  \
             konektor help leads list\n  \
             konektor help exit-codes\n  \
             konektor help environment\n  \
             konektor help formatting",
        )
}

fn run<'a>(context: &Context<'a>) -> Result<Answer<'a>, Failure> {
    let name = context.matches.get_one::<String>(TOPIC);
    let topic = topics::ALL
        .iter()
        .find(|topic| Some(topic.name) == name.map(String::as_str))
        .ok_or_else(|| Failure::usage("there is no such topic"))?;
    let text = (topic.text)();
    Answer::new(&text, View::Text(text.clone()))
}

/// `help leads list` is `leads list --help`; topics stay.
pub(crate) fn as_flag(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let is = |at: usize, words: &[&str]| {
        arguments
            .get(at)
            .is_some_and(|word| words.iter().any(|known| word == known))
    };
    let topics: Vec<_> = topics::ALL.iter().map(|topic| topic.name).collect();
    if is(1, &["help"]) && !is(2, &topics) && !is(2, &["--help", "-h"]) {
        arguments.remove(1);
        arguments.push("--help".into());
    }
    arguments
}

/// The topics for the help of the program itself.
pub(crate) fn topics() -> String {
    topics::ALL
        .iter()
        .map(|topic| format!("  konektor help {:<12} {}", topic.name, topic.about))
        .collect::<Vec<_>>()
        .join("\n")
}
