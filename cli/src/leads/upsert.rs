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

pub(crate) const VERB: Verb = Verb {
    operation: "leads_upsert",
    examples: "  konektor leads upsert --match-by phone --match-value 081234567890 \\
    --first-name Budi --status contacted
  konektor leads upsert --match-by external-ref --match-value CRM-1024 \\
    --status won --actual-value 4500000 --create-if-missing=false",
    shape: flags::with_clear,
    run: |call| Box::pin(run(call)),
};

async fn run(call: &Call<'_>) -> Result<Answer, Failure> {
    let matching: LeadMatch = call.flags.body(Some("match"))?;
    let changes: LeadChanges = call.flags.body(Some("lead"))?;
    let upserted = call
        .client
        .leads()
        .upsert(matching)
        .changes(changes)
        .given(
            call.flags.get("createIfMissing")?,
            Upsert::create_if_missing,
        )
        .send()
        .await
        .map_err(|error| call.failed(&error))?;

    let (lead, created) = (&upserted.lead, upserted.created());
    let answer = Answer::new(
        &json!({"data": lead, "created": created}),
        View::Record(view::record(lead, &call.when)),
    )?;
    Ok(answer
        .beside(upserted.extra())
        .noting(if created { "created" } else { "updated" }))
}
