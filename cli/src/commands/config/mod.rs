//! `konektor config`

pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod path;
pub(crate) mod set;

use clap::{
    Arg,
    builder::{PossibleValue, PossibleValuesParser},
};

use crate::config::{PROFILE, SETTINGS};

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
