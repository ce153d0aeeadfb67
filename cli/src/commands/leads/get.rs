use clap::Command;
use konektor_spec::Operation;

use crate::{
    commands::ApiCommand,
    commands::leads::view,
    error::Failure,
    render::{Answer, View},
    session::Call,
};

pub(crate) static COMMAND: ApiCommand = ApiCommand {
    examples: "  konektor leads get CRM-1024
  konektor leads get 0812-3456-7890 -o json",
    shape,
    run: |call| Box::pin(run(call)),
};

/// The argument is more than an id.
pub(super) fn shape(command: Command, _: &Operation) -> Command {
    command.mut_args(|arg| {
        if arg.is_positional() {
            arg.value_name("LEAD")
        } else {
            arg
        }
    })
}

async fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let name: String = call.flags.required("id")?;
    let request = call.client.leads().get(name);
    let (lead, _) = call.send(request.send_with_meta()).await?;

    Answer::new(&lead, View::Detail(view::record(&lead, &call.display())))
}
