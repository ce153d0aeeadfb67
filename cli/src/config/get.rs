use serde_json::json;

use super::{PROFILE, Setting, name_argument};
use crate::{
    desk::Desk,
    error::Failure,
    output::{Answer, View},
    verb::{Local, described},
};

const ABOUT: &str = "Show the value of a setting.";
const EXAMPLES: &str = "  konektor config get base-url
  konektor config get max-wait --profile toko";

pub(crate) static GET: Local = Local {
    path: &["config", "get"],
    noun: "Profiles and their settings.",
    needs: &[],
    shape: |command, _| described(command, ABOUT, EXAMPLES).arg(name_argument()),
    run: |desk| Box::pin(std::future::ready(run(desk))),
};

fn run<'a>(desk: &Desk<'a>) -> Result<Answer<'a>, Failure> {
    let name = desk.required("name")?;
    let found = match Setting::named(name) {
        Some(setting) => desk.settings.require(setting)?,
        None if name == PROFILE => desk.settings.require_profile()?,
        None => return Err(Failure::unknown_setting(name)),
    };
    Answer::new(
        &json!({"name": name, "value": found.text, "source": found.source.to_string()}),
        View::Text(found.text.clone()),
    )
}
