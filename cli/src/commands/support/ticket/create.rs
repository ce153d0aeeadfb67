use clap::Args;
use konektor_sdk::Client;

use crate::{
    args::{DryRun, OperationArgs as _, SupportTicketCreateArgs},
    commands::{ApiCommand, Prepared},
    error::Failure,
    render::{Answer, DetailLine, DetailView, View},
    session::Call,
};

#[derive(Args)]
pub(crate) struct Create {
    #[command(flatten)]
    args: SupportTicketCreateArgs,
    #[command(flatten)]
    dry_run: DryRun,
}

impl ApiCommand for Create {
    type Operation = SupportTicketCreateArgs;

    const EXAMPLES: &'static str = "  konektor support ticket create --subject 'Conversions to Meta fail' \\
    --message 'Since this morning every conversion to Meta fails.' --priority high";

    fn operation(&self) -> &SupportTicketCreateArgs {
        &self.args
    }

    fn dry_run(&self, client: impl FnOnce() -> Result<Client, Failure>) -> Option<Prepared> {
        self.dry_run
            .then(|| Ok(self.args.clone().request(&client()?).build()))
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let request = self.args.clone().request(&call.client);
        let (ticket, _) = call.send(request.send_with_meta()).await?;

        let display = call.display();
        let view = DetailView::from_fields(
            &ticket,
            SupportTicketCreateArgs::FIELDS,
            &FIRST,
            &RENAMED,
            &display,
        )?;
        Answer::new(&ticket, View::Detail(view))
    }
}

const FIRST: [DetailLine; 1] = [DetailLine::new("ticket", &["ticketRef"])];

const RENAMED: [DetailLine; 2] = [
    DetailLine::new("id", &["ticketId"]),
    DetailLine::new("created", &["createdAt"]),
];
