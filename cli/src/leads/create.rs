use konektor_sdk::NewLead;

use crate::{
    call::Call,
    error::Failure,
    leads::view,
    output::{Answer, View},
    verb::{Verb, as_documented},
};

pub(crate) const VERB: Verb = Verb {
    operation: "leads_create",
    examples: "  konektor leads create --first-name Budi --phone 081234567890
  konektor leads create --first-name Siti --email siti@example.com --source website \\
    --campaign-name 'Promo Januari' --estimated-value 5000000",
    shape: as_documented,
    run: |call| Box::pin(run(call)),
};

async fn run(call: &Call<'_>) -> Result<Answer, Failure> {
    let lead: NewLead = call.flags.body(None)?;
    let lead = call
        .client
        .leads()
        .create("")
        .fields(lead)
        .send()
        .await
        .map_err(|error| call.failed(&error))?;

    Answer::new(&*lead, View::Record(view::record(&lead, &call.when)))
}
