//! `cargo xtask fuzz`: libFuzzer looks for texts that break a property.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Result, bail};

use crate::{cargo::cargo, paths, process};

/// The arguments of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this target; all of them, one after the other, unless given
    target: Option<String>,
    /// How long each runs
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u32,
}

/// Runs the targets, the others too when one fails.
///
/// # Errors
/// When a property breaks; libFuzzer has then said which input does it, and kept it in fuzz/artifacts.
pub(crate) fn run(args: &Args) -> Result<()> {
    if !is_installed() {
        bail!("cargo-fuzz is not installed; `cargo install cargo-fuzz` installs it");
    }
    let targets = match &args.target {
        Some(target) => vec![target.clone()],
        None => targets()?,
    };
    let mut failed = Vec::new();
    for target in &targets {
        // Without a sanitizer any Rust will do, and there is no unsafe code to sanitize.
        let outcome = process::run(
            cargo("fuzz")
                .args(["run", "--sanitizer", "none", target])
                .args(["--", "-max_len=4096"])
                .arg(format!("-max_total_time={}", args.seconds)),
        );
        process::check_interrupted()?;
        if let Err(error) = outcome {
            eprintln!("{error:#}");
            failed.push(target.as_str());
        }
    }
    if !failed.is_empty() {
        bail!(
            "{} of {} targets failed: {}",
            failed.len(),
            targets.len(),
            failed.join(", ")
        );
    }
    println!("no input breaks {}", targets.join(", "));
    Ok(())
}

fn is_installed() -> bool {
    Command::new("cargo-fuzz")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(paths::root().join("fuzz/fuzz_targets"))? {
        let path: PathBuf = entry?.path();
        names.extend(
            path.file_stem()
                .map(|name| name.to_string_lossy().into_owned()),
        );
    }
    names.sort();
    Ok(names)
}
