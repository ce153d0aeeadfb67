//! `konektor version`

use clap::Command;
use serde_json::json;

use crate::{
    desk::Desk,
    error::Failure,
    output::{Answer, View},
    verb::Local,
};

pub(crate) static VERSION: Local = Local {
    path: &["version"],
    noun: "",
    needs: &[],
    shape: |command: Command, _| {
        command
            .about("The versions of the program and of the API that it knows.")
            .after_help("Examples:\n  konektor version\n  konektor version --jq .api")
    },
    run: |desk| Box::pin(std::future::ready(run(desk))),
};

/// `konektor 2.0.0`
pub(crate) const LINE: &str = concat!("konektor ", env!("CARGO_PKG_VERSION"));

fn run<'a>(desk: &Desk<'a>) -> Result<Answer<'a>, Failure> {
    let api = desk.spec.version();
    Answer::new(
        &json!({"version": env!("CARGO_PKG_VERSION"), "api": api}),
        View::Text(format!("{LINE}\nAgent API {api}")),
    )
}
