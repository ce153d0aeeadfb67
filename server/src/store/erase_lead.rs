//! Erasing the person behind a lead: what tells of them goes, what totals are made of stays.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::{Engine, Store, StoreError, Tenant, Work, leads::only};
use crate::domain::id;

/// What was removed of a lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The lead's id, which stays.
    pub lead_id: String,
    /// The fields that told of the person.
    pub fields: Vec<&'static str>,
    /// How many answers, kept for requests that are sent again, showed the lead.
    pub answers: u64,
}

impl Tenant {
    /// Removes what tells of a person from the lead that a reference finds, and the bodies of the answers that show it;
    /// None when there is none. It fails with [`StoreError::Ambiguous`] when there are several.
    pub fn erase_lead(&self, reference: String, now: Timestamp) -> Work<Option<Erased>> {
        let shared = Arc::new((self.clone(), reference));
        Work::new(move |connection| {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                let (tenant, reference) = &*shared;
                tenant.erase(connection, reference, now).await
            })
        })
    }

    async fn erase(
        &self,
        connection: &mut AnyConnection,
        reference: &str,
        now: Timestamp,
    ) -> Result<Option<Erased>, StoreError> {
        let mut statement = self.by_reference(reference);
        statement.push(self.store.row_lock());
        let rows = statement.query().fetch_all(&mut *connection).await?;
        let Some(row) = only(reference, &rows)? else {
            return Ok(None);
        };
        let before = self.open_lead(row)?;
        let answers = self.blank_answers(connection, &before.id).await?;
        let mut lead = before.clone();
        let code = id::unique_code(&mut rand::rng());
        let fields = lead.erase(code, now);
        if !fields.is_empty() {
            while !self.is_free(connection, &before, &lead).await? {
                lead.unique_code = id::unique_code(&mut rand::rng());
            }
            self.save(connection, &before, &lead).await?;
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
