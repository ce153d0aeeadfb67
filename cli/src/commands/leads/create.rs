use konektor_sdk::NewLead;

use crate::{
    commands::leads::view,
    commands::{ApiCommand, as_documented},
    error::Failure,
    render::{Answer, View},
    session::Call,
};

pub(crate) static COMMAND: ApiCommand = ApiCommand {
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

    Answer::new(&lead, View::Detail(view::record(&lead, &call.display())))
}
