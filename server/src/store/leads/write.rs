//! Writing leads: create, update, upsert.

use jiff::Timestamp;

use super::{
    columns::{INSERT_LEAD, UPDATE_LEAD},
    lookup::{Match, RowLock},
};
use crate::{
    domain::{
        id,
        lead::{Lead, LeadChanges},
    },
    store::{
        StoreError, Taken, Tenant, Write,
        engine::{Connection, query},
        lead_days::DayLimit,
    },
};

/// A lead to be saved.
#[derive(Debug, Clone)]
pub struct NewLead {
    /// As it is to be.
    pub lead: Lead,
    /// Whether its uniqueCode was generated, and may be replaced by another on a conflict.
    pub has_drawn_code: bool,
}

/// What an upsert did.
#[derive(Debug)]
pub enum Upserted {
    /// There was none, so the new one was made.
    Created(Lead),
    /// There was one, and it was changed.
    Updated(Lead),
    /// There was none, and none was to be made.
    Missing,
}

/// Saves a new lead.
///
/// It fails with [`StoreError::Taken`], which names every unique field whose value another lead has, or with
/// [`StoreError::LeadsPerDay`] when the limit of the day is reached.
pub struct CreateLead {
    /// The lead.
    pub new: NewLead,
    /// The day on which it counts.
    pub day: DayLimit,
}

impl Write<Tenant> for CreateLead {
    type Output = Lead;

    async fn run(&self, tenant: &Tenant, connection: &mut Connection) -> Result<Lead, StoreError> {
        tenant.insert_lead(connection, &self.new, self.day).await
    }
}

/// Changes the lead that a handle fits; None when there is none.
///
/// It fails with [`StoreError::Ambiguous`] when the handle fits several leads, and with [`StoreError::Taken`] as
/// [`CreateLead`] does.
pub struct UpdateLead {
    /// The lead's id, uniqueCode, externalRef or phone.
    pub handle: String,
    /// What changes.
    pub changes: LeadChanges,
    /// The time of the change.
    pub now: Timestamp,
}

impl Write<Tenant> for UpdateLead {
    type Output = Option<Lead>;

    async fn run(
        &self,
        tenant: &Tenant,
        connection: &mut Connection,
    ) -> Result<Option<Lead>, StoreError> {
        let query = tenant.by_handle(&self.handle, RowLock::ForUpdate);
        let rows = query.fetch_all(&mut *connection).await?;
        let Some(before) = tenant.only_lead(&self.handle, &rows)? else {
            return Ok(None);
        };
        // While this waited for the row lock, another write may have given the lead another handle. PostgreSQL then
        // reads the row again, but does not look up the handle again.
        if !before.has_handle(&self.handle) {
            return Err(StoreError::Raced);
        }
        let lead = tenant
            .change_lead(connection, before, &self.changes, self.now)
            .await?;
        Ok(Some(lead))
    }
}

/// Changes the lead that is matched, or else saves a new one. It fails as [`CreateLead`] does.
///
/// However many upserts of one value run at once, one lead is made: the unique indexes let one insert win, and the
/// other upserts start again and find its lead.
pub struct UpsertLead {
    /// What identifies the lead.
    pub by: Match,
    /// What changes when it is there.
    pub changes: LeadChanges,
    /// The lead to save when none is there; None saves none.
    pub new: Option<NewLead>,
    /// The time of the change.
    pub now: Timestamp,
    /// The day on which a new lead counts.
    pub day: DayLimit,
}

impl Write<Tenant> for UpsertLead {
    type Output = Upserted;

    async fn run(
        &self,
        tenant: &Tenant,
        connection: &mut Connection,
    ) -> Result<Upserted, StoreError> {
        let query = tenant.by_match(&self.by, RowLock::ForUpdate);
        let found = query.fetch_optional(&mut *connection).await?;
        match (found, &self.new) {
            (Some(row), _) => {
                let before = tenant.open_lead(&row)?;
                let lead = tenant
                    .change_lead(connection, before, &self.changes, self.now)
                    .await?;
                Ok(Upserted::Updated(lead))
            }
            (None, Some(new)) => match tenant.insert_lead(connection, new, self.day).await {
                Ok(lead) => Ok(Upserted::Created(lead)),
                Err(StoreError::Taken(fields))
                    if fields.get(self.by.field()) == Some(&Taken::Same) =>
                {
                    Err(StoreError::Raced)
                }
                Err(error) => Err(error),
            },
            (None, None) => Ok(Upserted::Missing),
        }
    }
}

impl Tenant {
    async fn insert_lead(
        &self,
        connection: &mut Connection,
        new: &NewLead,
        day: DayLimit,
    ) -> Result<Lead, StoreError> {
        let mut lead = new.lead.clone();
        while !self.try_insert_lead(connection, &lead).await? {
            let mut taken = self.taken_fields(connection, None, &lead).await?;
            if taken.is_empty() {
                // The lead that was in the way may have given up its value since.
                return Err(StoreError::Raced);
            }
            if new.has_drawn_code {
                taken.remove("uniqueCode");
            }
            if !taken.is_empty() {
                return Err(StoreError::Taken(taken));
            }
            lead.unique_code = id::unique_code(&mut self.store.randomness.rng());
        }
        self.after_change(connection, None, Some(&lead)).await?;
        self.count_lead(connection, &lead.id, day).await?;
        Ok(lead)
    }

    /// Inserts a lead unless another one has one of its unique values.
    async fn try_insert_lead(
        &self,
        connection: &mut Connection,
        lead: &Lead,
    ) -> Result<bool, StoreError> {
        let insert = query(INSERT_LEAD.as_str()).bind_all(self.lead_values(lead)?);
        Ok(insert.execute(connection).await? > 0)
    }

    async fn change_lead(
        &self,
        connection: &mut Connection,
        before: Lead,
        changes: &LeadChanges,
        now: Timestamp,
    ) -> Result<Lead, StoreError> {
        let mut lead = before.clone();
        lead.apply(changes.clone(), now);
        if lead == before {
            return Ok(before);
        }
        // Before the update, because a statement that fails ends a transaction on PostgreSQL.
        let taken = self.taken_fields(connection, Some(&before), &lead).await?;
        if !taken.is_empty() {
            return Err(StoreError::Taken(taken));
        }
        self.save_lead(connection, &before, &lead).await?;
        Ok(lead)
    }

    /// Writes a lead that has changed, and what follows from it.
    pub(super) async fn save_lead(
        &self,
        connection: &mut Connection,
        before: &Lead,
        after: &Lead,
    ) -> Result<(), StoreError> {
        let update = query(UPDATE_LEAD.as_str()).bind_all(self.lead_values(after)?);
        update.execute(&mut *connection).await?;
        self.after_change(connection, Some(before), Some(after))
            .await
    }
}
