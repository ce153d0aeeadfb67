//! Support tickets.

use jiff::Timestamp;

use super::{StoreError, Tenant};
use crate::{
    domain::time::to_millis,
    vault::{Place, record::TicketRecord},
};

const INSERT: &str = "insert into ticket (workspace_id, id, ref, status, priority, created_at, data_key_id, sealed) \
    values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing";

/// A ticket to be saved.
pub struct NewTicket {
    /// `ticket_…`.
    pub id: String,
    /// What people quote.
    pub reference: String,
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
    /// Saves a new ticket; false when its reference is taken and another has to be drawn.
    pub async fn create_ticket(&self, ticket: &NewTicket) -> Result<bool, StoreError> {
        let sealed = self.keys.seal(
            &Place::record("ticket", &ticket.id),
            &ticket.text.to_bytes()?,
        )?;
        let inserted = sqlx::query(INSERT)
            .bind(self.workspace_id.clone())
            .bind(ticket.id.clone())
            .bind(ticket.reference.clone())
            .bind(ticket.status.clone())
            .bind(ticket.priority.clone())
            .bind(to_millis(ticket.created_at))
            .bind(i64::from(self.keys.data_key_id()))
            .bind(sealed)
            .execute(&self.store.writers)
            .await?;
        Ok(inserted.rows_affected() > 0)
    }
}
