use serde_json::json;

use crate::{
    commands::config::name_argument,
    config::{PROFILE, Setting, unknown_setting},
};
use crate::{
    commands::{LocalCommand, described},
    error::Failure,
    render::{Answer, View},
    session::Context,
};

const ABOUT: &str = "Show the value of a setting.";
const EXAMPLES: &str = "  konektor config get base-url
  konektor config get max-wait --profile toko";

pub(crate) static GET: LocalCommand = LocalCommand {
    path: &["config", "get"],
    noun: "Profiles and their settings.",
    needs: &[],
    shape: |command| described(command, ABOUT, EXAMPLES).arg(name_argument()),
    run: |context| Box::pin(std::future::ready(run(context))),
};

fn run<'a>(context: &Context<'a>) -> Result<Answer<'a>, Failure> {
    let name = context.required("name")?;
    let found = match Setting::from_name(name) {
        Some(setting) => context.settings.require(setting)?,
        None if name == PROFILE => context.settings.require_profile()?,
        None => return Err(unknown_setting(name)),
    };
    Answer::new(
        &json!({"name": name, "value": found.text, "source": found.source.to_string()}),
        View::Text(found.text.clone()),
    )
}
