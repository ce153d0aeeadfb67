//! `konektor version`

use clap::Args;
use konektor_spec::API_VERSION;
use serde_json::json;

use crate::{
    commands::LocalCommand,
    error::Failure,
    render::{Answer, View},
    session::Context,
};

#[derive(Args)]
pub(crate) struct Version {}

impl LocalCommand for Version {
    const PATH: &'static [&'static str] = &["version"];
    const ABOUT: &'static str = "Show the version of the program and of its API";
    const EXAMPLES: &'static str = "  konektor version\n  konektor version --jq .api";

    async fn run<'a>(&self, _: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        run()
    }
}

/// `konektor 2.0.0`
pub(crate) const LINE: &str = concat!("konektor ", env!("CARGO_PKG_VERSION"));

fn run<'a>() -> Result<Answer<'a>, Failure> {
    let api = API_VERSION;
    Answer::new(
        &json!({"version": env!("CARGO_PKG_VERSION"), "api": api}),
        View::Text(format!("{LINE}\nAgent API {api}")),
    )
}
