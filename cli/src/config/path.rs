use serde_json::json;

use crate::{
    desk::Desk,
    error::Failure,
    output::{Answer, View},
    verb::{Local, described},
};

const ABOUT: &str = "Show where the config file is.";
const EXAMPLES: &str = "  konektor config path
  $EDITOR \"$(konektor config path)\"";

pub(crate) static PATH: Local = Local {
    path: &["config", "path"],
    noun: "Profiles and their settings.",
    needs: &[],
    shape: |command, _| described(command, ABOUT, EXAMPLES),
    run: |desk| Box::pin(std::future::ready(run(desk))),
};

fn run<'a>(desk: &Desk<'a>) -> Result<Answer<'a>, Failure> {
    let path = desk.settings.config.file()?.display().to_string();
    Answer::new(&json!({"path": path}), View::Text(path.clone()))
}
