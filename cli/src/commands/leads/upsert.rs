use konektor_sdk::{LeadChanges, LeadMatch, leads::Upsert};
use serde_json::json;

use crate::{
    commands::ApiCommand,
    commands::leads::view,
    error::Failure,
    flags::{self, Given as _},
    render::{Answer, View},
    session::Call,
};

pub(crate) static COMMAND: ApiCommand = ApiCommand {
    examples: "  konektor leads upsert --match-by phone --match-value 081234567890 \\
    --first-name Budi --status contacted
  konektor leads upsert --match-by external-ref --match-value CRM-1024 \\
    --status won --actual-value 4500000 --create-if-missing=false",
    shape: flags::with_clear,
    run: |call| Box::pin(run(call)),
};

async fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let matching: LeadMatch = call.flags.body(Some("match"))?;
    let changes: LeadChanges = call.flags.body(Some("lead"))?;
    let request = call.client.leads().upsert(matching).changes(changes).given(
        call.flags.get("createIfMissing")?,
        Upsert::create_if_missing,
    );
    let (upserted, meta) = call.send(request.send_with_meta()).await?;

    let (lead, created) = (&upserted.lead, upserted.created);
    let answer = Answer::new(
        &json!({"data": lead, "created": created}),
        View::Detail(view::record(lead, &call.display())),
    )?;
    Ok(answer
        .with_metadata(&meta.extra)
        .with_note(if created { "created" } else { "updated" }))
}
