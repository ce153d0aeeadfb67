//! Finding one lead: by a handle that a caller has, by its id, or by the field that an upsert matches.

use sqlx::AssertSqlSafe;

use super::columns::lead_columns;
use crate::{
    domain::{id, lead::Lead, phone::Phone},
    store::{
        Candidate, StoreError, Tenant,
        engine::{Connection, Query, Row, query},
        read::Read,
    },
};

const BY_ID: &str = concat!(
    "select ",
    lead_columns!(),
    " from lead where workspace_id = $1 and id = $2"
);

const BY_UNIQUE_CODE: &str = concat!(
    "select ",
    lead_columns!(),
    " from lead where workspace_id = $1 and unique_code = $2"
);

const BY_EXTERNAL_REF: &str = concat!(
    "select ",
    lead_columns!(),
    " from lead where workspace_id = $1 and external_ref = $2"
);

const BY_PHONE: &str = concat!(
    "select ",
    lead_columns!(),
    " from lead where workspace_id = $1 and phone_index = $2"
);

/// A handle may be a uniqueCode, an externalRef and a phone at once, of up to three leads. With `or` instead of
/// `union all` SQLite uses none of the indexes and reads the whole workspace.
const BY_HANDLE: &str = concat!(
    "select ",
    lead_columns!(),
    " from lead where workspace_id = $1 and id in (\
     select id from lead where workspace_id = $1 and unique_code = $2 \
     union all select id from lead where workspace_id = $1 and external_ref = $2 \
     union all select id from lead where workspace_id = $1 and phone_index = $3)"
);

/// How to find the lead of an upsert.
#[derive(Clone)]
#[expect(missing_docs, reason = "the names are those of the API document")]
pub enum Match {
    Id(String),
    UniqueCode(String),
    ExternalRef(String),
    Phone(Phone),
}

/// Whether a statement locks the rows that it finds until its transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum RowLock {
    No,
    ForUpdate,
}

impl Match {
    /// The name of the field that is matched.
    #[must_use]
    pub fn field(&self) -> &'static str {
        match self {
            Self::Id(_) => "id",
            Self::UniqueCode(_) => "uniqueCode",
            Self::ExternalRef(_) => "externalRef",
            Self::Phone(_) => "phone",
        }
    }
}

/// Finds the lead that a handle fits.
struct FindLead<'a> {
    handle: &'a str,
}

impl Read for FindLead<'_> {
    type Output = Option<Lead>;

    async fn run(
        &self,
        tenant: &Tenant,
        connection: &mut Connection,
    ) -> Result<Option<Lead>, StoreError> {
        let query = tenant.by_handle(self.handle, RowLock::No);
        let rows = query.fetch_all(connection).await?;
        tenant.only_lead(self.handle, &rows)
    }
}

impl Tenant {
    /// The lead with this id, uniqueCode, externalRef or phone; [`StoreError::Ambiguous`] when there are several.
    pub async fn lead(&self, handle: &str) -> Result<Option<Lead>, StoreError> {
        self.read(FindLead { handle }).await
    }

    /// The leads that a handle fits. A handle that begins like an id is one.
    pub(super) fn by_handle<'q>(&'q self, handle: &'q str, lock: RowLock) -> Query<'q> {
        if handle.starts_with(id::LEAD_PREFIX) {
            return self.by_id(handle, lock);
        }
        let phone = Phone::parse(handle);
        self.select(BY_HANDLE, lock)
            .bind(handle)
            .bind(phone.map(|phone| self.phone_index(phone.as_str())))
    }

    /// The lead with this id.
    pub(in crate::store) fn by_id<'q>(&'q self, id: &'q str, lock: RowLock) -> Query<'q> {
        self.select(BY_ID, lock).bind(id)
    }

    /// The lead that an upsert matches.
    pub(super) fn by_match<'q>(&'q self, by: &'q Match, lock: RowLock) -> Query<'q> {
        match by {
            Match::Id(id) => self.by_id(id, lock),
            Match::UniqueCode(code) => self.select(BY_UNIQUE_CODE, lock).bind(code.as_str()),
            Match::ExternalRef(reference) => {
                self.select(BY_EXTERNAL_REF, lock).bind(reference.as_str())
            }
            Match::Phone(phone) => self
                .select(BY_PHONE, lock)
                .bind(self.phone_index(phone.as_str())),
        }
    }

    fn select(&self, sql: &'static str, lock: RowLock) -> Query<'_> {
        let query = match lock {
            RowLock::No => query(sql),
            RowLock::ForUpdate => query(AssertSqlSafe(format!("{sql}{}", self.store.row_lock()))),
        };
        query.bind(self.workspace_id.as_str())
    }

    /// The one lead that a handle fits; [`StoreError::Ambiguous`] when there are several.
    pub(super) fn only_lead(&self, handle: &str, rows: &[Row]) -> Result<Option<Lead>, StoreError> {
        let leads = rows.iter().map(|row| self.open_lead(row));
        let mut leads = leads.collect::<Result<Vec<_>, _>>()?;
        if leads.len() < 2 {
            return Ok(leads.pop());
        }
        let candidate = |lead: Lead| Candidate {
            field: if lead.unique_code == handle {
                "uniqueCode"
            } else if lead.external_ref.as_deref() == Some(handle) {
                "externalRef"
            } else {
                "phone"
            },
            id: lead.id,
        };
        let mut candidates: Vec<_> = leads.into_iter().map(candidate).collect();
        candidates.sort_unstable();
        Err(StoreError::Ambiguous(candidates))
    }
}
