use std::pin::Pin;

use clap::{ArgMatches, Command};

use super::{ApiCommand, LocalCommand, api_command, local_command};
use crate::{
    args::OperationArgs as _,
    base::ColumnSelection,
    config::{BASE_URL, OUTPUT, Setting},
    error::{Exit, Failure},
    render::Output,
    session::Context,
};

/// A command without its type.
pub(crate) struct Entry {
    /// The words that name it: `leads` and `list`.
    pub(crate) path: Vec<&'static str>,
    pub(crate) about: &'static str,
    /// The settings that the command always needs. It stops when one of them is wrong.
    pub(crate) needs: &'static [&'static Setting],
    /// Adds the arguments and the rest of the help.
    pub(crate) shape: fn(Command) -> Command,
    pub(crate) parse: fn(&ArgMatches) -> Result<Invocation, clap::Error>,
}

/// A command with its arguments.
pub(crate) struct Invocation {
    /// The columns that the arguments select.
    pub(crate) columns: ColumnSelection,
    pub(crate) execute: Execute,
}

pub(crate) type Execute = Box<dyn for<'a> FnOnce(&'a Context<'a>, &'a Output<'a>) -> Executing<'a>>;

type Executing<'a> = Pin<Box<dyn Future<Output = Result<Exit, Failure>> + 'a>>;

/// The settings that every operation needs, even in a dry run.
static OPERATION_SETTINGS: [&Setting; 2] = [&BASE_URL, &OUTPUT];

impl Entry {
    /// The command of an operation.
    pub(crate) fn api<C: ApiCommand>() -> Self {
        let operation = C::Operation::OPERATION;
        Self {
            path: operation.as_str().split('_').collect(),
            about: C::Operation::SUMMARY,
            needs: &OPERATION_SETTINGS,
            shape: api_command::shape::<C>,
            parse: |matches| {
                let (command, columns) = api_command::parse::<C>(matches)?;
                Ok(Invocation {
                    columns,
                    execute: Box::new(|context, output| {
                        Box::pin(api_command::execute(command, context, output))
                    }),
                })
            },
        }
    }

    /// A command that is not an operation.
    pub(crate) fn local<C: LocalCommand>() -> Self {
        Self {
            path: C::PATH.to_vec(),
            about: C::ABOUT,
            needs: C::NEEDS,
            shape: local_command::shape::<C>,
            parse: |matches| {
                let command = C::from_arg_matches(matches)?;
                Ok(Invocation {
                    columns: command.columns(),
                    execute: Box::new(|context, output| {
                        Box::pin(local_command::execute(command, context, output))
                    }),
                })
            },
        }
    }
}
