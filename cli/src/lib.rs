//! The command line of Konektor's Agent API.
//!
//! The modules are layers, from `base` at the bottom to the commands at the top; each imports only those below it. The
//! API's document says which commands and flags there are, what they allow and what they mean; the SDK alone speaks
//! HTTP; `render` alone prints.
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
    commands::Entry,
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

/// Does what the arguments say (the first is the program's name), and gives the exit code.
///
/// `konektor help exit-codes` says what they mean.
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
    reason = "who runs the program gives it the streams"
)]
pub fn run<A>(arguments: impl IntoIterator<Item = A>, environment: Environment<'_>) -> u8
where
    A: Into<OsString> + Clone,
{
    let arguments = help::as_flag(arguments.into_iter().map(Into::into).collect());
    let mut command = command().term_width(environment.help_width());
    let exit = match command.try_get_matches_from_mut(&arguments) {
        Ok(matches) => execute(&matches, &environment),
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
                    &error,
                    &command_in(&command, &arguments),
                )),
            }
        }
    };
    exit.code()
}

/// Runs the command, and reports its failure in the format that the flags and settings ask for.
fn execute(matches: &ArgMatches, environment: &Environment<'_>) -> Exit {
    let (path, command) = leaf(matches);
    // Global options reach the command's own matches.
    let globals = GlobalArgs::from_arg_matches(command).unwrap_or_default();
    let context = Context::new(&path, globals, command, registry::command, environment);
    let output = Output::new(environment, context.options.clone());
    dispatch(&context, &output).unwrap_or_else(|failure| output.failure(&failure))
}

/// Runs the command if the settings that it needs can be used.
fn dispatch<'a>(context: &'a Context<'a>, output: &'a Output<'a>) -> Result<Exit, Failure> {
    let entry = registry::find(context.path)
        .ok_or_else(|| Failure::usage(format!("unknown command {}", context.path.join(" "))))?;
    context.settings.flags_usable()?;
    if entry.needs.is_empty() {
        return run_command(&entry, context, output);
    }
    context.settings.usable(entry.needs)?;
    let warnings = context.settings.warnings(entry.needs);
    let warn = || {
        for warning in &warnings {
            context.environment.say(&format!("warning: {warning}"));
        }
    };
    // Programs are told of a failure alone.
    if output.errors_as_json() {
        let exit = run_command(&entry, context, output)?;
        warn();
        return Ok(exit);
    }
    warn();
    run_command(&entry, context, output)
}

fn run_command<'a>(
    entry: &Entry,
    context: &'a Context<'a>,
    output: &'a Output<'a>,
) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("the program cannot start: {error}")))?;
    runtime.block_on((entry.execute)(context, output))
}

/// `konektor leads list`, as far as the words of a command line name commands.
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
