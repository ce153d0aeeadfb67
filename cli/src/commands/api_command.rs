//! Commands that call operations of the API.

use std::{pin::Pin, time::Duration};

use clap::{ArgMatches, Args, Command, FromArgMatches as _};
use konektor_sdk::{Client, Error, PreparedRequest};

use super::watch;
use crate::{
    args::{ColumnArgs as _, OperationArgs},
    base::ColumnSelection,
    error::{Exit, Failure},
    render::{Answer, DisplayContext, Output},
    session::{Call, Context, dry_run, explain},
};

/// A command that calls an operation.
pub(crate) trait ApiCommand: Args + 'static {
    /// The arguments of the operation.
    type Operation: OperationArgs;

    /// The description, in the words of a command line if the document's are about requests.
    const DESCRIPTION: &'static str = <Self::Operation as OperationArgs>::DESCRIPTION;
    /// Example command lines, shown at the end of the help.
    const EXAMPLES: &'static str;

    fn operation(&self) -> &Self::Operation;

    /// Sends the request, and returns the answer.
    fn run<'a>(&'a self, call: &'a Call<'a>) -> impl Future<Output = Result<Answer<'a>, Failure>>;

    /// The time between two runs with `--watch`.
    fn pause(&self) -> Option<Duration> {
        None
    }

    /// The request to show instead of sending it, if that is what is wanted. Only then a client is made.
    fn dry_run(&self, _: impl FnOnce() -> Result<Client, Failure>) -> Option<Prepared> {
        None
    }
}

pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer<'a>, Failure>> + 'a>>;

/// A request, or why it cannot be built: the arguments contradict each other, or the SDK rejects them.
pub(crate) type Prepared = Result<Result<PreparedRequest, Error>, Failure>;

/// A command, and the flags that select the columns of its answer.
#[derive(Args)]
struct WithColumns<C: ApiCommand> {
    #[command(flatten)]
    command: C,
    #[command(flatten)]
    columns: <C::Operation as OperationArgs>::Columns,
}

pub(super) fn shape<C: ApiCommand>(command: Command) -> Command {
    WithColumns::<C>::augment_args(command)
        .about(C::Operation::SUMMARY)
        .long_about(C::DESCRIPTION)
        .after_help(format!("Examples:\n{}", C::EXAMPLES))
}

pub(super) fn parse<C: ApiCommand>(
    matches: &ArgMatches,
) -> Result<(C, ColumnSelection), clap::Error> {
    let WithColumns { command, columns } = WithColumns::from_arg_matches(matches)?;
    Ok((command, columns.selection()))
}

pub(super) async fn execute<'a, C: ApiCommand>(
    command: C,
    context: &'a Context<'a>,
    output: &'a Output<'a>,
) -> Result<Exit, Failure> {
    let args = command.operation();
    let operation = C::Operation::OPERATION.operation();
    if let Some(request) = command.dry_run(|| context.dry_run_client()) {
        let request = request?.map_err(|error| explain(&error, Some(operation), context))?;
        let answer = dry_run::answer(operation, &request, args.idempotency_key())?;
        let display = || DisplayContext::new(context.environment.clock());
        return output.answer(answer, display).await;
    }
    let call = Call::new(context, operation, &args.times()).await?;
    let call = call.keeping_keys(args.idempotency_key().is_some());
    let run = || -> Running<'_> {
        Box::pin(async { Ok(command.run(&call).await?.with_fields(C::Operation::FIELDS)) })
    };
    if let Some(pause) = command.pause() {
        return watch::watch(&call, &run, output, pause).await;
    }
    let answer = run().await?;
    output.answer(answer, || call.display()).await
}
