use clap::Args;
use serde_json::json;

use super::SettingName;
use crate::{
    args::DryRun,
    commands::LocalCommand,
    config::{Config, PROFILE, Setting, check_profile, unknown_setting},
    error::Failure,
    render::{Answer, View},
    session::{
        Context,
        dry_run::{self, Change},
    },
};

#[derive(Args)]
pub(crate) struct Set {
    #[command(flatten)]
    name: SettingName,
    #[arg(value_name = "VALUE", help = "The new value; empty to unset")]
    value: String,
    #[command(flatten)]
    dry_run: DryRun,
}

impl LocalCommand for Set {
    const PATH: &'static [&'static str] = &["config", "set"];
    const ABOUT: &'static str = "Set a value in the profile, or switch profiles";
    const EXAMPLES: &'static str = "  konektor config set output json
  konektor config set max-wait 5m --profile nightly
  konektor config set profile toko
  konektor config set output ''     # the default again";

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        run(context, self)
    }
}

fn run<'a>(context: &Context<'a>, args: &Set) -> Result<Answer<'a>, Failure> {
    let (name, value) = (args.name.name.as_str(), args.value.as_str());
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
    if args.dry_run.dry_run {
        let what = match setting {
            None => format!("use profile {value}"),
            Some(_) if value.is_empty() => format!("remove {name} from profile {profile}"),
            Some(_) => format!("set {name} of profile {profile} to {value}"),
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
        Some(profile) => answer.with_note(format!("set {name} of profile {profile}")),
        None => answer.with_note(match context.settings.no_such_profile(value, "") {
            Some(failure) => format!("switched to profile {value}; {}", failure.message()),
            None => format!("switched to profile {value}"),
        }),
    })
}
