//! `cargo xtask fuzz`: fuzzes the parsers with libFuzzer.

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
    /// Run only this target [default: all]
    target: Option<String>,
    /// Duration of each target
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    seconds: u32,
}

/// Runs the targets, and continues with the others if one fails.
///
/// # Errors
///
/// If a target fails. libFuzzer prints the input and saves it in fuzz/artifacts.
pub(crate) fn run(args: &Args) -> Result<()> {
    if !is_installed() {
        bail!("cargo-fuzz is not installed; install it with: cargo install cargo-fuzz");
    }
    let targets = match &args.target {
        Some(target) => vec![target.clone()],
        None => targets()?,
    };
    let mut failed = Vec::new();
    for target in &targets {
        // Sanitizers need a nightly toolchain, and there is no unsafe code to sanitize.
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
    println!("no failing input found for {}", targets.join(", "));
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
