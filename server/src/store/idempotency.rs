//! Writes that happen once, however often they are asked for: their answers, kept beside what they wrote.
//!
//! The answer goes into the transaction of the write, so that there is never one without the other. Of two requests
//! under one key at the same moment one writes: this process knows its own ([`InFlight`]), SQLite has one writer, and
//! PostgreSQL's advisory lock lasts until the answer of the first can be seen.
//!
//! An answer must not bring back what was taken from a lead. It is kept beside the lead's id, and blanked in the
//! transaction that changes the lead's personal data ([`Tenant::blank_answers`]).

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use jiff::Timestamp;
use sqlx::{AnyConnection, Row};
use subtle::ConstantTimeEq;

use super::{Engine, Store, StoreError, Tenant, Work};
use crate::{
    domain::{lead::Lead, time::to_millis},
    vault::{BlindIndex, Fingerprint, IndexKind, SealContext},
};

/// How many answers are removed at once, so that no write waits long for it.
const CLEANUP_BATCH: i64 = 500;

const TABLE: &str = "idempotency";

const SELECT_ANSWER: &str = "select fingerprint, status, lead_id, sealed from idempotency \
    where workspace_id = $1 and id = $2 and created_at > $3";

/// What is there under the id is too old to be found.
const UPSERT_ANSWER: &str = "insert into idempotency (workspace_id, id, fingerprint, status, created_at, data_key_id, sealed, \
    lead_id) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (workspace_id, id) do update set \
    fingerprint = excluded.fingerprint, status = excluded.status, created_at = excluded.created_at, \
    data_key_id = excluded.data_key_id, sealed = excluded.sealed, lead_id = excluded.lead_id";

/// An empty `sealed` stands for an answer that is no longer kept.
const BLANK_ANSWERS: &str = "update idempotency set data_key_id = $3, sealed = $4 \
    where workspace_id = $1 and lead_id = $2 and length(sealed) > 0";

/// Those of one millisecond go together, so that the batch has a border.
const DELETE_EXPIRED: &str = "delete from idempotency where created_at <= (select max(created_at) from \
    (select created_at from idempotency where created_at <= $1 order by created_at limit $2) as batch)";

/// Ends with the transaction, when its writes can be seen.
const TRY_LOCK_KEY: &str =
    "select case when pg_try_advisory_xact_lock($1) then 1::bigint else 0::bigint end";

/// A request that is to be carried out once.
#[derive(Clone)]
pub struct IdempotentRequest {
    workspace_id: String,
    key: BlindIndex,
    fingerprint: Fingerprint,
    now: Timestamp,
    /// What was answered at this time or before is forgotten.
    forgotten_at: Timestamp,
}

/// What was answered.
#[derive(Clone)]
pub struct KeptAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The body, byte for byte.
    pub body: Bytes,
    /// The lead that the body shows, if it shows one.
    pub lead_id: Option<String>,
}

/// What became of a request that is to be carried out once.
pub enum Idempotent<T> {
    /// It was carried out now.
    Done(T),
    /// It had been already; this is what was answered.
    Replayed(KeptAnswer),
    /// It had been already, but personal data of the lead that the answer showed has changed since.
    Outdated {
        /// The HTTP status of the answer.
        status: u16,
        /// The lead as it is now; None when it is gone.
        lead: Option<Box<Lead>>,
    },
    /// Its key belongs to another request.
    Reused,
    /// It is being carried out at this moment.
    InFlight,
}

/// The requests that this process is carrying out.
#[derive(Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<HashSet<(String, BlindIndex)>>>);

/// Keeps others under the same key away while it lives. Whoever gives up waiting for a write drops it, although the
/// write may still happen: what the transactions do is right without it.
struct Guard {
    in_flight: InFlight,
    entry: (String, BlindIndex),
}

impl InFlight {
    fn enter(&self, request: &IdempotentRequest) -> Option<Guard> {
        let entry = (request.workspace_id.clone(), request.key);
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.insert(entry.clone()).then(|| Guard {
            in_flight: self.clone(),
            entry,
        })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut entries = self
            .in_flight
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        entries.remove(&self.entry);
    }
}

impl IdempotentRequest {
    fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key)
    }

    /// What PostgreSQL locks: a number that two keys share once in 2^64.
    fn lock(&self) -> i64 {
        let half = self.key.first_chunk().copied();
        i64::from_be_bytes(half.unwrap_or_default())
    }
}

impl Tenant {
    /// A request under a client's key. `request` is everything that makes it another one, in one spelling; `ttl` is how
    /// long an answer is kept.
    #[must_use]
    pub fn idempotent_request(
        &self,
        key: &str,
        request: &[u8],
        now: Timestamp,
        ttl: Duration,
    ) -> IdempotentRequest {
        IdempotentRequest {
            workspace_id: self.workspace_id.clone(),
            key: self.keys.blind_index(IndexKind::IdempotencyKey, key),
            fingerprint: self.keys.request_fingerprint(request),
            now,
            forgotten_at: before(now, ttl),
        }
    }

