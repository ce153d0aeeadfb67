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
mod command_tree;
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

use clap::{ArgMatches, error::ErrorKind};
use konektor_sdk::jiff::tz::TimeZone;
use konektor_spec::OperationId;

pub use command_tree::command;
pub use env::{Clock, Environment, Notify, Stream, Terminal, Variables, Zone};

use crate::{
    commands::LocalCommand,
    config::{BASE_URL, OUTPUT, Setting, Settings},
    error::{Exit, Failure},
    registry::LOCAL_COMMANDS,
    render::{DisplayContext, Output, OutputOptions},
    session::Context,
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
        Ok(matches) => {
            let (path, flags) = leaf(&matches);
            execute(&path, flags, &environment)
        }
        Err(error) => {
            let output = Output::new(&environment, OutputOptions::named_in(&arguments));
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => output
                    .help(&error.render())
                    .unwrap_or_else(|failure| output.failure(&failure)),
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                    output.help_instead(&error.render())
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

/// Does what the command says, and tells what went wrong as the settings have it.
fn execute<'a>(
    path: &'a [&'a str],
    flags: &'a ArgMatches,
    environment: &'a Environment<'a>,
) -> Exit {
    let settings = Settings::read(flags, environment);
    let context = Context::new(path, flags, environment, settings);
    let output = Output::new(environment, context.options.clone());
    checked(&context, &output).unwrap_or_else(|failure| output.failure(&failure))
}

/// The settings that every operation needs, a dry run too.
static OF_OPERATIONS: [&Setting; 2] = [&BASE_URL, &OUTPUT];

/// Does what the command says when the settings let it.
fn checked<'a>(context: &'a Context<'a>, output: &'a Output<'a>) -> Result<Exit, Failure> {
    context.settings.flags_usable()?;
    let needed = local(context.path).map_or(&OF_OPERATIONS[..], |local| local.needs);
    if needed.is_empty() {
        return dispatch(context, output);
    }
    context.settings.usable(needed)?;
    let warnings = context.settings.warnings(needed);
    let warnings = || warnings.iter().map(|warning| format!("warning: {warning}"));
    // A failure is all that programs are told on stderr.
    if output.errors_as_json() {
        let exit = dispatch(context, output)?;
        warnings().for_each(|warning| context.environment.say(&warning));
        return Ok(exit);
    }
    warnings().for_each(|warning| context.environment.say(&warning));
    dispatch(context, output)
}

fn dispatch<'a>(context: &'a Context<'a>, output: &'a Output<'a>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("the program cannot start: {error}")))?;
    let display = DisplayContext::new(context.environment.clock());
    if let Some(local) = local(context.path) {
        return runtime.block_on(async {
            let answer = (local.run)(context).await?;
            output.answer(answer, &display).await
        });
    }
    let operation = OperationId::named(&context.path.join("_"))
        .ok_or_else(|| Failure::other(format!("there is no command {}", context.path.join(" "))))?;
    runtime.block_on((registry::of(operation).execute)(context, output))
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

fn local(path: &[&str]) -> Option<&'static LocalCommand> {
    LOCAL_COMMANDS
        .iter()
        .copied()
        .find(|local| local.path == path)
}
