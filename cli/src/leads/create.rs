use konektor_sdk::NewLead;

use crate::{
    call::Call,
    error::Failure,
    leads::view,
    output::{Answer, View},
    verb::{Verb, as_documented},
};

pub(crate) static VERB: Verb = Verb {
    examples: "  konektor leads create --first-name Budi --phone 081234567890
  konektor leads create --first-name Siti --email siti@example.com --source website \\
    --campaign-name 'Promo Januari' --estimated-value 5000000",
    shape: as_documented,
    run: |call| Box::pin(run(call)),
};

async fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let lead: NewLead = call.flags.body(None)?;
    let request = call.client.leads().create("").fields(lead);
    let (lead, _) = call.send(request.send_with_meta()).await?;

    Answer::new(&lead, View::Record(view::record(&lead, &call.reader())))
}
