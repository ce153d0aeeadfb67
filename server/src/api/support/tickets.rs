//! `POST /support/tickets`

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::super::Call;
use crate::{
    domain::{id, time},
    reply::{Error, Reply},
    store::NewTicket,
    vault::record::TicketRecord,
};

const NEW: &str = "new";

/// References are short and random, so that one is taken now and then: another is drawn.
const DRAWS: u32 = 8;

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
    let text = TicketRecord {
        subject: body.subject,
        message: body.message,
    };
    for _ in 0..DRAWS {
        let ticket = NewTicket {
            id: id::ticket(call.now, &mut rand::rng()),
            reference: id::ticket_ref(&mut rand::rng()),
            status: NEW.into(),
            priority: body.priority.clone(),
            created_at: call.now,
            text: text.clone(),
        };
        if call.caller.tenant.create_ticket(&ticket).await? {
            return Reply::created(Ticket {
                ticket_id: ticket.id,
                ticket_ref: ticket.reference,
                subject: ticket.text.subject,
                status: ticket.status,
                priority: ticket.priority,
                created_at: ticket.created_at,
            });
        }
    }
    Err(Error::Internal(anyhow::anyhow!(
        "no free ticket reference in {DRAWS} draws"
    )))
}
