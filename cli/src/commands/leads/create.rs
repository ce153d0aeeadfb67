use clap::Args;
use konektor_sdk::Client;

use crate::{
    args::{DryRun, LeadsCreateArgs, OperationArgs as _},
    commands::{ApiCommand, Prepared, leads::view},
    error::Failure,
    render::Answer,
    session::Call,
};

#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    args: LeadsCreateArgs,
    #[command(flatten)]
    dry_run: DryRun,
}

impl ApiCommand for Create {
    type Operation = LeadsCreateArgs;

    const DESCRIPTION: &'static str = "Creates a lead; only --first-name is required. A unique code, external ref or phone that another lead has is \
         rejected, and so is a unique code that equals another lead's external ref, or the other way round. To create \
         or update, use: konektor leads upsert";
    const EXAMPLES: &'static str = "  konektor leads create --first-name Budi --phone 081234567890
  konektor leads create --first-name Siti --email siti@example.com --source website \\
    --campaign-name 'Promo Januari' --estimated-value 5000000";

    fn operation(&self) -> &LeadsCreateArgs {
        &self.args
    }

    fn dry_run(&self, client: impl FnOnce() -> Result<Client, Failure>) -> Option<Prepared> {
        self.dry_run
            .then(|| Ok(self.args.clone().request(&client()?).build()))
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let request = self.args.clone().request(&call.client);
        let (lead, _) = call.send(request.send_with_meta()).await?;

        Answer::new(&lead, view::view(&lead, LeadsCreateArgs::FIELDS, call)?)
    }
}
