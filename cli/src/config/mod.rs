//! Profiles, their settings and their keys.

mod credentials;
mod failures;
mod file;
mod keyring;
mod settings;
mod store;

pub(crate) use credentials::KeyLocation;
pub(crate) use failures::unknown_setting;
pub(crate) use file::{Config, DEFAULT_PROFILE};
pub(crate) use settings::{
    BASE_URL, KEY_VARIABLE, KeySource, MAX_WAIT, OUTPUT, Overrides, PROFILE_VARIABLE, SETTINGS,
    Setting, SettingValue, Settings, Source, check_profile,
};

/// The name of the setting that selects the profile.
pub(crate) const PROFILE: &str = "profile";
