use clap::Arg;
use serde_json::json;

use crate::{
    commands::config::name_argument,
    config::{Config, PROFILE, Setting, check_profile, unknown_setting},
};
use crate::{
    commands::{LocalCommand, described},
    error::Failure,
    render::{Answer, View},
    session::{
        Context,
        dry_run::{self, Change},
    },
};

const ABOUT: &str = "Keep a setting in the profile, or say which profile is in use.";
const EXAMPLES: &str = "  konektor config set output json
  konektor config set max-wait 5m --profile nightly
  konektor config set profile toko
  konektor config set output ''     # the default again";

pub(crate) static SET: LocalCommand = LocalCommand {
    path: &["config", "set"],
    noun: "Profiles and their settings.",
    needs: &[],
    shape: |command| {
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
    run: |context| Box::pin(std::future::ready(run(context))),
};

fn run<'a>(context: &Context<'a>) -> Result<Answer<'a>, Failure> {
    let (name, value) = (context.required("name")?, context.required("value")?);
    let setting = Setting::from_name(name);
    let profile = match setting {
        Some(_) => context.settings.require_profile()?.text.as_str(),
        None => "",
    };
    match setting {
        None if name == PROFILE => check_profile(value, "")?,
        None => return Err(unknown_setting(name)),
        Some(_) if value.is_empty() => {}
        Some(setting) => setting.check(value)?,
    }
    if dry_run::is_wanted(context) {
        let what = match setting {
            None => format!("profile {value} in use"),
            Some(_) if value.is_empty() => format!("profile {profile} without {name}"),
            Some(_) => format!("profile {profile} with {name} {value}"),
        };
        let file = context.settings.config.file()?;
        return dry_run::changes([Change::new(file.display(), what)]);
    }
    Config::change(context.settings.folder(), |config| match setting {
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
        Some(profile) => answer.with_note(format!("{name} of profile {profile} is set")),
        None => answer.with_note(match context.settings.no_such_profile(value, "") {
            Some(failure) => format!("profile {value} is in use; {}", failure.message()),
            None => format!("profile {value} is in use"),
        }),
    })
}
