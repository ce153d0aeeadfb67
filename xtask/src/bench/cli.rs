//! `cargo xtask bench cli`: the CPU time of `konektor --version` and `konektor --help`, beside a Rust
//! program that does nothing.
//!
//! CPU time, user and system together, because it is what a busy machine does not change; the least of
//! several rounds, because whatever disturbs a round only adds to it.

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
    /// Runs of each program in a round
    #[arg(long, default_value_t = 50)]
    runs: u32,
    /// Rounds, of which the fastest counts
    #[arg(long, default_value_t = 5)]
    rounds: u32,
}

/// How many times as long as the bare program `konektor` may take.
const MOST: f64 = 4.0;

/// Measures, prints, and fails when it takes too long.
pub(crate) fn run(args: &Args) -> Result<()> {
    process::run(cargo::cargo("build").args(["--release", "--locked", "-p", "konektor-cli"]))?;
    let konektor = paths::target()?.join("release/konektor");
    let directory = tempfile::Builder::new()
        .prefix("konektor-bench")
        .tempdir()?;
    let bare = bare_program(directory.path())?;

    let programs: [(&str, &Path, &[&str]); 3] = [
        ("a bare program", &bare, &[]),
        ("konektor --version", &konektor, &["--version"]),
        ("konektor --help", &konektor, &["--help"]),
    ];
    let mut least = [Duration::MAX; 3];
    for _ in 0..args.rounds {
        // One after the other in each round, so that a slow moment hits all of them.
        for (least, (_, program, arguments)) in least.iter_mut().zip(programs) {
            *least = (*least).min(cpu_time(program, arguments, args.runs)?);
        }
    }

    let mut too_slow = Vec::new();
    for (time, (name, ..)) in least.iter().zip(programs) {
        let times = time.as_secs_f64() / least[0].as_secs_f64();
        println!(
            "{name:<20} {:6.2} ms  {times:4.1}×",
            time.as_secs_f64() * 1000.0
        );
        if times > MOST {
            too_slow.push(name);
        }
    }
    ensure!(
        too_slow.is_empty(),
        "more than {MOST} times a bare program: {}",
        too_slow.join(", ")
    );
    Ok(())
}

/// `fn main() {}`, built as `cargo build --release` would.
fn bare_program(directory: &Path) -> Result<std::path::PathBuf> {
    let (source, program) = (directory.join("bare.rs"), directory.join("bare"));
    fs::write(&source, "fn main() {}\n")?;
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    process::run(
        Command::new(rustc)
            .args(["--edition", "2024", "-C", "opt-level=3", "-o"])
            .args([&program, &source]),
    )?;
    Ok(program)
}

/// Of one run.
fn cpu_time(program: &Path, arguments: &[&str], runs: u32) -> Result<Duration> {
    let before = of_children()?;
    for _ in 0..runs {
        let status = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("starting {}", program.display()))?;
        ensure!(status.success(), "{} failed", program.display());
    }
    Ok(of_children()?.saturating_sub(before) / runs)
}

fn of_children() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).context("reading the CPU time")?;
    let microseconds = (usage.user_time() + usage.system_time()).num_microseconds();
    Ok(Duration::from_micros(u64::try_from(microseconds)?))
}
