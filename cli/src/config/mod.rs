//! `konektor config`, and what it shows: profiles, settings, keys.

mod credentials;
mod file;
pub(crate) mod get;
mod keyring;
pub(crate) mod list;
pub(crate) mod path;
pub(crate) mod set;
mod settings;
mod store;

use clap::{
    Arg,
    builder::{PossibleValue, PossibleValuesParser},
};

pub(crate) use credentials::{Key, Place, without_keys};
pub(crate) use file::{Config, DEFAULT_PROFILE};
pub(crate) use settings::{
    BASE_URL, FOLDER_VARIABLE, Found, KEY_VARIABLE, KeySource, MAX_WAIT, OUTPUT, PROFILE_VARIABLE,
    SETTINGS, Setting, Settings, Source, check_profile, wait,
};
pub(crate) use store::for_owner;

/// The name of the setting that says which profile is in use.
pub(crate) const PROFILE: &str = "profile";

/// The argument that names a setting.
fn name_argument() -> Arg {
    let settings = SETTINGS.map(|setting| PossibleValue::new(setting.name).help(setting.about));
    let profile = PossibleValue::new(PROFILE).help("whose settings and key are used");
    let names = std::iter::once(profile).chain(settings);
    Arg::new("name")
        .required(true)
        .value_name("NAME")
        .value_parser(PossibleValuesParser::new(names))
        .help("A setting")
}
