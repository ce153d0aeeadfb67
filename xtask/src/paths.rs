//! Where things are.

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

/// The API's document, from which everything else follows.
pub(crate) fn openapi() -> PathBuf {
    root().join("openapi.yaml")
}

/// The chores' own settings and version pins for tools that are not written in Rust.
pub(crate) fn tool_settings() -> PathBuf {
    root().join("xtask/tools")
}

/// Cargo's target directory, wherever the user has put it.
///
/// # Errors
///
/// When this program does not lie in `<target>/<profile>/`.
pub(crate) fn target() -> Result<PathBuf> {
    let program = env::current_exe().context("finding the path of xtask")?;
    let target = program
        .ancestors()
        .nth(2)
        .context("xtask lies in no target directory")?;
    Ok(target.to_owned())
}
