//! Cargo, called from a program that Cargo runs.

use std::{env, process::Command};

use anyhow::{Context, Result};

use crate::{paths, process};

/// All crates but this one. It is left out of every build that the others share, because its
/// dependencies ask for other features and would have to be compiled once more.
pub(crate) const PRODUCT: [&str; 4] = ["--locked", "--workspace", "--exclude", "xtask"];

/// `cargo <subcommand>` at the root of the repository, and with the environment it would have had
/// from a shell: what `cargo run` adds for xtask would make build scripts run again.
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

/// Installs rustfmt and Clippy when the toolchain came without them.
///
/// # Errors
///
/// When one is missing and there is no rustup to bring it.
pub(crate) fn install_components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !process::succeeds(cargo(subcommand).arg("--version")) {
            process::run(Command::new("rustup").args(["component", "add", component]))
                .with_context(|| format!("{component} is missing: install it for this Rust"))?;
        }
    }
    Ok(())
}
