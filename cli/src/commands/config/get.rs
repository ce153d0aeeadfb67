use clap::Args;
use serde_json::json;

use super::SettingName;
use crate::{
    commands::LocalCommand,
    config::{PROFILE, Setting, unknown_setting},
    error::Failure,
    render::{Answer, View},
    session::Context,
};

#[derive(Args)]
pub(crate) struct Get {
    #[command(flatten)]
    name: SettingName,
}

impl LocalCommand for Get {
    const PATH: &'static [&'static str] = &["config", "get"];
    const ABOUT: &'static str = "Show the value of a setting";
    const EXAMPLES: &'static str = "  konektor config get base-url
  konektor config get max-wait --profile toko";

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        run(context, &self.name.name)
    }
}

fn run<'a>(context: &Context<'a>, name: &str) -> Result<Answer<'a>, Failure> {
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
