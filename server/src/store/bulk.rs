//! Many leads at once, made by nobody's request: for demos and benchmarks.
//!
//! Everything happens in one transaction, so that an interrupted run leaves nothing behind. Where the table is small
//! beside what comes, its indexes are dropped first and built last in the same transaction: sorting once is many
//! times quicker than inserting in random order. On SQLite readers do not notice; PostgreSQL makes them wait for the
//! end, so there it is done only where there is next to nothing to read.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::Value;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Connection, Row, Transaction, query::Query};
use tokio::sync::mpsc;

use super::{
    Engine, StoreError, Tenant,
    leads::Taken,
    sql::{SqlValue, Statement},
};
use crate::domain::{lead::Lead, time::to_millis};

/// The columns of `Tenant::values`, in its order, and one more.
const INSERT: &str = "insert into lead (workspace_id, id, unique_code, external_ref, email_index, phone_index, \
    status, priority, source, ad_platform, assigned_to, estimated_value, actual_value, campaign_name, \
    conversion_sync_status, created_at, updated_at, data_key_id, sealed, last_conversion_sync_at) values ";

/// All leads of one token, as a JSON array of their ids.
const SQLITE_INSERT_TOKENS: &str = "insert into lead_token (workspace_id, token, lead_id) \
    select $1, $2, value from json_each($3)";
const POSTGRES_INSERT_TOKENS: &str = "insert into lead_token (workspace_id, token, lead_id) \
    select $1, $2, value from json_array_elements_text($3::json)";

const COUNT_ALL_LEADS: &str = "select count(*) from lead";

const SELECT_PHONES: &str =
    "select phone_index from lead where workspace_id = $1 and phone_index is not null";

/// How many leads of the workspace have an externalRef that another one has as its uniqueCode: a handle fits both.
const COUNT_AMBIGUOUS: &str = "select count(*) from lead as one \
    where one.workspace_id = $1 and one.external_ref is not null and exists (select 1 from lead as other \
    where other.workspace_id = $1 and other.unique_code = one.external_ref and other.id <> one.id)";

/// What drops each index, and what makes it again.
const SQLITE_SELECT_INDEXES: &str = "select 'drop index ' || name as gone, sql as back from sqlite_master \
    where type = 'index' and sql is not null and tbl_name in ('lead', 'lead_token') order by name";

/// Those of primary keys stay, as on SQLite, where they are part of the tables.
const POSTGRES_SELECT_INDEXES: &str = "select format('drop index %I', indexname) as gone, indexdef as back from pg_indexes \
    where schemaname = current_schema() and tablename in ('lead', 'lead_token') \
    and indexname not in (select conname from pg_constraint) order by indexname";

/// How many leads go from the thread that seals to the database at once.
const SEAL_CHUNK: usize = 200;

/// How many leads one statement brings. SQLite looks for each value's place from the first on, so that many values
/// take long; PostgreSQL does not, and each statement is a message there and back.
const SQLITE_LEADS_PER_INSERT: usize = 8;
const POSTGRES_LEADS_PER_INSERT: usize = SEAL_CHUNK;

const TOKENS_PER_INSERT: usize = 10_000;

/// How many leads' names are kept before they are written, in the order of their tokens.
const MAX_BUFFERED_NAMES: usize = 1_000_000;

/// Below this, building indexes anew does not pay.
const MIN_LEADS_TO_REINDEX: u64 = 5_000;

