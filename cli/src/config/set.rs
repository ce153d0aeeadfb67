use clap::Arg;
use serde_json::json;

use super::{Config, PROFILE, Setting, check_profile, name_argument};
use crate::{
    desk::Desk,
    dry_run::{self, Change},
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
    needs: &[],
    shape: |command, _| {
        described(command, ABOUT, EXAMPLES)
            .arg(name_argument())
            .arg(
                Arg::new("value")
                    .required(true)
                    .value_name("VALUE")
                    .help("Its value; an empty one takes the setting out of the profile"),
            )
            .arg(dry_run::local_flag())
    },
    run: |desk| Box::pin(std::future::ready(run(desk))),
};

fn run<'a>(desk: &Desk<'a>) -> Result<Answer<'a>, Failure> {
    let (name, value) = (desk.required("name")?, desk.required("value")?);
    let setting = Setting::named(name);
    let profile = match setting {
        Some(_) => desk.settings.require_profile()?.text.as_str(),
        None => "",
    };
    match setting {
        None if name == PROFILE => check_profile(value, "")?,
        None => return Err(Failure::unknown_setting(name)),
        Some(_) if value.is_empty() => {}
        Some(setting) => setting.check(value)?,
    }
    if dry_run::is_wanted(desk) {
        let what = match setting {
            None => format!("profile {value} in use"),
            Some(_) if value.is_empty() => format!("profile {profile} without {name}"),
            Some(_) => format!("profile {profile} with {name} {value}"),
        };
        let file = desk.settings.config.file()?;
        return dry_run::changes([Change::of(file.display(), what)]);
    }
    Config::change(desk.settings.folder(), |config| match setting {
        None => config.use_profile(value),
        Some(setting) if value.is_empty() => config.unset(profile, setting.name),
        Some(setting) => config.set(profile, setting.name, value),
    })?;
    let profile = setting.map(|_| profile);
    let answer = Answer::new(
        &json!({"name": name, "value": value, "profile": profile}),
        View::Text(String::new()),
    )?;
    Ok(match profile {
        Some(profile) => answer.noting(format!("{name} of profile {profile} is set")),
        None => answer.noting(match desk.settings.no_such_profile(value, "") {
            Some(failure) => format!("profile {value} is in use; {}", failure.message()),
            None => format!("profile {value} is in use"),
        }),
    })
}