    /// Carries out a request unless it has been already. `kept` is what is answered again; a result without one leaves
    /// the key free.
    pub async fn write_idempotent<T: Send + 'static>(
        &self,
        request: IdempotentRequest,
        work: impl Fn(&Tenant) -> Work<T> + Send + Sync + 'static,
        kept: fn(&T) -> Option<KeptAnswer>,
    ) -> Result<Idempotent<T>, StoreError> {
        let Some(_guard) = self.store.in_flight.enter(&request) else {
            return Ok(Idempotent::InFlight);
        };
        let request = Arc::new(request);
        self.write(move |tenant| tenant.once(Arc::clone(&request), work(tenant), kept))
            .await
    }

    fn once<T: Send + 'static>(
        &self,
        request: Arc<IdempotentRequest>,
        work: Work<T>,
        kept: fn(&T) -> Option<KeptAnswer>,
    ) -> Work<Idempotent<T>> {
        let shared = Arc::new((self.clone(), request, work));
        Work::new(move |connection| {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                let (tenant, request, work) = &*shared;
                if !tenant.try_lock(connection, request).await? {
                    return Ok(Idempotent::InFlight);
                }
                if let Some(earlier) = tenant.earlier(connection, request).await? {
                    return Ok(earlier);
                }
                let done = work.run(connection).await?;
                if let Some(answer) = kept(&done) {
                    tenant.keep(connection, request, &answer).await?;
                }
                Ok(Idempotent::Done(done))
            })
        })
    }

    async fn try_lock(
        &self,
        connection: &mut AnyConnection,
        request: &IdempotentRequest,
    ) -> Result<bool, StoreError> {
        match self.store.engine {
            Engine::Sqlite => Ok(true),
            Engine::Postgres => {
                let row = sqlx::query(TRY_LOCK_KEY)
                    .bind(request.lock())
                    .fetch_one(connection)
                    .await?;
                Ok(row.try_get::<i64, _>(0)? == 1)
            }
        }
    }

    /// What became of an earlier request under the same key.
    async fn earlier<T>(
        &self,
        connection: &mut AnyConnection,
        request: &IdempotentRequest,
    ) -> Result<Option<Idempotent<T>>, StoreError> {
        let id = request.id();
        let row = sqlx::query(SELECT_ANSWER)
            .bind(self.workspace_id.clone())
            .bind(id.clone())
            .bind(to_millis(request.forgotten_at))
            .fetch_optional(&mut *connection)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let fingerprint: Vec<u8> = row.try_get("fingerprint")?;
        if !bool::from(fingerprint.ct_eq(&request.fingerprint)) {
            return Ok(Some(Idempotent::Reused));
        }
        let status = u16::try_from(row.try_get::<i64, _>("status")?)
            .map_err(|_| StoreError::Corrupt("status"))?;
        let lead_id: Option<String> = row.try_get("lead_id")?;
        let sealed: Vec<u8> = row.try_get("sealed")?;
        if let (true, Some(lead_id)) = (sealed.is_empty(), &lead_id) {
            let lead = self.by_id(lead_id).query();
            let lead = lead.fetch_optional(&mut *connection).await?;
            return Ok(Some(Idempotent::Outdated {
                status,
                lead: lead
                    .map(|row| self.open_lead(&row).map(Box::new))
                    .transpose()?,
            }));
        }
        let body = self.keys.open(&SealContext::record(TABLE, &id), &sealed)?;
        Ok(Some(Idempotent::Replayed(KeptAnswer {
            status,
            body: Bytes::copy_from_slice(&body),
            lead_id,
        })))
    }

    /// Forgets the bodies of the answers that show a lead. Their keys stay known, so that nothing is written twice.
    pub(super) async fn blank_answers(
        &self,
        connection: &mut AnyConnection,
        lead_id: &str,
    ) -> Result<u64, StoreError> {
        let blanked = sqlx::query(BLANK_ANSWERS)
            .bind(self.workspace_id.clone())
            .bind(lead_id.to_owned())
            .bind(i64::from(self.keys.data_key_id()))
            .bind(Vec::new())
            .execute(connection)
            .await?;
        Ok(blanked.rows_affected())
    }

    async fn keep(
        &self,
        connection: &mut AnyConnection,
        request: &IdempotentRequest,
        answer: &KeptAnswer,
    ) -> Result<(), StoreError> {
        let id = request.id();
        let sealed = self
            .keys
            .seal(&SealContext::record(TABLE, &id), &answer.body)?;
        sqlx::query(UPSERT_ANSWER)
            .bind(self.workspace_id.clone())
            .bind(id)
            .bind(request.fingerprint.to_vec())
            .bind(i64::from(answer.status))
            .bind(to_millis(request.now))
            .bind(i64::from(self.keys.data_key_id()))
            .bind(sealed)
            .bind(answer.lead_id.clone())
            .execute(connection)
            .await?;
        Ok(())
    }
}

impl Store {
    /// Removes the answers that have been kept for as long as `ttl`; how many there were.
    pub async fn forget_answers(&self, now: Timestamp, ttl: Duration) -> Result<u64, StoreError> {
        let until = to_millis(before(now, ttl));
        let mut forgotten = 0;
        loop {
            let removed = sqlx::query(DELETE_EXPIRED)
                .bind(until)
                .bind(CLEANUP_BATCH)
                .execute(&self.writers)
                .await?
                .rows_affected();
            if removed == 0 {
                return Ok(forgotten);
            }
            forgotten += removed;
        }
    }
}

fn before(now: Timestamp, ttl: Duration) -> Timestamp {
    now.checked_sub(ttl).unwrap_or(Timestamp::MIN)
}
