//! `konektor version`

use clap::Command;
use serde_json::json;

use crate::{
    commands::LocalCommand,
    error::Failure,
    render::{Answer, View},
    session::Context,
};

pub(crate) static VERSION: LocalCommand = LocalCommand {
    path: &["version"],
    noun: "",
    needs: &[],
    shape: |command: Command, _| {
        command
            .about("The versions of the program and of the API that it knows.")
            .after_help("Examples:\n  konektor version\n  konektor version --jq .api")
    },
    run: |context| Box::pin(std::future::ready(run(context))),
};

/// `konektor 2.0.0`
pub(crate) const LINE: &str = concat!("konektor ", env!("CARGO_PKG_VERSION"));

fn run<'a>(context: &Context<'a>) -> Result<Answer<'a>, Failure> {
    let api = context.spec.version();
    Answer::new(
        &json!({"version": env!("CARGO_PKG_VERSION"), "api": api}),
        View::Text(format!("{LINE}\nAgent API {api}")),
    )
}
