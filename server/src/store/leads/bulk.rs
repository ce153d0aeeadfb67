//! Bulk inserts of synthetic leads, for demos and benchmarks.
//!
//! Everything happens in one transaction, so that an interrupted run leaves nothing behind. If the table is small in
//! relation to the new leads, the transaction first drops its indexes and rebuilds them at the end: sorting once is many
//! times faster than inserting in random order. SQLite's readers do not notice. PostgreSQL's readers wait for the end,
//! so there it happens only in a nearly empty table.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::AssertSqlSafe;
use tokio::sync::mpsc;

use super::{after_change::BulkConsequences, columns::WRITTEN_COLUMNS};
use crate::{
    domain::lead::Lead,
    store::{
        Engine, StoreError, Taken, Tenant,
        engine::{Connection, Parameters, Value, query},
    },
};

const COUNT_ALL_LEADS: &str = "select count(*) from lead";

const SELECT_PHONES: &str =
    "select phone_index from lead where workspace_id = $1 and phone_index is not null";

/// How many leads of the workspace have an externalRef that is the uniqueCode of another lead.
const COUNT_AMBIGUOUS: &str = "select count(*) from lead as one \
    where one.workspace_id = $1 and one.external_ref is not null and exists (select 1 from lead as other \
    where other.workspace_id = $1 and other.unique_code = one.external_ref and other.id <> one.id)";

/// The statements that drop and create each index.
const SQLITE_SELECT_INDEXES: &str = "select 'drop index ' || name as gone, sql as back from sqlite_master \
    where type = 'index' and sql is not null and tbl_name in ('lead', 'lead_token') order by name";

/// Indexes of primary keys stay, as on SQLite, where they are part of the tables.
const POSTGRES_SELECT_INDEXES: &str = "select format('drop index %I', indexname) as gone, indexdef as back from pg_indexes \
    where schemaname = current_schema() and tablename in ('lead', 'lead_token') \
    and indexname not in (select conname from pg_constraint) order by indexname";

/// How many leads the sealing thread hands over at once.
const SEAL_CHUNK: usize = 200;

/// How many leads one statement inserts. sqlx looks up each placeholder of an SQLite statement from the first one on, so
/// that many values are slow; on PostgreSQL each statement is a round trip.
const SQLITE_LEADS_PER_INSERT: usize = 8;
const POSTGRES_LEADS_PER_INSERT: usize = SEAL_CHUNK;

/// Below this many leads, rebuilding the indexes costs more than it saves.
const MIN_LEADS_TO_REINDEX: u64 = 5_000;

/// A lead to be stored as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkLead {
    /// The lead.
    pub lead: Lead,
    /// When its conversions were last sent.
    pub last_conversion_sync_at: Option<Timestamp>,
}

/// How far a bulk insert has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkProgress {
    /// What is being done.
    pub step: BulkStep,
    /// How much of the step is done.
    pub done: u64,
    /// How much there is to do in the step.
    pub total: u64,
}

/// What is being done, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BulkStep {
    /// Leads are sealed and written.
    Leads,
    /// The tokens of their names are written.
    Names,
    /// Indexes are built.
    Indexes,
}

/// A lead ready to be written.
struct Prepared {
    lead: Lead,
    values: Vec<Value<'static>>,
}

/// Prepares leads.
struct Preparer {
    tenant: Tenant,
    /// Phones that leads of the workspace have.
    taken: HashSet<Vec<u8>>,
}

impl Tenant {
    /// Inserts many new leads, all or none, and reports the progress.
    ///
    /// A phone that another lead of the workspace has is left out. All other unique values must differ, from each other
    /// and from those of the leads that are there. These leads do not count towards the limit of a day.
    ///
    /// # Errors
    /// [`StoreError::Database`] when a value is taken, [`StoreError::Taken`] when one is by the other kind of code,
    /// [`StoreError::Unavailable`] when another process writes for longer than the store waits.
    pub async fn insert_leads(
        &self,
        leads: impl ExactSizeIterator<Item = BulkLead> + Send + 'static,
        progress: impl FnMut(BulkProgress) + Send,
    ) -> Result<(), StoreError> {
        let count = leads.len() as u64;
        // Not one of the pool's, because its settings are for this alone.
        let mut connection = self.store.writers.connect().await?;
        if self.store.engine == Engine::Sqlite {
            prepare_for_bulk(&mut connection).await?;
        }
        let mut transaction = connection.begin().await?;
        let tenant = self.with_current_keys(&mut transaction).await?;
        tenant
            .insert_all(&mut transaction, leads, count, progress)
            .await?;
        transaction.commit().await?;
        Ok(connection.close().await?)
    }

    async fn insert_all(
        &self,
        transaction: &mut Connection,
        leads: impl Iterator<Item = BulkLead> + Send + 'static,
        count: u64,
        mut progress: impl FnMut(BulkProgress) + Send,
    ) -> Result<(), StoreError> {
        let preparer = Preparer {
            tenant: self.clone(),
            taken: self.phones(transaction).await?,
        };
        let ambiguous_before = self.ambiguous(transaction).await?;
        let indexes = self.drop_indexes(transaction, count).await?;

        let mut chunks = prepare(preparer, leads);
        let (mut consequences, mut done) = (BulkConsequences::default(), 0);
        while let Some(chunk) = chunks.recv().await.transpose()? {
            if chunk.is_empty() {
                break;
            }
            done += chunk.len() as u64;
            for Prepared { lead, .. } in &chunk {
                consequences.add(self, lead);
            }
            self.insert_chunk(transaction, chunk).await?;
            progress(BulkProgress {
                step: BulkStep::Leads,
                done,
                total: count,
            });
            if consequences.is_full() || done == count {
                consequences.write(self, transaction, &mut progress).await?;
            }
        }

        let total = indexes.len() as u64;
        for (done, index) in (1..).zip(indexes) {
            progress(BulkProgress {
                step: BulkStep::Indexes,
                done,
                total,
            });
            run(transaction, index).await?;
        }
        if self.ambiguous(transaction).await? > ambiguous_before {
            let taken = Taken::As("externalRef");
            return Err(StoreError::Taken([("uniqueCode", taken)].into()));
        }
        Ok(())
    }

