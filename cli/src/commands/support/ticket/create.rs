use clap::Args;
use konektor_sdk::{Client, SupportTicket};

use crate::{
    args::{Columns, DryRun, SupportTicketCreateArgs},
    base::LocalClock,
    commands::{ApiCommand, Prepared},
    error::Failure,
    render::{Answer, DetailView, View},
    session::Call,
};

#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    args: SupportTicketCreateArgs,
    #[command(flatten)]
    dry_run: DryRun,
    #[command(flatten)]
    columns: Columns<SupportTicketCreateArgs>,
}

impl ApiCommand for Create {
    type Operation = SupportTicketCreateArgs;

    const EXAMPLES: &'static str = "  konektor support ticket create --subject 'Conversions to Meta fail' \\
    --message 'Since this morning every conversion to Meta fails.' --priority high";

    fn operation(&self) -> &SupportTicketCreateArgs {
        &self.args
    }

    fn dry_run(&self, client: &Client) -> Option<Prepared> {
        self.dry_run
            .then(|| Ok(self.args.clone().request(client).build()))
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let request = self.args.clone().request(&call.client);
        let (ticket, _) = call.send(request.send_with_meta()).await?;

        Answer::new(&ticket, View::Detail(record(&ticket, &call.clock())))
    }
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
