//! The parameters of a run.

use std::path::Path;

use crate::deployment::Engine;

/// The parameters that all faults share.
pub(super) struct Config<'a> {
    /// The `konektor-server` binary under test.
    pub(super) program: &'a Path,
    pub(super) engine: Engine,
    /// How often `kill` and `stop` repeat.
    pub(super) rounds: u32,
}
