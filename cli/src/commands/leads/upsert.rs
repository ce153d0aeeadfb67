use clap::Args;
use konektor_sdk::Client;
use serde_json::json;

use crate::{
    args::{DryRun, LeadsUpsertArgs, OperationArgs as _},
    commands::{ApiCommand, Prepared, leads::view},
    error::Failure,
    render::Answer,
    session::Call,
};

#[derive(Args)]
pub(crate) struct Upsert {
    #[command(flatten)]
    args: LeadsUpsertArgs,
    #[command(flatten)]
    dry_run: DryRun,
}

impl ApiCommand for Upsert {
    type Operation = LeadsUpsertArgs;

    const DESCRIPTION: &'static str = "Finds a lead by --match-by and --match-value and updates the given fields; --clear empties fields. If there is \
         no such lead, creates it, which needs --first-name; with --create-if-missing=false fails with exit code 5 \
         instead.\n\n\
         A new lead gets the matched value in its own field; a different value for that field is rejected. An unknown \
         id always fails, because only the server creates ids. Two upserts of the same value at the same time create \
         one lead.";
    const EXAMPLES: &'static str =
        "  konektor leads upsert --match-by phone --match-value 081234567890 \\
    --first-name Budi --status contacted
  konektor leads upsert --match-by external-ref --match-value CRM-1024 \\
    --status won --actual-value 4500000 --create-if-missing=false";

    fn operation(&self) -> &LeadsUpsertArgs {
        &self.args
    }

    fn dry_run(&self, client: impl FnOnce() -> Result<Client, Failure>) -> Option<Prepared> {
        self.dry_run
            .then(|| Ok(self.args.clone().request(&client()?)?.build()))
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let request = self.args.clone().request(&call.client)?;
        let (upserted, meta) = call.send(request.send_with_meta()).await?;

        let (lead, created) = (&upserted.lead, upserted.created);
        let answer = Answer::new(
            &json!({"data": lead, "created": created}),
            view::view(lead, LeadsUpsertArgs::FIELDS, call)?,
        )?;
        Ok(answer
            .with_metadata(&meta.extra)
            .with_note(if created { "created" } else { "updated" }))
    }
}
