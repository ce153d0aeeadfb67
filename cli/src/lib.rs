//! The command line of Konektor's Agent API.
//!
//! The modules are layers, from `base` at the bottom to the commands at the top; a module imports only lower layers.
//! The API's document defines the commands and flags of operations. Only the SDK uses HTTP, and only `render` prints
//! answers.
//!
//! ```
//! let command = konektor_cli::command();
//! assert!(command.find_subcommand("leads").is_some());
//! ```
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod base;
mod commands;
mod completion;
mod config;
mod env;
mod error;
mod help;
mod registry;
mod render;
mod session;

use std::{ffi::OsString, process::ExitCode};

use clap::{ArgMatches, FromArgMatches as _, error::ErrorKind};
use konektor_sdk::jiff::tz::TimeZone;

pub use env::{Clock, Environment, Notify, Stream, Terminal, Variables, Zone};
pub use registry::command;

use crate::{
    commands::{Entry, Execute, Invocation},
    config::Setting,
    error::{Exit, Failure},
    render::{Output, OutputOptions},
    session::{Context, GlobalArgs},
};

/// The program: arguments, environment and streams of this process.
#[must_use]
pub fn main() -> ExitCode {
    let (mut stdout, mut stderr) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut environment = Environment::from_process(&mut stdout, &mut stderr);
    environment.zone = Box::new(TimeZone::system);
    ExitCode::from(run(std::env::args_os(), environment))
}

/// Runs a command line, whose first argument is the program's name, and returns the exit code.
///
/// `konektor help exit-codes` lists the exit codes.
///
/// ```
/// use konektor_cli::{Environment, run};
///
/// let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
/// let code = run(["konektor", "--version"], Environment::new(&mut stdout, &mut stderr));
/// assert_eq!(code, 0);
/// assert!(stdout.starts_with(b"konektor "));
/// ```
#[expect(
    clippy::needless_pass_by_value,
    reason = "the environment owns the streams for one run"
)]
pub fn run<A>(arguments: impl IntoIterator<Item = A>, environment: Environment<'_>) -> u8
where
    A: Into<OsString> + Clone,
{
    let arguments = help::as_flag(arguments.into_iter().map(Into::into).collect());
    let mut command = command().term_width(environment.help_width());
    let exit = match parse(&mut command, &arguments) {
        Ok(parsed) => execute(parsed, &environment),
        Err(error) => {
            let output = Output::new(&environment, OutputOptions::named_in(&arguments));
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                    let text = error.render();
                    let text = if environment.color {
                        text.ansi().to_string()
                    } else {
                        text.to_string()
                    };
                    output
                        .text(&text)
                        .unwrap_or_else(|failure| output.failure(&failure))
                }
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                    output.help_instead(&error.render().to_string())
                }
                _ => output.failure(&Failure::from_usage(
                    error,
                    &command_in(&command, &arguments),
                )),
            }
        }
    };
    exit.code()
}

/// What a command line asks for.
struct Parsed {
    globals: GlobalArgs,
    entry: Entry,
    invocation: Invocation,
}

fn parse(command: &mut clap::Command, arguments: &[OsString]) -> Result<Parsed, clap::Error> {
    let matches = command.try_get_matches_from_mut(arguments)?;
    let (path, matches) = leaf(&matches);
    let entry =
        registry::find(&path).ok_or_else(|| clap::Error::new(ErrorKind::InvalidSubcommand))?;
    Ok(Parsed {
        // Global options reach the command's own matches.
        globals: GlobalArgs::from_arg_matches(matches)?,
        invocation: (entry.parse)(matches)?,
        entry,
    })
}

/// Runs the command, and reports its failure in the format that the flags and settings ask for.
fn execute(parsed: Parsed, environment: &Environment<'_>) -> Exit {
    let Parsed {
        globals,
        entry,
        invocation: Invocation { columns, execute },
    } = parsed;
    let context = Context::new(
        &entry.path,
        globals,
        columns,
        registry::command,
        environment,
    );
    let output = Output::new(environment, context.options.clone());
    let run = || run_command(execute, &context, &output);
    dispatch(entry.needs, &context, &output, run).unwrap_or_else(|failure| output.failure(&failure))
}

/// Runs the command if the settings that it needs can be used.
fn dispatch(
    needs: &'static [&'static Setting],
    context: &Context<'_>,
    output: &Output<'_>,
    run: impl FnOnce() -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    context.settings.flags_usable()?;
    if needs.is_empty() {
        return run();
    }
    context.settings.usable(needs)?;
    let warnings = context.settings.warnings(needs);
    let warn = || {
        for warning in &warnings {
            context.environment.say(&format!("warning: {warning}"));
        }
    };
    // A program that reads errors as JSON gets one JSON object after a failure, without warnings before it.
    if output.errors_as_json() {
        let exit = run()?;
        warn();
        return Ok(exit);
    }
    warn();
    run()
}

fn run_command<'a>(
    execute: Execute,
    context: &'a Context<'a>,
    output: &'a Output<'a>,
) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("the program cannot start: {error}")))?;
    runtime.block_on(execute(context, output))
}

/// Returns the command that a command line names, as far as it is known: `konektor leads list`.
fn command_in(root: &clap::Command, arguments: &[OsString]) -> String {
    let (mut path, mut command) = (root.get_name().to_owned(), root);
    for word in arguments.iter().skip(1) {
        if let Some(below) = command.find_subcommand(word) {
            path = format!("{path} {}", below.get_name());
            command = below;
        }
    }
    path
}

fn leaf(mut matches: &ArgMatches) -> (Vec<&str>, &ArgMatches) {
    let mut path = Vec::new();
    while let Some((word, below)) = matches.subcommand() {
        path.push(word);
        matches = below;
    }
    (path, matches)
}
