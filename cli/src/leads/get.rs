use clap::Command;
use konektor_spec::Operation;

use crate::{
    call::Call,
    error::Failure,
    leads::view,
    output::{Answer, View},
    verb::Verb,
};

pub(crate) static VERB: Verb = Verb {
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

    Answer::new(&lead, View::Record(view::record(&lead, &call.reader())))
}
