//! Paths in the repository.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().unwrap_or(xtask)
}

/// The path of openapi.yaml.
pub(crate) fn openapi() -> PathBuf {
    root().join("openapi.yaml")
}

/// The settings and pinned versions of external tools.
pub(crate) fn tool_settings() -> PathBuf {
    root().join("xtask/tools")
}

/// Cargo's target directory, derived from the path of this program.
///
/// # Errors
///
/// If this program is not in `<target>/<profile>/`.
pub(crate) fn target() -> Result<PathBuf> {
    let program = env::current_exe().context("finding the path of xtask")?;
    let target = program
        .ancestors()
        .nth(2)
        .context("xtask is not in a target directory")?;
    Ok(target.to_owned())
}
