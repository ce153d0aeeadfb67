use clap::Command;
use konektor_sdk::LeadChanges;
use konektor_spec::Operation;

use crate::{
    commands::ApiCommand,
    commands::leads::{get, view},
    error::Failure,
    flags,
    render::{Answer, View},
    session::Call,
};

pub(crate) static COMMAND: ApiCommand = ApiCommand {
    examples: "  konektor leads update CRM-1024 --status qualified
  konektor leads update 0812-3456-7890 --notes 'Call back on Monday' --clear email,source",
    shape,
    run: |call| Box::pin(run(call)),
};

fn shape(command: Command, operation: &Operation) -> Command {
    flags::with_clear(get::shape(command, operation), operation)
}

async fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let name: String = call.flags.required("id")?;
    let changes: LeadChanges = call.flags.body(None)?;
    let request = call.client.leads().update(name).changes(changes);
    let (lead, _) = call.send(request.send_with_meta()).await?;

    Answer::new(&lead, View::Detail(view::record(&lead, &call.display())))
}
