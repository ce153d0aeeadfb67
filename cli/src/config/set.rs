use clap::Arg;
use serde_json::json;

use super::{Config, PROFILE, Setting, check_profile, name_argument};
use crate::{
    desk::Desk,
    error::Failure,
    output::{Answer, View},
    verb::{Local, described},
};

const ABOUT: &str = "Keep a setting in the profile, or say which profile is in use.";
const EXAMPLES: &str = "  konektor config set output json
  konektor config set max-wait 5m --profile nightly
  konektor config set profile toko
  konektor config set output ''     # the default again";

pub(crate) static SET: Local = Local {
    path: &["config", "set"],
    noun: "Profiles and their settings.",
    shape: |command, _| {
        described(command, ABOUT, EXAMPLES)
            .arg(name_argument())
            .arg(
                Arg::new("value")
                    .required(true)
                    .value_name("VALUE")
                    .help("Its value; an empty one takes the setting out of the profile"),
            )
    },
    run: |desk| Box::pin(std::future::ready(run(desk))),
};

fn run<'a>(desk: &Desk<'a>) -> Result<Answer<'a>, Failure> {
    let (name, value) = (desk.required("name")?, desk.required("value")?);
    let folder = desk.settings.folder();
    let profile = desk.settings.profile.text.as_str();
    match Setting::named(name) {
        None if name == PROFILE => {
            check_profile(value)?;
            Config::change(folder, |config| config.use_profile(value))?;
        }
        None => return Err(Failure::unknown_setting(name, None)),
        Some(setting) if value.is_empty() => {
            Config::change(folder, |config| config.unset(profile, setting.name))?;
        }
        Some(setting) => {
            setting.check(value)?;
            Config::change(folder, |config| config.set(profile, setting.name, value))?;
        }
    }
    let profile = (name != PROFILE).then_some(profile);
    let answer = Answer::new(
        &json!({"name": name, "value": value, "profile": profile}),
        View::Text(String::new()),
    )?;
    Ok(match profile {
        Some(profile) => answer.noting(format!("{name} of profile {profile} is set")),
        None => answer.noting(format!("profile {value} is in use")),
    })
}
