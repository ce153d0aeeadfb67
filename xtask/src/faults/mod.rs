//! `cargo xtask faults`: injects faults into a running server, its database, its disk or its
//! connections, and checks that no acknowledged write is lost and that every client gets a response.
//!
//! Each fault runs against a release build on a real database, and prints the measured figures. All
//! traffic stays on this machine.

mod calls;
mod config;
mod disk_full;
mod hostile_input;
mod kill;
mod outage;
mod overload;
mod partial_bodies;
mod proxy;
mod slow_clients;
mod stats;
mod stop;

use std::{
    fmt::{self, Display},
    path::PathBuf,
    time::Instant,
};

use anyhow::{Result, bail};
use clap::ValueEnum;

use self::config::Config;
use crate::{
    deployment::{self, Engine},
    process,
};

/// The arguments of `cargo xtask faults`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Inject only this fault [default: all]
    #[arg(long, value_enum, value_name = "NAME")]
    only: Option<Fault>,
    /// Test only this database [default: both]
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// Number of rounds of `kill` and `stop`
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// Test this konektor-server instead of building one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// A fault to inject.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// Kill the server repeatedly during a burst of writes
    Kill,
    /// Shut the server down gracefully during a burst of writes
    Stop,
    /// Fill the disk under SQLite
    DiskFull,
    /// Crash PostgreSQL and restart it
    Crash,
    /// Drop all packets to and from PostgreSQL
    Unreachable,
    /// Freeze PostgreSQL
    Frozen,
    /// Add seconds of latency to PostgreSQL
    Slow,
    /// Open 2,000 connections that send incomplete requests or read no response
    SlowClients,
    /// The same, with a limit of 1,024 open files
    FewFiles,
    /// Open 2,000 unauthenticated connections that send half a body
    PartialBodies,
    /// Send more concurrent requests than the server executes at a time
    Overload,
    /// Send huge bodies, forged cursors and page numbers past the end
    HostileInput,
}

impl Fault {
    fn applies_to(self, engine: Engine) -> bool {
        match self {
            Self::DiskFull => engine == Engine::Sqlite,
            Self::Crash | Self::Unreachable | Self::Frozen | Self::Slow => {
                engine == Engine::Postgres
            }
            _ => true,
        }
    }

    /// Injects the fault. Returns the figures to print.
    fn inject(self, config: &Config) -> Result<String> {
        match self {
            Self::Kill => kill::run(config),
            Self::Stop => stop::run(config),
            Self::DiskFull => disk_full::run(config),
            Self::Crash => outage::crash(config),
            Self::Unreachable => outage::unreachable(config),
            Self::Frozen => outage::frozen(config),
            Self::Slow => outage::slow(config),
            Self::SlowClients => slow_clients::run(config, None),
            Self::FewFiles => slow_clients::run(config, Some(1_024)),
            Self::PartialBodies => partial_bodies::run(config),
            Self::Overload => overload::run(config),
            Self::HostileInput => hostile_input::run(config),
        }
    }
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        formatter.pad(value.as_ref().map_or("", |value| value.get_name()))
    }
}

/// Injects every fault on every database that it applies to, and prints a table.
///
/// # Errors
///
/// If a write was lost or duplicated, a request was dropped, or a response was too slow.
pub(crate) fn run(args: &Args) -> Result<()> {
    let program = match &args.program {
        Some(program) => program.clone(),
        None => deployment::build_server()?,
    };
    raise_open_file_limit();
    let mut failed = 0;
    for fault in Fault::value_variants() {
        for engine in Engine::value_variants() {
            let is_skipped = args.only.is_some_and(|only| only != *fault)
                || args.engine.is_some_and(|only| only != *engine)
                || !fault.applies_to(*engine);
            if is_skipped {
                continue;
            }
            let started = Instant::now();
            let config = Config {
                program: &program,
                engine: *engine,
                rounds: args.rounds.max(1),
            };
            let (verdict, figures) = match fault.inject(&config) {
                Ok(figures) => ("ok", figures),
                Err(error) => {
                    failed += 1;
                    ("FAILED", format!("{error:#}"))
                }
            };
            let seconds = started.elapsed().as_secs_f64();
            println!("{fault:<14} {engine:<10} {seconds:>6.1} s  {verdict:<6}  {figures}");
            process::check_interrupted()?;
        }
    }
    if failed > 0 {
        bail!("failed faults: {failed}");
    }
    Ok(())
}

/// Raises the soft limit of open files to the hard limit: each client connection is an open file of
/// this program.
fn raise_open_file_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum;
    // On failure the connections fail with an error of their own.
    let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
}
