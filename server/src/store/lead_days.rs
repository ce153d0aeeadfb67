//! How many leads a workspace's callers have created on a local day, and the limit on it.
//!
//! A counter row that every create updates would stay locked until each commit has reached the disk, so that PostgreSQL
//! could not group the commits of a workspace. Instead, a create inserts an entry of its own, and a read sums the
//! entries up. Only a limit needs an exact count: then the create locks the row of the day and folds the entries into
//! it. A job folds entries as well, which keeps their number small.

use jiff::civil::Date;

use super::{
    Store, StoreError, Tenant, Write,
    engine::{Connection, query},
};

const INSERT_ENTRY: &str =
    "insert into lead_day_entry (workspace_id, day, lead_id) values ($1, $2, $3)";

/// Inserts the row of a day, or locks it until the transaction ends.
const LOCK_DAY: &str = "insert into lead_day (workspace_id, day, created) values ($1, $2, 0) \
    on conflict (workspace_id, day) do update set created = lead_day.created";

const DELETE_ENTRIES: &str = "delete from lead_day_entry where workspace_id = $1 and day = $2 and lead_id in \
    (select lead_id from lead_day_entry where workspace_id = $1 and day = $2 order by lead_id limit $3)";

/// Adds a number of leads, unless there would be more than the limit.
const ADD_TO_DAY: &str = "update lead_day set created = created + $3 \
    where workspace_id = $1 and day = $2 and created + $3 <= $4";

const SELECT_DAY_TOTAL: &str = "select coalesce((select created from lead_day where workspace_id = $1 and day = $2), 0) \
    + (select count(*) from lead_day_entry where workspace_id = $1 and day = $2)";

/// The next day that has entries.
const SELECT_NEXT_DAY: &str = "select workspace_id, day from lead_day_entry where (workspace_id, day) > ($1, $2) \
    order by workspace_id, day limit 1";

/// How many entries are folded in one transaction.
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
    /// How many leads were created through the API on a local day.
    pub async fn leads_on(&self, day: Date) -> Result<i64, StoreError> {
        let row = query(SELECT_DAY_TOTAL)
            .bind(self.workspace_id.as_str())
            .bind(day.to_string())
            .fetch_one(&self.store.readers)
            .await?;
        Ok(row.get(0)?)
    }

    /// Counts a new lead; [`StoreError::LeadsPerDay`] when that would be more than the limit.
    pub(super) async fn count_lead(
        &self,
        connection: &mut Connection,
        lead_id: &str,
        day: DayLimit,
    ) -> Result<(), StoreError> {
        let DayLimit { day, limit } = day;
        let day = day.to_string();
        let Some(limit) = limit else {
            query(INSERT_ENTRY)
                .bind(self.workspace_id.as_str())
                .bind(day)
                .bind(lead_id)
                .execute(connection)
                .await?;
            return Ok(());
        };
        lock(connection, &self.workspace_id, &day).await?;
        // Entries from when there was no limit.
        let entries = take_entries(connection, &self.workspace_id, &day, i64::MAX).await?;
        if add(connection, &self.workspace_id, &day, entries + 1, limit).await? {
            Ok(())
        } else {
            Err(StoreError::LeadsPerDay)
        }
    }
}

/// Folds a batch of a day's entries into the row of the day; the output is how many there were.
struct FoldDay {
    workspace_id: String,
    day: String,
}

impl Write<Store> for FoldDay {
    type Output = i64;

    async fn run(&self, _: &Store, connection: &mut Connection) -> Result<i64, StoreError> {
        let Self { workspace_id, day } = self;
        lock(connection, workspace_id, day).await?;
        let taken = take_entries(connection, workspace_id, day, FOLD_BATCH).await?;
        add(connection, workspace_id, day, taken, i64::MAX).await?;
        Ok(taken)
    }
}

impl Store {
    /// Folds the entries of all days into the rows of their days; how many there were.
    pub async fn fold_lead_days(&self) -> Result<u64, StoreError> {
        let mut folded = 0;
        let mut last = (String::new(), String::new());
        loop {
            let next = query(SELECT_NEXT_DAY)
                .bind(last.0.as_str())
                .bind(last.1.as_str());
            let Some(row) = next.fetch_optional(&self.readers).await? else {
                return Ok(folded);
            };
            last = (row.get(0)?, row.get(1)?);
            loop {
                let (workspace_id, day) = last.clone();
                let taken = self.write(FoldDay { workspace_id, day }).await?;
                folded += u64::try_from(taken).unwrap_or(0);
                if taken < FOLD_BATCH {
                    break;
                }
            }
        }
    }
}

async fn lock(
    connection: &mut Connection,
    workspace_id: &str,
    day: &str,
) -> Result<(), StoreError> {
    query(LOCK_DAY)
        .bind(workspace_id)
        .bind(day)
        .execute(connection)
        .await?;
    Ok(())
}

async fn take_entries(
    connection: &mut Connection,
    workspace_id: &str,
    day: &str,
    most: i64,
) -> Result<i64, StoreError> {
    let taken = query(DELETE_ENTRIES)
        .bind(workspace_id)
        .bind(day)
        .bind(most)
        .execute(connection)
        .await?;
    Ok(i64::try_from(taken).unwrap_or(i64::MAX))
}

async fn add(
    connection: &mut Connection,
    workspace_id: &str,
    day: &str,
    leads: i64,
    limit: i64,
) -> Result<bool, StoreError> {
    let added = query(ADD_TO_DAY)
        .bind(workspace_id)
        .bind(day)
        .bind(leads)
        .bind(limit)
        .execute(connection)
        .await?;
    Ok(added > 0)
}
