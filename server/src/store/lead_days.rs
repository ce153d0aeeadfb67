//! How many leads a workspace's callers have made on a local day, and the limit of it.
//!
//! A row that every create updates would be locked until the commit of each has reached the disk: PostgreSQL, which
//! otherwise commits many at once, would make the creates of a workspace one after the other. So a create adds a row of
//! its own, and the sum is made when somebody asks. Only a limit needs them in a line: then the day's row is locked, the
//! entries of the day are added to it, and it is exact. Background work adds old entries to it too, so that they stay
//! few.

use std::sync::Arc;

use jiff::civil::Date;
use sqlx::{AnyConnection, Row};

use super::{Store, StoreError, Tenant, Work};

const INSERT_ENTRY: &str =
    "insert into lead_day_entry (workspace_id, day, lead_id) values ($1, $2, $3)";

/// Makes the day's row, or locks it until the transaction ends.
const LOCK_DAY: &str = "insert into lead_day (workspace_id, day, created) values ($1, $2, 0) \
    on conflict (workspace_id, day) do update set created = lead_day.created";

const DELETE_ENTRIES: &str = "delete from lead_day_entry where workspace_id = $1 and day = $2 and lead_id in \
    (select lead_id from lead_day_entry where workspace_id = $1 and day = $2 order by lead_id limit $3)";

/// Adds so many leads, unless there would be more than the limit.
const ADD_TO_DAY: &str = "update lead_day set created = created + $3 \
    where workspace_id = $1 and day = $2 and created + $3 <= $4";

const SELECT_DAY_TOTAL: &str = "select coalesce((select created from lead_day where workspace_id = $1 and day = $2), 0) \
    + (select count(*) from lead_day_entry where workspace_id = $1 and day = $2)";

/// The next day that has entries.
const SELECT_NEXT_DAY: &str = "select workspace_id, day from lead_day_entry where (workspace_id, day) > ($1, $2) \
    order by workspace_id, day limit 1";

/// How many entries are added to their row in one transaction.
const FOLD_BATCH: i64 = 500;

/// The limit on new leads a day.
#[derive(Debug, Clone, Copy)]
pub struct DayLimit {
    /// The workspace's local day.
    pub day: Date,
    /// The most new leads on it; None for no limit.
    pub limit: Option<i64>,
}

impl Tenant {
    /// How many leads were made through the API on a local day.
    pub async fn leads_on(&self, day: Date) -> Result<i64, StoreError> {
        let row = sqlx::query(SELECT_DAY_TOTAL)
            .bind(self.workspace_id.clone())
            .bind(day.to_string())
            .fetch_one(&self.store.readers)
            .await?;
        Ok(row.try_get(0)?)
    }

    /// Counts a new lead; [`StoreError::LeadsPerDay`] when that would be more than the limit.
    pub(super) async fn count_lead(
        &self,
        connection: &mut AnyConnection,
        lead_id: &str,
        day: DayLimit,
    ) -> Result<(), StoreError> {
        let DayLimit { day, limit } = day;
        let day = day.to_string();
        let Some(limit) = limit else {
            sqlx::query(INSERT_ENTRY)
                .bind(self.workspace_id.clone())
                .bind(day)
                .bind(lead_id.to_owned())
                .execute(connection)
                .await?;
            return Ok(());
        };
        lock(connection, &self.workspace_id, &day).await?;
        // Those made while there was no limit.
        let entries = take_entries(connection, &self.workspace_id, &day, i64::MAX).await?;
        if add(connection, &self.workspace_id, &day, entries + 1, limit).await? {
            Ok(())
        } else {
            Err(StoreError::LeadsPerDay)
        }
    }
}

impl Store {
    /// Adds the entries of all days to the rows of their days; how many there were.
    pub async fn fold_lead_days(&self) -> Result<u64, StoreError> {
        let mut folded = 0;
        let mut last = (String::new(), String::new());
        loop {
            let next = sqlx::query(SELECT_NEXT_DAY).bind(last.0).bind(last.1);
            let Some(row) = next.fetch_optional(&self.readers).await? else {
                return Ok(folded);
            };
            let day: Arc<(String, String)> = Arc::new((row.try_get(0)?, row.try_get(1)?));
            last = (*day).clone();
            loop {
                let day = Arc::clone(&day);
                let work = Work::new(move |connection| {
                    let day = Arc::clone(&day);
                    Box::pin(async move {
                        let (workspace_id, day) = &*day;
                        lock(connection, workspace_id, day).await?;
                        let taken = take_entries(connection, workspace_id, day, FOLD_BATCH).await?;
                        add(connection, workspace_id, day, taken, i64::MAX).await?;
                        Ok(taken)
                    })
                });
                let taken = self.run(work).await?;
                folded += u64::try_from(taken).unwrap_or(0);
                if taken < FOLD_BATCH {
                    break;
                }
            }
        }
    }
}

async fn lock(
    connection: &mut AnyConnection,
    workspace_id: &str,
    day: &str,
) -> Result<(), StoreError> {
    sqlx::query(LOCK_DAY)
        .bind(workspace_id.to_owned())
        .bind(day.to_owned())
        .execute(connection)
        .await?;
    Ok(())
}

async fn take_entries(
    connection: &mut AnyConnection,
    workspace_id: &str,
    day: &str,
    most: i64,
) -> Result<i64, StoreError> {
    let taken = sqlx::query(DELETE_ENTRIES)
        .bind(workspace_id.to_owned())
        .bind(day.to_owned())
        .bind(most)
        .execute(connection)
        .await?;
    Ok(i64::try_from(taken.rows_affected()).unwrap_or(i64::MAX))
}

async fn add(
    connection: &mut AnyConnection,
    workspace_id: &str,
    day: &str,
    leads: i64,
    limit: i64,
) -> Result<bool, StoreError> {
    let added = sqlx::query(ADD_TO_DAY)
        .bind(workspace_id.to_owned())
        .bind(day.to_owned())
        .bind(leads)
        .bind(limit)
        .execute(connection)
        .await?;
    Ok(added.rows_affected() > 0)
}
