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
mod api;
mod auth;
mod call;
mod command;
mod config;
mod conversions;
mod desk;
mod doctor;
mod dry_run;
mod error;
mod flags;
mod help;
mod known;
mod leads;
mod notices;
mod output;
mod pages;
mod progress;
mod shell;
mod skill;
mod support;
mod verb;
mod version;
mod watch;
mod workspace;
mod world;

use std::{ffi::OsString, process::ExitCode};

use clap::{ArgMatches, error::ErrorKind};
use konektor_sdk::jiff::tz::TimeZone;
use konektor_spec::{OperationId, Spec};

pub use command::command;
pub use notices::Notify;
pub use world::{Clock, Stream, Terminal, Variables, World};

use crate::{
    call::Call,
    command::is_about_outline,
    config::{BASE_URL, OUTPUT, Setting, Settings},
    desk::Desk,
    error::{Exit, Failure},
    output::{Output, Reader, Style},
    verb::{LOCALS, Local},
};

/// The program: arguments, environment and streams of this process.
#[must_use]
pub fn main() -> ExitCode {
    let (mut stdout, mut stderr) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut world = World::of_this_process(&mut stdout, &mut stderr);
    let arguments: Vec<_> = std::env::args_os().collect();
    ExitCode::from(if is_about_outline(&arguments) {
        let arguments = help::as_flag(arguments);
        interpret(command::outline(), &arguments, &world, |flags| {
            let output = Output::new(&world, Style::of(flags));
            output.failure(&Failure::usage("a command is missing"))
        })
    } else {
        world.zone = TimeZone::system();
        run(Spec::builtin(), arguments, world)
    })
}

/// Does what the arguments say (the first is the program's name), and gives the exit code.
///
/// `konektor help exit-codes` says what they mean.
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
#[expect(
    clippy::needless_pass_by_value,
    reason = "who runs the program gives it the streams"
)]
pub fn run<A>(spec: &Spec, arguments: impl IntoIterator<Item = A>, world: World<'_>) -> u8
where
    A: Into<OsString> + Clone,
{
    let arguments = help::as_flag(arguments.into_iter().map(Into::into).collect());
    interpret(command(spec), &arguments, &world, |matches| {
        let (path, flags) = leaf(matches);
        obey(spec, &path, flags, &world)
    })
}

/// Reads the arguments, and says what comes of it.
fn interpret<'a>(
    command: clap::Command,
    arguments: &[OsString],
    world: &'a World<'a>,
    obey: impl FnOnce(&ArgMatches) -> Exit,
) -> u8 {
    let mut command = command.term_width(world.help_width());
    let exit = match command.try_get_matches_from_mut(arguments) {
        Ok(matches) => obey(&matches),
        Err(error) => {
            let output = Output::new(world, Style::named_in(arguments));
            match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => output
                    .help(&error.render())
                    .unwrap_or_else(|failure| output.failure(&failure)),
                ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                    output.help_instead(&error.render())
                }
                _ => output.failure(&Failure::of_usage(&error, &command_in(&command, arguments))),
            }
        }
    };
    exit.code()
}

/// Does what the command says, and tells what went wrong as the settings have it.
fn obey<'a>(
    spec: &'a Spec,
    path: &'a [&'a str],
    flags: &'a ArgMatches,
    world: &'a World<'a>,
) -> Exit {
    let settings = Settings::read(spec, flags, world);
    let desk = Desk::new(spec, path, flags, world, settings);
    let output = Output::new(world, desk.style.clone());
    checked(&desk, &output).unwrap_or_else(|failure| output.failure(&failure))
}

/// The settings that every operation needs, a dry run too.
static OF_OPERATIONS: [&Setting; 2] = [&BASE_URL, &OUTPUT];

/// Does what the command says when the settings let it.
fn checked<'a>(desk: &'a Desk<'a>, output: &Output<'a>) -> Result<Exit, Failure> {
    desk.settings.flags_usable()?;
    let needed = local(desk.path).map_or(&OF_OPERATIONS[..], |local| local.needs);
    if needed.is_empty() {
        return done(desk, output);
    }
    desk.settings.usable(needed)?;
    let warnings = desk.settings.warnings(needed);
    let warnings = || warnings.iter().map(|warning| format!("warning: {warning}"));
    // A failure is all that programs are told on stderr.
    if output.errors_as_json() {
        let exit = done(desk, output)?;
        warnings().for_each(|warning| desk.world.say(&warning));
        return Ok(exit);
    }
    warnings().for_each(|warning| desk.world.say(&warning));
    done(desk, output)
}

fn done<'a>(desk: &'a Desk<'a>, output: &Output<'a>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::other(format!("the program cannot start: {error}")))?;
    let reader = Reader::new(desk.world.when());
    if let Some(local) = local(desk.path) {
        return runtime.block_on(async {
            let answer = (local.run)(desk).await?;
            output.answer(answer, &reader).await
        });
    }
    let id = desk.path.join("_");
    let (operation, verb) = desk
        .spec
        .operation(&id)
        .zip(OperationId::named(&id).map(verb::of))
        .ok_or_else(|| Failure::other(format!("there is no command {}", desk.path.join(" "))))?;
    if dry_run::is_wanted(desk) {
        let answer = dry_run::answer(desk, operation)?;
        return runtime.block_on(output.answer(answer, &reader));
    }
    runtime.block_on(async {
        let call = Call::new(desk, operation).await?;
        if let Some(pause) = watch::wanted(&call) {
            return watch::watch(&call, verb, output, pause).await;
        }
        let answer = (verb.run)(&call).await?.documented_by(operation);
        output.answer(answer, &call.reader()).await
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

fn local(path: &[&str]) -> Option<&'static Local> {
    LOCALS.iter().copied().find(|local| local.path == path)
}
