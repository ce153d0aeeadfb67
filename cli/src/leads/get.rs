use clap::Command;
use konektor_spec::Operation;

use crate::{
    call::Call,
    error::Failure,
    leads::view,
    output::{Answer, View},
    verb::Verb,
};

pub(crate) const VERB: Verb = Verb {
    operation: "leads_get",
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

async fn run(call: &Call<'_>) -> Result<Answer, Failure> {
    let name: String = call.flags.required("id")?;
    let lead = call
        .client
        .leads()
        .get(name)
        .send()
        .await
        .map_err(|error| call.failed(&error))?;

    Answer::new(&*lead, View::Record(view::record(&lead, &call.when)))
}
