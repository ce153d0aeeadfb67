//! `konektor help` and its topics.

mod topics;

use std::ffi::OsString;

use clap::{Args, builder::PossibleValuesParser};

use crate::{
    commands::LocalCommand,
    error::Failure,
    render::{Answer, View},
    session::Context,
};

#[derive(Args)]
#[command(override_usage = "konektor help [COMMAND]...\n       konektor help <TOPIC>")]
pub(crate) struct Help {
    #[arg(
        value_name = "TOPIC",
        value_parser = PossibleValuesParser::new(topics::ALL.iter().map(|topic| topic.name)),
        help = "What to explain"
    )]
    topic: String,
}

impl LocalCommand for Help {
    const PATH: &'static [&'static str] = &["help"];
    const ABOUT: &'static str = "Explain a command or a topic";
    const EXAMPLES: &'static str = "  konektor help leads list
  konektor help exit-codes
  konektor help environment
  konektor help formatting";

    async fn run<'a>(&self, _: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        let topic = topics::ALL.iter().find(|topic| topic.name == self.topic);
        let text = topic.map(|topic| (topic.text)()).unwrap_or_default();
        Answer::new(&text, View::Text(text.clone()))
    }
}

/// Rewrites `help leads list` to `leads list --help`. Topics stay as they are.
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

/// Lists the topics, for the top-level help.
pub(crate) fn topics() -> String {
    topics::ALL
        .iter()
        .map(|topic| format!("  konektor help {:<12} {}", topic.name, topic.about))
        .collect::<Vec<_>>()
        .join("\n")
}
