//! Support tickets.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{StoreError, Tenant, Work};
use crate::{
    domain::{id, time::to_millis},
    vault::{SealContext, record::TicketRecord},
};

const INSERT_TICKET: &str = "insert into ticket (workspace_id, id, ref, status, priority, created_at, data_key_id, sealed) \
    values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";

/// References are short and random, so that one is taken now and then: another is drawn.
const MAX_REFERENCE_DRAWS: u32 = 8;

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
    /// What it says.
    pub text: TicketRecord,
}

impl Tenant {
    /// Saves a new ticket under a reference of its own, which is the result.
    pub fn create_ticket(&self, ticket: NewTicket) -> Work<String> {
        let shared = Arc::new((self.clone(), ticket));
        Work::new(move |connection| {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                let (tenant, ticket) = &*shared;
                for _ in 0..MAX_REFERENCE_DRAWS {
                    let reference = id::ticket_ref(&mut rand::rng());
                    if tenant.insert_ticket(connection, ticket, &reference).await? {
                        return Ok(reference);
                    }
                }
                Err(StoreError::NoFreeReference)
            })
        })
    }

    /// Whether the reference was free.
    async fn insert_ticket(
        &self,
        connection: &mut AnyConnection,
        ticket: &NewTicket,
        reference: &str,
    ) -> Result<bool, StoreError> {
        let sealed = self.keys.seal(
            &SealContext::record("ticket", &ticket.id),
            &ticket.text.to_bytes()?,
        )?;
        let inserted = sqlx::query(INSERT_TICKET)
            .bind(self.workspace_id.clone())
            .bind(ticket.id.clone())
            .bind(reference.to_owned())
            .bind(ticket.status.clone())
            .bind(ticket.priority.clone())
            .bind(to_millis(ticket.created_at))
            .bind(i64::from(self.keys.data_key_id()))
            .bind(sealed)
            .execute(connection)
            .await?;
        Ok(inserted.rows_affected() > 0)
    }
}
