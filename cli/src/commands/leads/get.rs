use clap::Args;

use crate::{
    args::{LeadsGetArgs, OperationArgs as _},
    commands::{ApiCommand, leads::view},
    error::Failure,
    render::Answer,
    session::Call,
};

#[derive(Args)]
pub(crate) struct Get {
    #[command(flatten)]
    args: LeadsGetArgs,
}

impl ApiCommand for Get {
    type Operation = LeadsGetArgs;

    const EXAMPLES: &'static str = "  konektor leads get CRM-1024
  konektor leads get 0812-3456-7890 -o json";

    fn operation(&self) -> &LeadsGetArgs {
        &self.args
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let request = self.args.clone().request(&call.client);
        let (lead, _) = call.send(request.send_with_meta()).await?;

        Answer::new(&lead, view::view(&lead, LeadsGetArgs::FIELDS, call)?)
    }
}
