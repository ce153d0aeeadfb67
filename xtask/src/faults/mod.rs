//! `cargo xtask faults`: what becomes of acknowledged writes, and of everybody who calls, when
//! something breaks: the server, the disk, the database, or the callers' manners.
//!
//! Each fault is done to the real program on a real database, and every figure that it is judged by
//! is printed. All traffic stays on this machine.

mod callers;
mod crowd;
mod disk;
mod half_bodies;
mod half_open;
mod kill;
mod outage;
mod proxy;
mod refusals;
mod setting;
mod stop;

use std::{
    fmt::{self, Display},
    path::PathBuf,
    time::Instant,
};

use anyhow::{Result, bail};
use clap::ValueEnum;

use self::setting::Setting;
use crate::{
    deployment::{self, Engine},
    process,
};

/// The arguments of `cargo xtask faults`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only this fault; all of them, one after the other, unless given
    #[arg(long, value_enum, value_name = "NAME")]
    only: Option<Fault>,
    /// Only on this database
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// How often the server is killed, and how often it is stopped
    #[arg(long, default_value_t = 20)]
    rounds: u32,
    /// This konektor-server, instead of building one
    #[arg(long)]
    program: Option<PathBuf>,
}

/// What is done to the server.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// It is killed in the middle of a burst of writes, again and again
    Kill,
    /// It is told to stop while everybody writes
    Stop,
    /// The disk under SQLite is full
    DiskFull,
    /// PostgreSQL crashes and comes back
    Gone,
    /// The host of PostgreSQL vanishes without a word, and another takes its place
    Vanished,
    /// PostgreSQL answers nothing
    Frozen,
    /// PostgreSQL answers after seconds
    Slow,
    /// Two thousand connections send half a request, or none, or no end of it, or take no answer
    HalfOpen,
    /// The same, with no more open files than half of them need
    FewFiles,
    /// Two thousand connections without a good key send half a body and no more
    HalfBodies,
    /// More requests at once than it carries out
    Crowd,
    /// Huge bodies, far pages, forged cursors
    Refusals,
}

impl Fault {
    fn is_about(self, engine: Engine) -> bool {
        match self {
            Self::DiskFull => engine == Engine::Sqlite,
            Self::Gone | Self::Vanished | Self::Frozen | Self::Slow => engine == Engine::Postgres,
            _ => true,
        }
    }

    /// Does it; answers the figures to print, or what went wrong.
    fn happen(self, setting: &Setting) -> Result<String> {
        match self {
            Self::Kill => kill::run(setting),
            Self::Stop => stop::run(setting),
            Self::DiskFull => disk::run(setting),
            Self::Gone => outage::gone(setting),
            Self::Vanished => outage::vanished(setting),
            Self::Frozen => outage::frozen(setting),
            Self::Slow => outage::slow(setting),
            Self::HalfOpen => half_open::run(setting, None),
            Self::FewFiles => half_open::run(setting, Some(1_024)),
            Self::HalfBodies => half_bodies::run(setting),
            Self::Crowd => crowd::run(setting),
            Self::Refusals => refusals::run(setting),
        }
    }
}

impl Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        formatter.pad(value.as_ref().map_or("", |value| value.get_name()))
    }
}

/// Lets every fault happen on every database it is about.
///
/// # Errors
/// When anything was lost, doubled, broken off, or too slow; what it was stands in the table.
pub(crate) fn run(args: &Args) -> Result<()> {
    let given = args.program.clone();
    let program = given.map_or_else(deployment::build_server, Ok)?;
    allow_many_connections();
    let mut failed = 0;
    for fault in Fault::value_variants() {
        for engine in Engine::value_variants() {
            let left_out = args.only.is_some_and(|only| only != *fault)
                || args.engine.is_some_and(|only| only != *engine)
                || !fault.is_about(*engine);
            if left_out {
                continue;
            }
            let started = Instant::now();
            let setting = Setting {
                program: &program,
                engine: *engine,
                rounds: args.rounds.max(1),
            };
            let (verdict, figures) = match fault.happen(&setting) {
                Ok(figures) => ("ok", figures),
                Err(error) => {
                    failed += 1;
                    ("FAILED", format!("{error:#}"))
                }
            };
            let seconds = started.elapsed().as_secs_f64();
            println!("{fault:<11} {engine:<10} {seconds:>6.1} s  {verdict:<6}  {figures}");
            process::check_interrupted()?;
        }
    }
    if failed > 0 {
        bail!("{failed} of the faults did harm");
    }
    Ok(())
}

/// Each connection of thousands is an open file of this program.
fn allow_many_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum;
    // If it may not, connections fail, and say so.
    let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
}
