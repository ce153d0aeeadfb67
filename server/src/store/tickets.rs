//! Support tickets.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    StoreError, Tenant, Write,
    engine::{Connection, query},
};
use crate::domain::{id, time::to_millis};

const INSERT_TICKET: &str = "insert into ticket (workspace_id, id, ref, status, priority, created_at, data_key_id, sealed) \
    values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";

/// How often a reference is drawn: they are short and random, so that one is taken now and then.
const MAX_REFERENCE_DRAWS: u32 = 8;

/// The text of a ticket as it is sealed; the short names are stored and must never change.
#[derive(Serialize)]
struct TicketText<'a> {
    #[serde(rename = "s")]
    subject: &'a str,
    #[serde(rename = "m")]
    message: &'a str,
}

/// A ticket to be saved.
#[derive(Clone)]
pub struct NewTicket {
    /// `ticket_…`.
    pub id: String,
    /// Where it stands.
    pub status: String,
    /// How urgent it is.
    pub priority: String,
    /// When it was opened.
    pub created_at: Timestamp,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub message: String,
}

/// A ticket that was saved.
pub struct SavedTicket {
    /// The ticket.
    pub ticket: NewTicket,
    /// What a person can read out for it.
    pub reference: String,
}

/// Saves a new ticket under a reference that is drawn for it.
pub struct CreateTicket(pub NewTicket);

impl Write<Tenant> for CreateTicket {
    type Output = SavedTicket;

    async fn run(
        &self,
        tenant: &Tenant,
        connection: &mut Connection,
    ) -> Result<SavedTicket, StoreError> {
        for _ in 0..MAX_REFERENCE_DRAWS {
            let reference = id::ticket_ref(&mut tenant.store.randomness.rng());
            if tenant
                .insert_ticket(connection, &self.0, &reference)
                .await?
            {
                return Ok(SavedTicket {
                    ticket: self.0.clone(),
                    reference,
                });
            }
        }
        Err(StoreError::NoFreeReference)
    }
}

impl Tenant {
    /// Whether the reference was free.
    async fn insert_ticket(
        &self,
        connection: &mut Connection,
        ticket: &NewTicket,
        reference: &str,
    ) -> Result<bool, StoreError> {
        let text = TicketText {
            subject: &ticket.subject,
            message: &ticket.message,
        };
        let sealed = self.keys.seal_record("ticket", &ticket.id, &text)?;
        let inserted = query(INSERT_TICKET)
            .bind(self.workspace_id.as_str())
            .bind(ticket.id.as_str())
            .bind(reference)
            .bind(ticket.status.as_str())
            .bind(ticket.priority.as_str())
            .bind(to_millis(ticket.created_at))
            .bind(i64::from(self.keys.data_key_id()))
            .bind(sealed)
            .execute(connection)
            .await?;
        Ok(inserted > 0)
    }
}
