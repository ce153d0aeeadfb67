use clap::Args;
use serde_json::json;

use crate::{
    commands::LocalCommand,
    error::Failure,
    render::{Answer, View},
    session::Context,
};

#[derive(Args)]
pub(crate) struct Path {}

impl LocalCommand for Path {
    const PATH: &'static [&'static str] = &["config", "path"];
    const ABOUT: &'static str = "Show where the config file is";
    const EXAMPLES: &'static str = "  konektor config path
  $EDITOR \"$(konektor config path)\"";

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        run(context)
    }
}

fn run<'a>(context: &Context<'a>) -> Result<Answer<'a>, Failure> {
    let path = context.settings.config.file()?.display().to_string();
    Answer::new(&json!({"path": path}), View::Text(path.clone()))
}
