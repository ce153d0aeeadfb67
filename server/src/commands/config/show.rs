//! `konektor-server config show`

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    commands::{context::Context, database, output, settings_args::SettingsArgs},
    settings::{Setting, variable},
};

/// Show every setting, its value and where the value comes from
#[derive(clap::Args)]
#[command(after_help = "\
A flag overrides an environment variable, which overrides the file of --config (or KONEKTOR_CONFIG), which overrides \
the default. Every setting can be set in the environment or in the file; database.url, for example:

  export KONEKTOR_DATABASE_URL=postgres://db/crm

  [database]
  url = \"postgres://db/crm\"

Durations are written 250ms, 5s or 10m. Users and passwords in URLs are not shown. Master keys are not settings, and \
neither are the limits of the API document, such as rate limits and the largest body.

Examples:
  konektor-server config show
  konektor-server config show --config konektor.toml --json")]
pub(crate) struct Args {
    #[command(flatten)]
    settings: SettingsArgs,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<()> {
    let settings = context.settings(args.settings.flags())?.each;
    let json: Vec<_> = settings.iter().map(as_json).collect();
    context.output.print(&json!({ "settings": json }), || {
        let rows = settings.iter().map(|setting| {
            [
                setting.key.clone(),
                display_value(setting).unwrap_or_else(|| "-".to_owned()),
                setting
                    .origin
                    .clone()
                    .unwrap_or_else(|| "default".to_owned()),
            ]
        });
        output::table(["SETTING", "VALUE", "FROM"], rows)
    })?;
    Ok(())
}

/// The value of a setting, without secrets.
fn display_value(setting: &Setting) -> Option<String> {
    Some(match (&*setting.key, &*setting.value) {
        (_, "") => return None,
        ("database.url", url) => database::describe(url),
        (_, value) => value.to_owned(),
    })
}

fn as_json(setting: &Setting) -> Value {
    json!({
        "setting": setting.key,
        "value": display_value(setting),
        "from": setting.origin.as_deref().unwrap_or("default"),
        "variable": variable(&setting.key),
    })
}
