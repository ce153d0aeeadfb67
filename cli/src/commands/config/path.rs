use serde_json::json;

use crate::{
    commands::{LocalCommand, described},
    error::Failure,
    render::{Answer, View},
    session::Context,
};

const ABOUT: &str = "Show where the config file is.";
const EXAMPLES: &str = "  konektor config path
  $EDITOR \"$(konektor config path)\"";

pub(crate) static PATH: LocalCommand = LocalCommand {
    path: &["config", "path"],
    noun: "Profiles and their settings.",
    needs: &[],
    shape: |command| described(command, ABOUT, EXAMPLES),
    run: |context| Box::pin(std::future::ready(run(context))),
};

fn run<'a>(context: &Context<'a>) -> Result<Answer<'a>, Failure> {
    let path = context.settings.config.file()?.display().to_string();
    Answer::new(&json!({"path": path}), View::Text(path.clone()))
}
