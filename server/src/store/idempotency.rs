//! Writes that happen once, however often they are requested: their answers are stored for the next request.
//!
//! An answer is stored in the transaction of its write, so that neither exists without the other. Of two concurrent
//! requests under one key only one writes: a process knows its own requests (`super::in_flight`), SQLite has one writer, and
//! on PostgreSQL an advisory lock lasts until the first answer is visible.
//!
//! An answer must not bring back personal data that was removed from a lead. It is stored with the lead's id, and its
//! body is blanked in the transaction that changes the lead's personal data (`Tenant::blank_answers`).

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use jiff::Timestamp;
use subtle::ConstantTimeEq;

use super::{
    Engine, Store, StoreError, Tenant, Write,
    engine::{Connection, query},
    leads::RowLock,
};
use crate::{
    domain::{lead::Lead, time::to_millis},
    vault::{BlindIndex, Fingerprint, IndexKind, SealContext},
};

/// How many answers are deleted in one transaction, so that no write waits long for it.
const CLEANUP_BATCH: i64 = 500;

const TABLE: &str = "idempotency";

const SELECT_ANSWER: &str = "select fingerprint, status, lead_id, sealed from idempotency \
    where workspace_id = $1 and id = $2 and created_at > $3";

/// An answer that is there under the same id has expired.
const UPSERT_ANSWER: &str = "insert into idempotency (workspace_id, id, fingerprint, status, created_at, data_key_id, sealed, \
    lead_id) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (workspace_id, id) do update set \
    fingerprint = excluded.fingerprint, status = excluded.status, created_at = excluded.created_at, \
    data_key_id = excluded.data_key_id, sealed = excluded.sealed, lead_id = excluded.lead_id";

/// An empty `sealed` stands for a blanked answer.
const BLANK_ANSWERS: &str = "update idempotency set data_key_id = $3, sealed = $4 \
    where workspace_id = $1 and lead_id = $2 and length(sealed) > 0";

/// Answers of the same millisecond are deleted together, because the batch ends at a time.
const DELETE_EXPIRED: &str = "delete from idempotency where created_at <= (select max(created_at) from \
    (select created_at from idempotency where created_at <= $1 order by created_at limit $2) as batch)";

/// The lock ends with the transaction, when its writes are visible.
const TRY_LOCK_KEY: &str =
    "select case when pg_try_advisory_xact_lock($1) then 1::bigint else 0::bigint end";

/// A request that happens at most once.
#[derive(Clone)]
pub struct IdempotentRequest {
    workspace_id: String,
    key: BlindIndex,
    fingerprint: Fingerprint,
    now: Timestamp,
    /// Answers from this time and before have expired.
    expired_at: Timestamp,
}

/// An answer as it is stored.
#[derive(Clone)]
pub struct KeptAnswer {
    /// The outcome of the request, as a number that only the caller understands.
    pub outcome: u16,
    /// The body, byte for byte.
    pub body: Bytes,
    /// The lead that the body shows, if it shows one.
    pub lead_id: Option<String>,
}

/// What became of an idempotent request.
pub enum Idempotent<T> {
    /// Its write ran now.
    Done(T),
    /// Its write ran before, and this was the answer.
    Replayed(KeptAnswer),
    /// Its write ran before, but personal data of the lead that the answer showed has changed since.
    Outdated {
        /// The outcome of the first request; see [`KeptAnswer::outcome`].
        outcome: u16,
        /// The lead as it is now; None when it is gone.
        lead: Option<Box<Lead>>,
    },
    /// Its key belongs to another request.
    Reused,
    /// Its write is running.
    InFlight,
}

impl IdempotentRequest {
    fn id(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.key)
    }

    /// The number that PostgreSQL locks; two keys share one with a chance of 2^-64.
    fn lock(&self) -> i64 {
        let half = self.key.first_chunk().copied();
        i64::from_be_bytes(half.unwrap_or_default())
    }
}

