//! The command line of Konektor's Agent API.
//!
//! The modules are layers, from `base` at the bottom to the commands at the top; each imports only those below it. The
//! API's document says which commands and flags there are, what they allow and what they mean; the SDK alone speaks
//! HTTP; `render` alone prints.
//!
//! ```
//! let command = konektor_cli::command(konektor_spec::Spec::builtin());
//! assert!(command.find_subcommand("leads").is_some());
//! ```
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod base;
mod command_tree;
mod commands;
mod completion;
mod config;
mod env;
mod error;
mod flags;
mod help;
mod registry;
mod render;
mod session;

use std::{ffi::OsString, process::ExitCode};

use clap::{ArgMatches, error::ErrorKind};
use konektor_sdk::jiff::tz::TimeZone;
use konektor_spec::{OperationId, Spec};

pub use command_tree::command;
pub use env::{Clock, Environment, Notify, Stream, Terminal, Variables};

use crate::{
    command_tree::needs_outline_only,
    commands::LocalCommand,
    config::{BASE_URL, OUTPUT, Setting, Settings},
    error::{Exit, Failure},
    registry::LOCAL_COMMANDS,
    render::{DisplayContext, Output, OutputOptions},
    session::{Call, Context},
};

/// The program: arguments, environment and streams of this process.
#[must_use]
pub fn main() -> ExitCode {
    let (mut stdout, mut stderr) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut environment = Environment::from_process(&mut stdout, &mut stderr);
    let arguments: Vec<_> = std::env::args_os().collect();
    ExitCode::from(if needs_outline_only(&arguments) {
        let arguments = help::as_flag(arguments);
        interpret(command_tree::outline(), &arguments, &environment, |flags| {
            let output = Output::new(&environment, OutputOptions::from_matches(flags));
            output.failure(&Failure::usage("a command is missing"))
        })
    } else {
        environment.zone = TimeZone::system();
        run(Spec::builtin(), arguments, environment)
    })
}

/// Does what the arguments say (the first is the program's name), and gives the exit code.
///
/// `konektor help exit-codes` says what they mean.
///
/// ```
/// use konektor_cli::{Environment, run};
/// use konektor_spec::Spec;
///
/// let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
/// let code = run(Spec::builtin(), ["konektor", "--version"], Environment::new(&mut stdout, &mut stderr));
/// assert_eq!(code, 0);
/// assert!(stdout.starts_with(b"konektor "));
/// ```
#[expect(
    clippy::needless_pass_by_value,
    reason = "who runs the program gives it the streams"
)]
pub fn run<A>(
    spec: &Spec,
    arguments: impl IntoIterator<Item = A>,
    environment: Environment<'_>,
) -> u8
where
    A: Into<OsString> + Clone,
{
    let arguments = help::as_flag(arguments.into_iter().map(Into::into).collect());
    interpret(command(spec), &arguments, &environment, |matches| {
        let (path, flags) = leaf(matches);
        execute(spec, &path, flags, &environment)
    })
}

/// Reads the arguments, and says what comes of it.
fn interpret<'a>(
    command: clap::Command,
    arguments: &[OsString],
    environment: &'a Environment<'a>,
    execute: impl FnOnce(&ArgMatches) -> Exit,
) -> u8 {
    let mut command = command.term_width(environment.help_width());
    let exit = match command.try_get_matches_from_mut(arguments) {
        Ok(matches) => execute(&matches),
        Err(error) => {
            let output = Output::new(environment, OutputOptions::named_in(arguments));
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => output
                    .help(&error.render())
                    .unwrap_or_else(|failure| output.failure(&failure)),
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                    output.help_instead(&error.render())
                }
                _ => output.failure(&Failure::from_usage(
                    &error,
                    &command_in(&command, arguments),
                )),
            }
        }
    };
    exit.code()
}

/// Does what the command says, and tells what went wrong as the settings have it.
fn execute<'a>(
    spec: &'a Spec,
    path: &'a [&'a str],
    flags: &'a ArgMatches,
    environment: &'a Environment<'a>,
) -> Exit {
    let settings = Settings::read(spec, flags, environment);
    let context = Context::new(spec, path, flags, environment, settings);
    let output = Output::new(environment, context.options.clone());
    checked(&context, &output).unwrap_or_else(|failure| output.failure(&failure))
}

/// The settings that every operation needs, a dry run too.
static OF_OPERATIONS: [&Setting; 2] = [&BASE_URL, &OUTPUT];

/// Does what the command says when the settings let it.
fn checked<'a>(context: &'a Context<'a>, output: &Output<'a>) -> Result<Exit, Failure> {
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

fn dispatch<'a>(context: &'a Context<'a>, output: &Output<'a>) -> Result<Exit, Failure> {
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
    let id = context.path.join("_");
    let (operation, verb) = context
        .spec
        .operation(&id)
        .zip(OperationId::named(&id).map(registry::of))
        .ok_or_else(|| Failure::other(format!("there is no command {}", context.path.join(" "))))?;
    if session::dry_run::is_wanted(context) {
        let answer = session::dry_run::answer(context, operation)?;
        return runtime.block_on(output.answer(answer, &display));
    }
    runtime.block_on(async {
        let call = Call::new(context, operation).await?;
        if let Some(pause) = commands::watch::wanted(&call) {
            return commands::watch::watch(&call, verb, output, pause).await;
        }
        let answer = (verb.run)(&call).await?.documented_by(operation);
        output.answer(answer, &call.display()).await
    })
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
