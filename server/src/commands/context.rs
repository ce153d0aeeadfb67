//! The input that all commands share.

use std::{env, path::PathBuf};

use anyhow::Result;

use super::output::Output;
use crate::{
    clock::Clock,
    randomness::Randomness,
    settings::{DatabaseSettings, Flag, LoadedSettings, Settings},
};

/// Everything a command works with apart from its own arguments.
pub(super) struct Context {
    pub(super) output: Output,
    pub(super) clock: Clock,
    pub(super) randomness: Randomness,
    /// The settings file.
    pub(super) config: Option<PathBuf>,
}

impl Context {
    /// The effective settings, including these flags.
    pub(super) fn settings(&self, flags: Vec<Flag>) -> Result<LoadedSettings> {
        let environment = |name: &str| env::var_os(name);
        Ok(Settings::load(self.config.as_deref(), environment, flags)?)
    }

    /// The database settings only.
    pub(super) fn database_settings(&self, flags: Vec<Flag>) -> Result<DatabaseSettings> {
        let environment = |name: &str| env::var_os(name);
        let file = self.config.as_deref();
        Ok(DatabaseSettings::load(file, environment, flags)?)
    }
}
