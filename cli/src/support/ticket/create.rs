use konektor_sdk::{SupportTicket, support::CreateTicket};

use crate::{
    call::Call,
    error::Failure,
    flags::Given as _,
    output::{Answer, Record, View, When},
    verb::{Verb, as_documented},
};

pub(crate) static VERB: Verb = Verb {
    examples: "  konektor support ticket create --subject 'Conversions to Meta fail' \\
    --message 'Since this morning every conversion to Meta fails.' --priority high",
    shape: as_documented,
    run: |call| Box::pin(run(call)),
};

async fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let flags = &call.flags;
    let subject: String = flags.required("subject")?;
    let message: String = flags.required("message")?;
    let request = call
        .client
        .support()
        .create_ticket(subject, message)
        .given(flags.get("priority")?, CreateTicket::priority);
    let (ticket, _) = call.send(request.send_with_meta()).await?;

    Answer::new(&ticket, View::Record(record(&ticket, &call.when())))
}

fn record(ticket: &SupportTicket, when: &When) -> Record {
    Record::default()
        .with("ticket", &ticket.ticket_ref)
        .with("subject", &ticket.subject)
        .with("status", ticket.status.as_str())
        .with("priority", ticket.priority.as_str())
        .with("created", when.at_and_ago(ticket.created_at))
        .with("id", &ticket.ticket_id)
        .extra(&ticket.extra)
}
