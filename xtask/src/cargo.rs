//! Runs Cargo from a program that Cargo has started.

use std::{env, process::Command};

use anyhow::{Context, Result};

use crate::{paths, process};

/// The arguments that build all crates except xtask with the features of `cargo demo`, so that nothing is compiled
/// twice.
///
/// xtask enables other features of shared dependencies, and is not a default member of the workspace.
pub(crate) const PRODUCT: [&str; 2] = ["--locked", "--no-default-features"];

/// The arguments that select xtask.
pub(crate) const XTASK: [&str; 3] = ["--locked", "--package", "xtask"];

/// Builds a `cargo` command that runs at the root of the repository.
///
/// The variables that `cargo run` has set for xtask are removed, because they would make build scripts
/// run again.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand).current_dir(paths::root());
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Installs rustfmt and Clippy if the toolchain lacks them.
///
/// # Errors
///
/// If a component is missing and rustup cannot install it.
pub(crate) fn install_components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !process::succeeds(cargo(subcommand).arg("--version")) {
            eprintln!("Installing {component} with rustup.");
            process::run(Command::new("rustup").args(["component", "add", component]))
                .with_context(|| {
                    format!("{component} is missing; install it for this toolchain")
                })?;
        }
    }
    Ok(())
}
