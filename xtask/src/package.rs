//! The `package` step of `cargo xtask test`: what users of the crates depend on.

use std::cmp::Reverse;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{cargo::cargo, process};

/// Checks that no dependency needs a newer Rust than the workspace promises, and builds the SDK from
/// its package alone.
pub(crate) fn run() -> Result<()> {
    check_rust_version()?;
    process::run(cargo("package").args([
        "--locked",
        "--package",
        "konektor-sdk",
        // A change that is not committed yet is to be checked, too.
        "--allow-dirty",
    ]))
}

/// Clippy's `incompatible_msrv` checks the use of the standard library.
fn check_rust_version() -> Result<()> {
    let mut command = cargo("metadata");
    command.args(["--locked", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&process::read(&mut command)?)?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata has no packages")?;
    let (ours, dependencies): (Vec<_>, Vec<_>) = packages
        .iter()
        .partition(|package| package["source"].is_null());
    let promised = ours
        .iter()
        .filter_map(|package| rust_version(package))
        .min()
        .context("no crate has a rust-version")?;
    let mut newer = dependencies
        .into_iter()
        .filter(|package| rust_version(package) > Some(promised))
        .collect::<Vec<_>>();
    newer.sort_by_key(|package| Reverse(rust_version(package)));
    if let Some(package) = newer.first() {
        bail!(
            "{} {} needs Rust {}, which is newer than rust-version in Cargo.toml",
            package["name"],
            package["version"],
            package["rust_version"]
        );
    }
    Ok(())
}

/// The major and the minor version that a package states.
fn rust_version(package: &Value) -> Option<(u32, u32)> {
    let mut parts = package["rust_version"].as_str()?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