/// A lead to be stored as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct BulkLead {
    /// The lead.
    pub lead: Lead,
    /// When its conversions were last sent.
    pub last_conversion_sync_at: Option<Timestamp>,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BulkProgress {
    /// What is being done.
    pub step: BulkStep,
    /// How much of it is done.
    pub done: u64,
    /// How much there is to do.
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

/// The tokens of a name.
type Tokens = Arc<[Vec<u8>]>;

/// A lead ready to be written.
struct Prepared {
    id: String,
    values: Vec<SqlValue>,
    tokens: Tokens,
}

/// Prepares leads; names come again and again, so their tokens are remembered.
struct Preparer {
    tenant: Tenant,
    /// Phones that leads of the workspace have.
    taken: HashSet<Vec<u8>>,
    tokens: HashMap<(String, Option<String>), Tokens>,
}

/// Ids of leads by the tokens of their names.
#[derive(Default)]
struct Names {
    ids: Vec<String>,
    by_token: BTreeMap<Vec<u8>, Vec<u32>>,
}

impl Tenant {
    /// Saves many new leads, all or none, and tells how far it is.
    ///
    /// A phone that another lead of the workspace has already is left out. The leads have to differ from each other,
    /// and in id, uniqueCode and externalRef from those that are there, a code from those of the other kind too. They do
    /// not count towards the limit of a day.
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
        // Out of the pool, because it is set up for this alone.
        let mut connection = self.store.writers.acquire().await?.detach();
        if self.store.engine == Engine::Sqlite {
            prepare_for_bulk(&mut connection).await?;
        }
        let begin = self.store.engine.begin();
        let mut transaction = connection.begin_with(begin).await?;
        let tenant = self.with_current_keys(&mut transaction).await?;
        tenant
            .insert_all(&mut transaction, leads, count, progress)
            .await?;
        transaction.commit().await?;
        Ok(connection.close().await?)
    }

    async fn insert_all(
        &self,
        transaction: &mut Transaction<'_, Any>,
        leads: impl Iterator<Item = BulkLead> + Send + 'static,
        count: u64,
        mut progress: impl FnMut(BulkProgress) + Send,
    ) -> Result<(), StoreError> {
        let preparer = Preparer {
            tenant: self.clone(),
            taken: self.phones(transaction).await?,
            tokens: HashMap::new(),
        };
        let ambiguous_before = self.ambiguous(transaction).await?;
        let indexes = self.drop_indexes(transaction, count).await?;

        let mut chunks = prepare(preparer, leads);
        let (mut names, mut done) = (Names::default(), 0);
        while let Some(chunk) = chunks.recv().await.transpose()? {
            if chunk.is_empty() {
                break;
            }
            done += chunk.len() as u64;
            self.insert_chunk(transaction, chunk, &mut names).await?;
            progress(BulkProgress {
                step: BulkStep::Leads,
                done,
                total: count,
            });
            if names.ids.len() >= MAX_BUFFERED_NAMES || done == count {
                self.insert_names(transaction, &names, &mut progress)
                    .await?;
                names = Names::default();
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

    async fn ambiguous(&self, connection: &mut AnyConnection) -> Result<i64, StoreError> {
        let count = sqlx::query(COUNT_AMBIGUOUS).bind(self.workspace_id.clone());
        Ok(count.fetch_one(connection).await?.try_get(0)?)
    }

    async fn insert_chunk(
        &self,
        connection: &mut AnyConnection,
        chunk: Vec<Prepared>,
        names: &mut Names,
    ) -> Result<(), StoreError> {
        let at_once = match self.store.engine {
            Engine::Sqlite => SQLITE_LEADS_PER_INSERT,
            Engine::Postgres => POSTGRES_LEADS_PER_INSERT,
        };
        let mut chunk = chunk.into_iter().peekable();
        while chunk.peek().is_some() {
            let mut statement = Statement::new(INSERT);
            for (at, lead) in chunk.by_ref().take(at_once).enumerate() {
                statement.push(if at == 0 { "(" } else { ", (" });
                for (column, value) in lead.values.into_iter().enumerate() {
                    statement
                        .push(if column == 0 { "" } else { ", " })
                        .bind(value);
                }
                statement.push(")");
                names.add(lead.id, &lead.tokens);
            }
            statement.query().execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// In the order of the primary key, which fills its pages one after the other.
    async fn insert_names(
        &self,
        connection: &mut AnyConnection,
        names: &Names,
        progress: &mut (impl FnMut(BulkProgress) + Send),
    ) -> Result<(), StoreError> {
        let total = names
            .by_token
            .values()
            .map(|leads| leads.len() as u64)
            .sum();
        let mut done = 0;
        let insert = match self.store.engine {
            Engine::Sqlite => SQLITE_INSERT_TOKENS,
            Engine::Postgres => POSTGRES_INSERT_TOKENS,
        };
        for (token, leads) in &names.by_token {
            for leads in leads.chunks(TOKENS_PER_INSERT) {
                let ids: Value = leads
                    .iter()
                    .map(|&lead| names.ids[lead as usize].as_str())
                    .collect();
                sqlx::query(insert)
                    .bind(self.workspace_id.clone())
                    .bind(token.clone())
                    .bind(ids.to_string())
                    .execute(&mut *connection)
                    .await?;
                done += leads.len() as u64;
                progress(BulkProgress {
                    step: BulkStep::Names,
                    done,
                    total,
                });
            }
        }
        Ok(())
    }

    async fn phones(&self, connection: &mut AnyConnection) -> Result<HashSet<Vec<u8>>, StoreError> {
        let rows = sqlx::query(SELECT_PHONES)
            .bind(self.workspace_id.clone())
            .fetch_all(connection)
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    /// Drops the indexes if that pays, and gives the statements that make them again.
    async fn drop_indexes(
        &self,
        connection: &mut AnyConnection,
        count: u64,
    ) -> Result<Vec<String>, StoreError> {
        let row = sqlx::query(COUNT_ALL_LEADS)
            .fetch_one(&mut *connection)
            .await?;
        let present: i64 = row.try_get(0)?;
        let few = count / self.rows_to_each_present();
        if count < MIN_LEADS_TO_REINDEX || u64::try_from(present).is_ok_and(|present| present > few)
        {
            return Ok(Vec::new());
        }
        let indexes = match self.store.engine {
            Engine::Sqlite => SQLITE_SELECT_INDEXES,
            Engine::Postgres => POSTGRES_SELECT_INDEXES,
        };
        let rows = sqlx::query(indexes).fetch_all(&mut *connection).await?;
        if self.store.engine == Engine::Postgres {
            let setting = "set local maintenance_work_mem = '256MB'";
            run(connection, setting.to_owned()).await?;
        }
        let mut statements = Vec::with_capacity(rows.len());
        for row in rows {
            run(connection, row.try_get("gone")?).await?;
            statements.push(row.try_get("back")?);
        }
        Ok(statements)
    }

    /// How many new leads each present one needs for new indexes to pay.
    fn rows_to_each_present(&self) -> u64 {
        match self.store.engine {
            Engine::Sqlite => 1,
            Engine::Postgres => 20,
        }
    }
}

impl Names {
    fn add(&mut self, id: String, tokens: &[Vec<u8>]) {
        // At most MAX_BUFFERED_NAMES and one chunk.
        let at = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        self.ids.push(id);
        for token in tokens {
            match self.by_token.get_mut(token) {
                Some(leads) => leads.push(at),
                None => drop(self.by_token.insert(token.clone(), vec![at])),
            }
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
        let mut values = self.tenant.values(&lead)?;
        values.push(last_conversion_sync_at.map(to_millis).into());
        let name = (lead.first_name.clone(), lead.last_name.clone());
        let tokens = self
            .tokens
            .entry(name)
            .or_insert_with(|| self.tenant.name_tokens(&lead).into());
        Ok(Prepared {
            tokens: Arc::clone(tokens),
            id: lead.id,
            values,
        })
    }
}

/// Seals leads on a thread of its own, a few chunks ahead of the database.
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

/// Room to sort in memory, on two threads.
async fn prepare_for_bulk(connection: &mut AnyConnection) -> Result<(), StoreError> {
    for pragma in ["pragma cache_size = -262144", "pragma threads = 2"] {
        run(connection, pragma.to_owned()).await?;
    }
    Ok(())
}

async fn run(connection: &mut AnyConnection, sql: String) -> Result<(), StoreError> {
    let statement: Query<'_, Any, _> = sqlx::query(AssertSqlSafe(sql));
    statement.persistent(false).execute(connection).await?;
    Ok(())
}
