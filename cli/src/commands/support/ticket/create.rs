use konektor_sdk::{SupportTicket, support::CreateTicket};

use crate::{
    base::LocalClock,
    commands::{ApiCommand, as_documented},
    error::Failure,
    flags::Given as _,
    render::{Answer, DetailView, View},
    session::Call,
};

pub(crate) static COMMAND: ApiCommand = ApiCommand {
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

    Answer::new(&ticket, View::Detail(record(&ticket, &call.clock())))
}

fn record(ticket: &SupportTicket, clock: &LocalClock) -> DetailView {
    DetailView::default()
        .with("ticket", &ticket.ticket_ref)
        .with("subject", &ticket.subject)
        .with("status", ticket.status.as_str())
        .with("priority", ticket.priority.as_str())
        .with("created", clock.at_and_ago(ticket.created_at))
        .with("id", &ticket.ticket_id)
        .extra(&ticket.extra)
}
