//! `konektor config`

pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod path;
pub(crate) mod set;

use clap::{
    Args,
    builder::{PossibleValue, PossibleValuesParser},
};

use crate::config::{PROFILE, SETTINGS};

#[derive(Args)]
struct SettingName {
    #[arg(value_name = "NAME", value_parser = setting_names(), help = "A setting")]
    name: String,
}

fn setting_names() -> PossibleValuesParser {
    let settings = SETTINGS.map(|setting| PossibleValue::new(setting.name).help(setting.about));
    let profile = PossibleValue::new(PROFILE).help("the profile in use");
    PossibleValuesParser::new(std::iter::once(profile).chain(settings))
}
