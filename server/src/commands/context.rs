//! What commands are handed in.

use std::{env, path::PathBuf};

use anyhow::Result;

use super::output::Output;
use crate::{
    clock::Clock,
    randomness::Randomness,
    settings::{DatabaseSettings, Flag, LoadedSettings, Settings},
};

/// What a command works with beside its own arguments.
pub(super) struct Context {
    pub(super) output: Output,
    pub(super) clock: Clock,
    pub(super) randomness: Randomness,
    /// The settings file.
    pub(super) config: Option<PathBuf>,
}

impl Context {
    /// The settings in force, these flags among them.
    pub(super) fn settings(&self, flags: Vec<Flag>) -> Result<LoadedSettings> {
        let environment = |name: &str| env::var_os(name);
        Ok(Settings::load(self.config.as_deref(), environment, flags)?)
    }

    /// The settings of the database alone.
    pub(super) fn database_settings(&self, flags: Vec<Flag>) -> Result<DatabaseSettings> {
        let environment = |name: &str| env::var_os(name);
        let file = self.config.as_deref();
        Ok(DatabaseSettings::load(file, environment, flags)?)
    }
}
