//! `cargo xtask bench cli`: measures the CPU time of help pages, relative to an empty Rust program.
//!
//! The figure is the user and system time, which depends little on other load on the machine, and the
//! minimum of several rounds, because disturbances can only increase it.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};

use crate::{cargo, paths, process};

/// The arguments of `cargo xtask bench cli`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Number of runs of each program in a round
    #[arg(long, default_value_t = 50)]
    runs: u32,
    /// Number of rounds; the lowest figure counts
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// The measured commands.
const COMMANDS: [&[&str]; 4] = [
    &["--version"],
    &["--help"],
    &["leads", "list", "--help"],
    &["leads", "upsert", "--help"],
];

/// The bound of the CPU time, as a multiple of that of the empty program.
const MAX_RATIO: f64 = 4.0;

/// Measures and prints the CPU times.
///
/// # Errors
///
/// If a command exceeds [`MAX_RATIO`].
pub(crate) fn run(args: &Args) -> Result<()> {
    process::run(cargo::cargo("build").args(["--release", "--locked", "-p", "konektor-cli"]))?;
    let konektor = paths::target()?.join("release/konektor");
    let directory = tempfile::Builder::new()
        .prefix("konektor-bench")
        .tempdir()?;
    let empty = empty_program(directory.path())?;

    let no_arguments: &[&str] = &[];
    let mut programs = vec![("empty program".to_owned(), empty.as_path(), no_arguments)];
    for arguments in COMMANDS {
        let line = format!("konektor {}", arguments.join(" "));
        programs.push((line, &konektor, arguments));
    }
    let mut lowest = vec![Duration::MAX; programs.len()];
    for _ in 0..args.rounds {
        // Each round runs all programs, so that disturbances affect them equally.
        for (lowest, (_, program, arguments)) in lowest.iter_mut().zip(&programs) {
            *lowest = (*lowest).min(cpu_time(program, arguments, args.runs)?);
        }
    }

    let mut too_slow = Vec::new();
    for (time, (line, ..)) in lowest.iter().zip(programs) {
        let ratio = time.as_secs_f64() / lowest[0].as_secs_f64();
        println!(
            "{:6.2} ms  {ratio:4.1}×  {line}",
            time.as_secs_f64() * 1000.0
        );
        if ratio > MAX_RATIO {
            too_slow.push(line);
        }
    }
    ensure!(
        too_slow.is_empty(),
        "slower than {MAX_RATIO} times an empty program: {}",
        too_slow.join(", ")
    );
    Ok(())
}

/// Compiles `fn main() {}` with optimizations.
fn empty_program(directory: &Path) -> Result<std::path::PathBuf> {
    let (source, program) = (directory.join("empty.rs"), directory.join("empty"));
    fs::write(&source, "fn main() {}\n")?;
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    process::run(
        Command::new(rustc)
            .args(["--edition", "2024", "-C", "opt-level=3", "-o"])
            .args([&program, &source]),
    )?;
    Ok(program)
}

/// Returns the CPU time of one run, averaged over `runs`.
fn cpu_time(program: &Path, arguments: &[&str], runs: u32) -> Result<Duration> {
    let before = children_cpu_time()?;
    for _ in 0..runs {
        let status = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("starting {}", program.display()))?;
        ensure!(status.success(), "{} failed", program.display());
    }
    Ok(children_cpu_time()?.saturating_sub(before) / runs)
}

/// Returns the CPU time of all child processes that have exited.
fn children_cpu_time() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("reading the CPU time")?;
    let microseconds = (usage.user_time() + usage.system_time()).num_microseconds();
    Ok(Duration::from_micros(u64::try_from(microseconds)?))
}
