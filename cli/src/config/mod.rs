//! Profiles, their settings and their keys.

mod credentials;
mod file;
mod keyring;
mod settings;
mod store;

pub(crate) use credentials::{Key, KeyLocation, without_keys};
pub(crate) use file::{Config, DEFAULT_PROFILE};
pub(crate) use settings::{
    BASE_URL, FOLDER_VARIABLE, KEY_VARIABLE, KeySource, MAX_WAIT, OUTPUT, PROFILE_VARIABLE,
    SETTINGS, Setting, SettingValue, Settings, Source, check_profile, wait,
};
pub(crate) use store::for_owner;

/// The name of the setting that says which profile is in use.
pub(crate) const PROFILE: &str = "profile";