    async fn ambiguous(&self, connection: &mut Connection) -> Result<i64, StoreError> {
        let count = query(COUNT_AMBIGUOUS).bind(self.workspace_id.as_str());
        Ok(count.fetch_one(connection).await?.get(0)?)
    }

    async fn insert_chunk(
        &self,
        connection: &mut Connection,
        chunk: Vec<Prepared>,
    ) -> Result<(), StoreError> {
        let at_once = match self.store.engine {
            Engine::Sqlite => SQLITE_LEADS_PER_INSERT,
            Engine::Postgres => POSTGRES_LEADS_PER_INSERT,
        };
        let mut chunk = chunk.into_iter().peekable();
        while chunk.peek().is_some() {
            let mut parameters = Parameters::default();
            let rows: Vec<_> = chunk
                .by_ref()
                .take(at_once)
                .map(|lead| {
                    let values = lead.values.into_iter().map(|value| parameters.bind(value));
                    format!("({})", values.collect::<Vec<_>>().join(", "))
                })
                .collect();
            let sql = format!(
                "insert into lead ({WRITTEN_COLUMNS}, last_conversion_sync_at) values {}",
                rows.join(", ")
            );
            parameters.query(sql).execute(&mut *connection).await?;
        }
        Ok(())
    }

    async fn phones(&self, connection: &mut Connection) -> Result<HashSet<Vec<u8>>, StoreError> {
        let rows = query(SELECT_PHONES)
            .bind(self.workspace_id.as_str())
            .fetch_all(connection)
            .await?;
        rows.iter().map(|row| Ok(row.get(0)?)).collect()
    }

    /// Drops the indexes if that saves time; the result is the statements that create them again.
    async fn drop_indexes(
        &self,
        connection: &mut Connection,
        count: u64,
    ) -> Result<Vec<String>, StoreError> {
        let row = query(COUNT_ALL_LEADS).fetch_one(&mut *connection).await?;
        let present: i64 = row.get(0)?;
        let few = count / self.rows_to_each_present();
        if count < MIN_LEADS_TO_REINDEX || u64::try_from(present).is_ok_and(|present| present > few)
        {
            return Ok(Vec::new());
        }
        let indexes = match self.store.engine {
            Engine::Sqlite => SQLITE_SELECT_INDEXES,
            Engine::Postgres => POSTGRES_SELECT_INDEXES,
        };
        let rows = query(indexes).fetch_all(&mut *connection).await?;
        if self.store.engine == Engine::Postgres {
            let setting = "set local maintenance_work_mem = '256MB'";
            run(connection, setting.to_owned()).await?;
        }
        let mut statements = Vec::with_capacity(rows.len());
        for row in rows {
            run(connection, row.get(0)?).await?;
            statements.push(row.get(1)?);
        }
        Ok(statements)
    }

    /// How many new leads there must be for each present lead to make rebuilding the indexes worthwhile.
    fn rows_to_each_present(&self) -> u64 {
        match self.store.engine {
            Engine::Sqlite => 1,
            Engine::Postgres => 20,
        }
    }
}

impl Preparer {
    fn prepare(&mut self, new: BulkLead) -> Result<Prepared, StoreError> {
        let BulkLead {
            mut lead,
            last_conversion_sync_at,
        } = new;
        if !self.taken.is_empty() {
            lead.phone = lead
                .phone
                .filter(|phone| !self.taken.contains(&self.tenant.phone_index(phone)));
        }
        let values = self.tenant.lead_values(&lead)?;
        let mut values: Vec<_> = values.into_iter().map(Value::into_owned).collect();
        values.push(last_conversion_sync_at.into());
        Ok(Prepared { lead, values })
    }
}

/// Seals leads on their own thread, a few chunks ahead of the database.
fn prepare(
    mut preparer: Preparer,
    mut leads: impl Iterator<Item = BulkLead> + Send + 'static,
) -> mpsc::Receiver<Result<Vec<Prepared>, StoreError>> {
    let (sender, receiver) = mpsc::channel(8);
    tokio::task::spawn_blocking(move || {
        loop {
            let chunk: Result<Vec<_>, _> = leads
                .by_ref()
                .take(SEAL_CHUNK)
                .map(|lead| preparer.prepare(lead))
                .collect();
            let is_last = !chunk.as_ref().is_ok_and(|chunk| chunk.len() == SEAL_CHUNK);
            if sender.blocking_send(chunk).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

/// Lets SQLite sort in memory, on two threads.
async fn prepare_for_bulk(connection: &mut Connection) -> Result<(), StoreError> {
    for pragma in ["pragma cache_size = -262144", "pragma threads = 2"] {
        run(connection, pragma.to_owned()).await?;
    }
    Ok(())
}

async fn run(connection: &mut Connection, sql: String) -> Result<(), StoreError> {
    let statement = query(AssertSqlSafe(sql)).persistent(false);
    statement.execute(connection).await?;
    Ok(())
}
