//! The command line of Konektor's Agent API.
//!
//! One folder for each noun, one file for each verb. The API's document says which commands and flags
//! there are, what they allow and what they mean; the SDK alone speaks HTTP; `output` alone prints.
//!
//! ```
//! let command = konektor_cli::command(konektor_spec::Spec::builtin());
//! assert!(command.find_subcommand("leads").is_some());
//! ```
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod analytics;
mod call;
mod command;
mod conversions;
mod error;
mod flags;
mod leads;
mod output;
mod skill;
mod support;
mod verb;
mod workspace;
mod world;

use std::{ffi::OsString, process::ExitCode};

use clap::{ArgMatches, error::ErrorKind};
use konektor_spec::{Operation, Spec};

pub use command::command;
pub use world::{Terminal, Variables, World};

use crate::{
    call::Call,
    error::Failure,
    output::{Answer, Format, Output},
    verb::Verb,
};

/// The program: arguments, environment and streams of this process.
#[must_use]
pub fn main() -> ExitCode {
    let (mut stdout, mut stderr) = (std::io::stdout().lock(), std::io::stderr().lock());
    let world = World::of_this_process(&mut stdout, &mut stderr);
    ExitCode::from(run(Spec::builtin(), std::env::args_os(), world))
}

/// Does what the arguments say (the first is the program's name), and gives the exit code.
///
/// The codes are 0 done, 1 anything else, 2 wrong usage, 4 no access, 5 not found, 6 not valid,
/// 7 rate limited, 8 network or server.
///
/// ```
/// use konektor_cli::{World, run};
/// use konektor_spec::Spec;
///
/// let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
/// let code = run(Spec::builtin(), ["konektor", "--version"], World::new(&mut stdout, &mut stderr));
/// assert_eq!(code, 0);
/// assert!(stdout.starts_with(b"konektor "));
/// ```
pub fn run<A>(spec: &Spec, arguments: impl IntoIterator<Item = A>, world: World<'_>) -> u8
where
    A: Into<OsString> + Clone,
{
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let mut command = command(spec).term_width(world.help_width());
    let exit = match command.try_get_matches_from_mut(&arguments) {
        Ok(matches) => {
            let format = Format::of(&matches);
            let result = answer(spec, &matches, &world);
            let mut output = Output::new(world, format);
            result
                .and_then(|answer| output.answer(&answer))
                .unwrap_or_else(|failure| output.failure(&failure))
        }
        Err(error) => {
            let mut output = Output::new(world, Format::named_in(&arguments));
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => output
                    .help(&error.render())
                    .unwrap_or_else(|failure| output.failure(&failure)),
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                    output.help_instead(&error.render())
                }
                _ => output.failure(&Failure::of_usage(&error)),
            }
        }
    };
    exit.code()
}

fn answer(spec: &Spec, matches: &ArgMatches, world: &World<'_>) -> Result<Answer, Failure> {
    let (path, flags) = leaf(matches);
    let (operation, verb) = find(spec, &path)
        .ok_or_else(|| Failure::other(format!("there is no command {}", path.join(" "))))?;
    let call = Call::new(spec, operation, &path, flags, world)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("the program cannot start: {error}")))?;
    runtime.block_on((verb.run)(&call))
}

fn leaf(mut matches: &ArgMatches) -> (Vec<&str>, &ArgMatches) {
    let mut path = Vec::new();
    while let Some((word, below)) = matches.subcommand() {
        path.push(word);
        matches = below;
    }
    (path, matches)
}

fn find<'a>(spec: &'a Spec, path: &[&str]) -> Option<(&'a Operation, &'static Verb)> {
    let id = path.join("_");
    Some((spec.operation(&id)?, verb::of(&id)?))
}
