use clap::{Args, Command};

use crate::{
    base::ColumnSelection,
    config::Setting,
    error::{Exit, Failure},
    render::{Answer, DisplayContext, Output},
    session::Context,
};

/// A command that is not an operation of the document.
pub(crate) trait LocalCommand: Args + 'static {
    /// The words that name it.
    const PATH: &'static [&'static str];
    /// A description in one line.
    const ABOUT: &'static str;
    /// Example command lines, shown at the end of the help.
    const EXAMPLES: &'static str;
    /// The settings that it always needs. Commands that show or change settings need none.
    const NEEDS: &'static [&'static Setting] = &[];

    /// More of the description, if any.
    fn details() -> String {
        String::new()
    }

    /// The columns that the arguments select.
    fn columns(&self) -> ColumnSelection {
        ColumnSelection::default()
    }

    fn run<'a>(
        &self,
        context: &'a Context<'a>,
    ) -> impl Future<Output = Result<Answer<'a>, Failure>>;
}

pub(super) fn shape<C: LocalCommand>(command: Command) -> Command {
    let command = C::augment_args(command)
        .about(C::ABOUT)
        .after_help(format!("Examples:\n{}", C::EXAMPLES));
    let details = C::details();
    if details.is_empty() {
        return command;
    }
    command.long_about(format!("{}\n\n{details}", C::ABOUT))
}

pub(super) async fn execute<'a, C: LocalCommand>(
    command: C,
    context: &'a Context<'a>,
    output: &'a Output<'a>,
) -> Result<Exit, Failure> {
    let answer = command.run(context).await?;
    let display = || DisplayContext::new(context.environment.clock());
    output.answer(answer, display).await
}
