use clap::Args;
use konektor_sdk::Client;

use crate::{
    args::{DryRun, LeadsUpdateArgs, OperationArgs as _},
    commands::{ApiCommand, Prepared, leads::view},
    error::Failure,
    render::Answer,
    session::Call,
};

#[derive(Args)]
pub(crate) struct Update {
    #[command(flatten)]
    args: LeadsUpdateArgs,
    #[command(flatten)]
    dry_run: DryRun,
}

impl ApiCommand for Update {
    type Operation = LeadsUpdateArgs;

    const DESCRIPTION: &'static str = "Changes the given fields and leaves the others as they are; --clear empties fields. Any status may follow any \
         other. Values that the lead already has change nothing, not even updatedAt.";
    const EXAMPLES: &'static str = "  konektor leads update CRM-1024 --status qualified
  konektor leads update 0812-3456-7890 --notes 'Call back on Monday' --clear email,source";

    fn operation(&self) -> &LeadsUpdateArgs {
        &self.args
    }

    fn dry_run(&self, client: impl FnOnce() -> Result<Client, Failure>) -> Option<Prepared> {
        self.dry_run
            .then(|| Ok(self.args.clone().request(&client()?)?.build()))
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let request = self.args.clone().request(&call.client)?;
        let (lead, _) = call.send(request.send_with_meta()).await?;

        Answer::new(&lead, view::view(&lead, LeadsUpdateArgs::FIELDS, call)?)
    }
}
