use konektor_sdk::{LeadChanges, LeadMatch, leads::Upsert};
use serde_json::json;

use crate::{
    call::Call,
    error::Failure,
    flags::{self, Given as _},
    leads::view,
    output::{Answer, View},
    verb::Verb,
};

pub(crate) static VERB: Verb = Verb {
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
        View::Record(view::record(lead, &call.reader())),
    )?;
    Ok(answer
        .beside(&meta.extra)
        .noting(if created { "created" } else { "updated" }))
}
