//! `POST /support/tickets`

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    api::call::Call,
    domain::{id, time},
    error::Error,
    reply::Reply,
    store::{CreateTicket, NewTicket, SavedTicket},
};

/// The status of a ticket that nobody has looked at.
pub(crate) const NEW: &str = "new";

#[derive(Deserialize)]
struct Body {
    subject: String,
    message: String,
    priority: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    ticket_id: String,
    ticket_ref: String,
    subject: String,
    status: String,
    priority: String,
    #[serde(serialize_with = "time::serialize")]
    created_at: Timestamp,
}

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let body: Body = call.input.body()?;
    let ticket = NewTicket {
        id: id::ticket(call.now, &mut call.state.randomness().rng()),
        status: NEW.into(),
        priority: body.priority,
        created_at: call.now,
        subject: body.subject,
        message: body.message,
    };
    let replied = |SavedTicket { ticket, reference }| {
        Ok(Reply::created(Ticket {
            ticket_id: ticket.id,
            ticket_ref: reference,
            subject: ticket.subject,
            status: ticket.status,
            priority: ticket.priority,
            created_at: ticket.created_at,
        }))
    };
    call.write(CreateTicket(ticket), replied).await
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use konektor_spec::OperationId::SupportTicketCreate;
    use serde_json::json;

    use crate::api::testing::{TestApi, body};

    #[tokio::test]
    async fn a_ticket_gets_a_reference() {
        let api = TestApi::new().await;
        let ticket = json!({"subject": "Leads are missing", "message": "Since Monday."});
        assert_snapshot!(api.call(SupportTicketCreate, body(ticket)).await);
    }

    #[tokio::test]
    async fn a_ticket_without_a_message_is_refused() {
        let api = TestApi::new().await;
        assert_snapshot!(
            api.call(SupportTicketCreate, body(json!({"subject": "Help"})))
                .await
        );
    }
}
