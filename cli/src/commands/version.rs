//! `konektor version`

use clap::Command;
use konektor_spec::API_VERSION;
use serde_json::json;

use crate::{
    commands::LocalCommand,
    error::Failure,
    render::{Answer, View},
};

pub(crate) static VERSION: LocalCommand = LocalCommand {
    path: &["version"],
    noun: "",
    needs: &[],
    shape: |command: Command| {
        command
            .about("The versions of the program and of the API that it knows.")
            .after_help("Examples:\n  konektor version\n  konektor version --jq .api")
    },
    run: |_| Box::pin(std::future::ready(run())),
};

/// `konektor 2.0.0`
pub(crate) const LINE: &str = concat!("konektor ", env!("CARGO_PKG_VERSION"));

fn run<'a>() -> Result<Answer<'a>, Failure> {
    let api = API_VERSION;
    Answer::new(
        &json!({"version": env!("CARGO_PKG_VERSION"), "api": api}),
        View::Text(format!("{LINE}\nAgent API {api}")),
    )
}
