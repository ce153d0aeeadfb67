//! Erasing the person behind a lead: personal data and handles go, what totals are made of stays.

use jiff::Timestamp;

use super::lookup::RowLock;
use crate::{
    domain::id,
    store::{Engine, Store, StoreError, Tenant, Write, engine::Connection},
};

/// What was removed of a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The lead's id, which stays.
    pub lead_id: String,
    /// The names of the fields that told of the person.
    pub fields: Vec<String>,
    /// How many answers, kept for requests that are sent again, showed the lead.
    pub answers: u64,
}

/// Erases the person behind the lead that a handle fits, and the bodies of the idempotent answers that show it.
///
/// The output is None when no lead fits; [`StoreError::Ambiguous`] when several do.
pub struct EraseLead {
    /// The lead's id, uniqueCode, externalRef or phone.
    pub handle: String,
    /// The time of the change.
    pub now: Timestamp,
}

impl Write<Tenant> for EraseLead {
    type Output = Option<Erased>;

    async fn run(
        &self,
        tenant: &Tenant,
        connection: &mut Connection,
    ) -> Result<Option<Erased>, StoreError> {
        tenant.erase_lead(connection, &self.handle, self.now).await
    }
}

impl Tenant {
    async fn erase_lead(
        &self,
        connection: &mut Connection,
        handle: &str,
        now: Timestamp,
    ) -> Result<Option<Erased>, StoreError> {
        let query = self.by_handle(handle, RowLock::ForUpdate);
        let rows = query.fetch_all(&mut *connection).await?;
        let Some(before) = self.only_lead(handle, &rows)? else {
            return Ok(None);
        };
        let answers = self.blank_answers(connection, &before.id).await?;
        let mut lead = before.clone();
        let mut rng = self.store.randomness.rng();
        let fields = lead.erase(id::unique_code(&mut rng), now);
        if !fields.is_empty() {
            while !self
                .taken_fields(connection, Some(&before), &lead)
                .await?
                .is_empty()
            {
                lead.unique_code = id::unique_code(&mut rng);
            }
            self.save_lead(connection, &before, &lead).await?;
        }
        Ok(Some(Erased {
            lead_id: lead.id,
            fields,
            answers,
        }))
    }
}

impl Store {
    /// Overwrites what rows held before they were changed; false where it is left to the database.
    ///
    /// On SQLite pages are overwritten as rows change, and copies in the log go with a checkpoint. PostgreSQL keeps the
    /// rows as they were until it has vacuumed the table and used their space again; writing tables of leads anew would
    /// stop every request meanwhile.
    pub async fn overwrite_changed_rows(&self) -> Result<bool, StoreError> {
        match self.engine {
            Engine::Sqlite => self.erase_deleted_keys().await,
            Engine::Postgres => Ok(false),
        }
    }
}