impl Tenant {
    /// A request under a client's key. `request` is everything that identifies it, in one spelling; `ttl` is how long its
    /// answer is stored.
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
            expired_at: before(now, ttl),
        }
    }

    /// Runs the write of a request, unless the request has been carried out before. `kept` is the answer to give again;
    /// an output without one leaves the key free.
    pub async fn write_idempotent<W: Write<Tenant>>(
        &self,
        request: IdempotentRequest,
        write: W,
        kept: fn(&W::Output) -> Result<Option<KeptAnswer>, StoreError>,
    ) -> Result<Idempotent<W::Output>, StoreError> {
        let Some(_guard) = self
            .store
            .in_flight
            .enter(&request.workspace_id, request.key)
        else {
            return Ok(Idempotent::InFlight);
        };
        let write = OncePerKey {
            request,
            write,
            kept,
        };
        self.write(write).await
    }

    async fn try_lock(
        &self,
        connection: &mut Connection,
        request: &IdempotentRequest,
    ) -> Result<bool, StoreError> {
        match self.store.engine {
            Engine::Sqlite => Ok(true),
            Engine::Postgres => {
                let row = query(TRY_LOCK_KEY)
                    .bind(request.lock())
                    .fetch_one(connection)
                    .await?;
                Ok(row.get::<i64>(0)? == 1)
            }
        }
    }

    /// What became of an earlier request under the same key; None when there was none.
    async fn earlier<T>(
        &self,
        connection: &mut Connection,
        request: &IdempotentRequest,
    ) -> Result<Option<Idempotent<T>>, StoreError> {
        let id = request.id();
        let row = query(SELECT_ANSWER)
            .bind(self.workspace_id.as_str())
            .bind(id.as_str())
            .bind(to_millis(request.expired_at))
            .fetch_optional(&mut *connection)
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let mut columns = row.columns();
        let fingerprint: &[u8] = columns.next()?;
        if !bool::from(fingerprint.ct_eq(&request.fingerprint)) {
            return Ok(Some(Idempotent::Reused));
        }
        let outcome =
            u16::try_from(columns.next::<i64>()?).map_err(|_| StoreError::Corrupt("status"))?;
        let lead_id: Option<String> = columns.next()?;
        let sealed: &[u8] = columns.next()?;
        if let (true, Some(lead_id)) = (sealed.is_empty(), &lead_id) {
            let query = self.by_id(lead_id, RowLock::No);
            let lead = query.fetch_optional(&mut *connection).await?;
            return Ok(Some(Idempotent::Outdated {
                outcome,
                lead: lead
                    .map(|row| self.open_lead(&row).map(Box::new))
                    .transpose()?,
            }));
        }
        let body = self.keys.open(&SealContext::record(TABLE, &id), sealed)?;
        Ok(Some(Idempotent::Replayed(KeptAnswer {
            outcome,
            body: Bytes::copy_from_slice(&body),
            lead_id,
        })))
    }

    /// Blanks the answers that show a lead; how many there were. Their keys stay taken, so that nothing is written
    /// twice.
    pub(super) async fn blank_answers(
        &self,
        connection: &mut Connection,
        lead_id: &str,
    ) -> Result<u64, StoreError> {
        let blanked = query(BLANK_ANSWERS)
            .bind(self.workspace_id.as_str())
            .bind(lead_id)
            .bind(i64::from(self.keys.data_key_id()))
            .bind(&[][..])
            .execute(connection)
            .await?;
        Ok(blanked)
    }

    async fn keep(
        &self,
        connection: &mut Connection,
        request: &IdempotentRequest,
        answer: &KeptAnswer,
    ) -> Result<(), StoreError> {
        let id = request.id();
        let sealed = self
            .keys
            .seal(&SealContext::record(TABLE, &id), &answer.body)?;
        query(UPSERT_ANSWER)
            .bind(self.workspace_id.as_str())
            .bind(id)
            .bind(request.fingerprint.as_slice())
            .bind(i64::from(answer.outcome))
            .bind(to_millis(request.now))
            .bind(i64::from(self.keys.data_key_id()))
            .bind(sealed)
            .bind(answer.lead_id.as_deref())
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// A write that runs only if nothing was written under the key of its request.
struct OncePerKey<W: Write<Tenant>> {
    request: IdempotentRequest,
    write: W,
    kept: fn(&W::Output) -> Result<Option<KeptAnswer>, StoreError>,
}

impl<W: Write<Tenant>> Write<Tenant> for OncePerKey<W> {
    type Output = Idempotent<W::Output>;

    async fn run(
        &self,
        tenant: &Tenant,
        connection: &mut Connection,
    ) -> Result<Self::Output, StoreError> {
        if !tenant.try_lock(connection, &self.request).await? {
            return Ok(Idempotent::InFlight);
        }
        if let Some(earlier) = tenant.earlier(connection, &self.request).await? {
            return Ok(earlier);
        }
        let output = self.write.run(tenant, connection).await?;
        // A dry run leaves the key free for the real request.
        if !W::IS_DRY_RUN
            && let Some(answer) = (self.kept)(&output)?
        {
            tenant.keep(connection, &self.request, &answer).await?;
        }
        Ok(Idempotent::Done(output))
    }
}

impl Store {
    /// Deletes the answers that are older than `ttl`; how many there were.
    pub async fn forget_answers(&self, now: Timestamp, ttl: Duration) -> Result<u64, StoreError> {
        let until = to_millis(before(now, ttl));
        let mut forgotten = 0;
        loop {
            let removed = query(DELETE_EXPIRED)
                .bind(until)
                .bind(CLEANUP_BATCH)
                .execute(&self.writers)
                .await?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DryRun, tests::temporary_tenant};

    struct WriteNothing;

    impl Write<Tenant> for WriteNothing {
        type Output = ();

        async fn run(&self, _: &Tenant, _: &mut Connection) -> Result<(), StoreError> {
            Ok(())
        }
    }

    async fn write_under_a_key(
        tenant: &Tenant,
        write: impl Write<Tenant, Output = ()>,
    ) -> Idempotent<()> {
        let ttl = Duration::from_hours(24);
        let request = tenant.idempotent_request("key", b"{}", Timestamp::UNIX_EPOCH, ttl);
        let kept = |&(): &()| {
            Ok(Some(KeptAnswer {
                outcome: 200,
                body: Bytes::from_static(b"{}"),
                lead_id: None,
            }))
        };
        tenant.write_idempotent(request, write, kept).await.unwrap()
    }

    #[tokio::test]
    async fn a_dry_run_leaves_its_key_to_the_real_request() {
        let (_folder, tenant) = temporary_tenant().await;
        for write in [DryRun(WriteNothing), DryRun(WriteNothing)] {
            let outcome = write_under_a_key(&tenant, write.map(|()| ())).await;
            assert!(matches!(outcome, Idempotent::Done(())));
        }
        let outcome = write_under_a_key(&tenant, WriteNothing).await;
        assert!(matches!(outcome, Idempotent::Done(())));
        let repeated = write_under_a_key(&tenant, WriteNothing).await;
        assert!(matches!(repeated, Idempotent::Replayed(_)));
    }
}
