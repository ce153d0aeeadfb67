//! Leads: read, list, create, update, upsert.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    Engine, StoreError, Tenant, Work,
    lead_days::DayLimit,
    paging::{Page, PageStart, Position},
    search::Search,
    sql::{SqlValue, Statement, bind, has_more},
};
use crate::{
    domain::{
        amount::Amount,
        email, id,
        lead::{Lead, LeadChanges},
        name_words,
        phone::Phone,
        search::SearchQuery,
        time::{from_millis, to_millis},
        workspace::NameIndex,
    },
    vault::{IndexKind, SealContext, record::LeadRecord},
};

/// The columns a [`Lead`] is made of.
const COLUMNS: &str = "id, unique_code, external_ref, status, priority, source, ad_platform, assigned_to, \
    estimated_value, actual_value, campaign_name, conversion_sync_status, created_at, updated_at, sealed";

/// Makes no lead whose uniqueCode another one has as its externalRef, or the other way round: a handle would fit both.
const INSERT: &str = "insert into lead (workspace_id, id, unique_code, external_ref, email_index, phone_index, \
    status, priority, source, ad_platform, assigned_to, estimated_value, actual_value, campaign_name, \
    conversion_sync_status, created_at, updated_at, data_key_id, sealed) \
    select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19 \
    where not exists (select 1 from lead where workspace_id = $1 and external_ref = $3) \
    and not exists (select 1 from lead where workspace_id = $1 and unique_code = $4) \
    on conflict do nothing";

const UPDATE: &str = "update lead set unique_code = $3, external_ref = $4, email_index = $5, phone_index = $6, \
    status = $7, priority = $8, source = $9, ad_platform = $10, assigned_to = $11, estimated_value = $12, \
    actual_value = $13, campaign_name = $14, conversion_sync_status = $15, created_at = $16, updated_at = $17, \
    data_key_id = $18, sealed = $19 where workspace_id = $1 and id = $2";

/// The leads, other than this one, that have one of these values, a code also as the other kind of code. With `or` in
/// the place of `union all` SQLite takes none of the indexes and reads the whole workspace.
const SELECT_TAKEN: &str = "select unique_code, external_ref, phone_index from lead \
    where workspace_id = $1 and id <> $2 and id in (\
    select id from lead where workspace_id = $1 and unique_code = $3 \
    union all select id from lead where workspace_id = $1 and external_ref = $3 \
    union all select id from lead where workspace_id = $1 and unique_code = $4 \
    union all select id from lead where workspace_id = $1 and external_ref = $4 \
    union all select id from lead where workspace_id = $1 and phone_index = $5)";

const DELETE_TOKENS: &str = "delete from lead_token where workspace_id = $1 and lead_id = $2";

const COUNT_LEADS: &str = "select count(*) from lead where workspace_id = $1";

/// Which leads of a workspace to list; None does not filter.
#[derive(Clone, Default)]
#[expect(
    missing_docs,
    reason = "the fields are those of the API document, which describes them"
)]
pub struct LeadFilter {
    pub status: Option<String>,
    pub priority: Option<String>,
    pub source: Option<String>,
    pub ad_platform: Option<String>,
    pub assigned_to: Option<String>,
    pub created_from: Option<Timestamp>,
    pub created_to: Option<Timestamp>,
    pub search: Option<SearchQuery>,
}

impl LeadFilter {
    /// Whether it has conditions beside the search.
    fn has_conditions(&self) -> bool {
        let texts = [
            &self.status,
            &self.priority,
            &self.source,
            &self.ad_platform,
            &self.assigned_to,
        ];
        texts.into_iter().any(Option::is_some)
            || self.created_from.is_some()
            || self.created_to.is_some()
    }
}

/// In which order to list leads.
#[derive(Debug, Clone, Copy)]
pub struct LeadOrder {
    /// By the last update instead of by creation.
    pub by_update: bool,
    /// Oldest first.
    pub ascending: bool,
}

/// How to find the lead of an upsert.
#[derive(Clone)]
#[expect(missing_docs, reason = "the names are those of the API document")]
pub enum Match {
    Id(String),
    UniqueCode(String),
    ExternalRef(String),
    Phone(Phone),
}

/// A lead that is to be saved.
#[derive(Debug, Clone)]
pub struct NewLead {
    /// As it is to be.
    pub lead: Lead,
    /// Whether its uniqueCode was drawn for it, so that another does as well.
    pub has_drawn_code: bool,
}

/// Why a value cannot be a lead's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Another lead has it in the same field.
    Same,
    /// Another lead has it in this field, so that a handle would fit both.
    As(&'static str),
}

/// A lead that a handle fits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// The field that the handle fits.
    pub field: &'static str,
}

/// Values that no two leads of a workspace share.
#[derive(Default)]
struct UniqueValues {
    unique_code: Option<String>,
    external_ref: Option<String>,
    phone_index: Option<Vec<u8>>,
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

impl Tenant {
    /// The lead with this id, uniqueCode, externalRef or phone; [`StoreError::Ambiguous`] when there are several.
    pub async fn lead(&self, reference: &str) -> Result<Option<Lead>, StoreError> {
        self.read(|tenant| {
            Box::pin(async move {
                let found = tenant.by_reference(reference).query();
                let rows = found.fetch_all(&tenant.store.readers).await?;
                let row = only(reference, &rows)?;
                row.map(|row| tenant.open_lead(row)).transpose()
            })
        })
        .await
    }

    /// One page of leads, and how many there are in all.
    pub async fn leads(
        &self,
        filter: &LeadFilter,
        order: LeadOrder,
        start: &PageStart,
        limit: i64,
    ) -> Result<Page<Lead>, StoreError> {
        self.read(|tenant| Box::pin(async move { tenant.page(filter, order, start, limit).await }))
            .await
    }

    /// How many leads the workspace has.
    pub async fn lead_count(&self) -> Result<i64, StoreError> {
        let row = sqlx::query(COUNT_LEADS)
            .bind(self.workspace_id.clone())
            .fetch_one(&self.store.readers)
            .await?;
        Ok(row.try_get(0)?)
    }

    /// When the last of the leads that a filter finds was updated; None when it finds none.
    async fn last_update(
        &self,
        filter: &LeadFilter,
        search: Option<&Search<'_>>,
    ) -> Result<Option<i64>, StoreError> {
        let mut statement = Statement::new("select updated_at");
        self.push_from(&mut statement, filter, search);
        statement.push(" order by updated_at desc, id desc limit 1");
        let row = statement
            .query()
            .persistent(search.is_none_or(Search::is_common))
            .fetch_optional(&self.store.readers)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    async fn page(
        &self,
        filter: &LeadFilter,
        order: LeadOrder,
        start: &PageStart,
        limit: i64,
    ) -> Result<Page<Lead>, StoreError> {
        let search = filter
            .search
            .as_ref()
            .map(|query| Search::new(&self.keys, query));
        let total = self.count_leads(filter, search.as_ref()).await?;
        if matches!(start, PageStart::Offset(offset) if *offset >= total) {
            return Ok(Page {
                rows: Vec::new(),
                total,
                next: None,
            });
        }
        // A lead that is updated moves to the end of this order. The walk ends where the end was when it began, so that
        // one which updates what it lists ends too, and lists nothing twice.
        let until = match start {
            _ if !(order.by_update && order.ascending) => None,
            PageStart::After(Position {
                until: Some(until), ..
            }) => Some(*until),
            _ => self.last_update(filter, search.as_ref()).await?,
        };

        let time = if order.by_update {
            "updated_at"
        } else {
            "created_at"
        };
        let (direction, beyond) = if order.ascending {
            ("asc", ">")
        } else {
            ("desc", "<")
        };
        let mut statement = Statement::new("select ");
        statement.push(COLUMNS);
        self.push_from(&mut statement, filter, search.as_ref());
        if let Some(until) = until {
            statement.push(" and updated_at <= ").bind(until);
        }
        if let PageStart::After(Position { millis, id, .. }) = start {
            statement
                .push(" and (")
                .push(time)
                .push(", id) ")
                .push(beyond)
                .push(" (");
            statement
                .bind(*millis)
                .push(", ")
                .bind(id.as_str())
                .push(")");
        }
        statement
            .push(" order by ")
            .push(time)
            .push(" ")
            .push(direction)
            .push(", id ")
            .push(direction);
        statement.push(" limit ").bind(limit + 1);
        if let PageStart::Offset(offset) = start {
            statement.push(" offset ").bind(*offset);
        }

        let mut rows = statement
            .query()
            .persistent(search.as_ref().is_none_or(Search::is_common))
            .fetch_all(&self.store.readers)
            .await?;
        let more = has_more(&mut rows, limit);
        let next = match rows.last() {
            Some(last) if more => Some(PageStart::After(Position {
                millis: last.try_get(time)?,
                id: last.try_get("id")?,
                until,
            })),
            _ => None,
        };
        let mut leads = rows
            .iter()
            .map(|row| self.open_lead(row))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(search) = &search {
            // What the statement finds by hashes of 128 bits is what this finds (a term is a token exactly when the name
            // has it), so nothing goes and the total is right; but no chance and no change of the database beside the
            // server may show somebody a lead that they did not look for.
            leads.retain(|lead| search.finds(lead));
        }
        Ok(Page {
            rows: leads,
            total,
            next,
        })
    }

    /// Saves a new lead.
    ///
    /// It fails with [`StoreError::Taken`], which names every unique field whose value another lead has, or with
    /// [`StoreError::LeadsPerDay`] when the day's limit is reached. Nothing is written then.
    pub fn create_lead(&self, new: NewLead, day: DayLimit) -> Work<Lead> {
        let shared = Arc::new((self.clone(), new));
        Work::new(move |connection| {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                let (tenant, new) = &*shared;
                tenant.insert(connection, new, day).await
            })
        })
    }

    /// Changes the lead that a reference finds; None when there is none. It fails with [`StoreError::Ambiguous`] when
    /// there are several, and with [`StoreError::Taken`] as [`Tenant::create_lead`] does.
    pub fn update_lead(
        &self,
        reference: String,
        changes: LeadChanges,
        now: Timestamp,
    ) -> Work<Option<Lead>> {
        let shared = Arc::new((self.clone(), reference, changes));
        Work::new(move |connection| {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                let (tenant, reference, changes) = &*shared;
                let mut statement = tenant.by_reference(reference);
                statement.push(tenant.store.row_lock());
                let rows = statement.query().fetch_all(&mut *connection).await?;
                let Some(row) = only(reference, &rows)? else {
                    return Ok(None);
                };
                let before = tenant.open_lead(row)?;
                // Whoever held the row may have taken the handle from it: PostgreSQL looks at the row again, but not at
                // what the handle was found by.
                if !before.has_handle(reference) {
                    return Err(StoreError::Raced);
                }
                let lead = tenant.change(connection, before, changes, now).await?;
                Ok(Some(lead))
            })
        })
    }

    /// Changes the lead that is matched, or else saves `new`, if given. It fails as [`Tenant::create_lead`] does.
    ///
    /// However many upserts for one value run at the same moment, one lead is made: the unique indexes let one
    /// insert win, and the others start again and find it.
    pub fn upsert_lead(
        &self,
        by: Match,
        changes: LeadChanges,
        new: Option<NewLead>,
        now: Timestamp,
        day: DayLimit,
    ) -> Work<Upserted> {
        let shared = Arc::new((self.clone(), by, changes, new));
        Work::new(move |connection| {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                let (tenant, by, changes, new) = &*shared;
                tenant
                    .upsert(connection, by, changes, new.as_ref(), now, day)
                    .await
            })
        })
    }

    async fn upsert(
        &self,
        connection: &mut AnyConnection,
        by: &Match,
        changes: &LeadChanges,
        new: Option<&NewLead>,
        now: Timestamp,
        day: DayLimit,
    ) -> Result<Upserted, StoreError> {
        let mut statement = self.by_match(by);
        statement.push(self.store.row_lock());
        let there = statement.query().fetch_optional(&mut *connection).await?;
        match (there, new) {
            (Some(row), _) => {
                let before = self.open_lead(&row)?;
                let lead = self.change(connection, before, changes, now).await?;
                Ok(Upserted::Updated(lead))
            }
            (None, Some(new)) => match self.insert(connection, new, day).await {
                Ok(lead) => Ok(Upserted::Created(lead)),
                Err(StoreError::Taken(fields)) if fields.get(by.field()) == Some(&Taken::Same) => {
                    Err(StoreError::Raced)
                }
                Err(error) => Err(error),
            },
            (None, None) => Ok(Upserted::Missing),
        }
    }

    async fn insert(
        &self,
        connection: &mut AnyConnection,
        new: &NewLead,
        day: DayLimit,
    ) -> Result<Lead, StoreError> {
        let mut lead = new.lead.clone();
        while !self.try_insert(connection, &lead).await? {
            let values = self.unique_values(&lead);
            let mut taken = self.taken(connection, &lead.id, values).await?;
            if taken.is_empty() {
                // The lead that was in the way may have given its value up since.
                return Err(StoreError::Raced);
            }
            if new.has_drawn_code {
                taken.remove("uniqueCode");
            }
            if !taken.is_empty() {
                return Err(StoreError::Taken(taken));
            }
            lead.unique_code = id::unique_code(&mut rand::rng());
        }
        self.add_tokens(connection, &lead).await?;
        self.count_lead(connection, &lead.id, day).await?;
        Ok(lead)
    }

    /// Saves a lead unless another one has one of its unique values.
    async fn try_insert(
        &self,
        connection: &mut AnyConnection,
        lead: &Lead,
    ) -> Result<bool, StoreError> {
        let values = self.values(lead)?;
        let inserted = values
            .into_iter()
            .fold(sqlx::query(INSERT), bind)
            .execute(connection)
            .await?;
        Ok(inserted.rows_affected() > 0)
    }

    async fn change(
        &self,
        connection: &mut AnyConnection,
        before: Lead,
        changes: &LeadChanges,
        now: Timestamp,
    ) -> Result<Lead, StoreError> {
        let mut lead = before.clone();
        lead.apply(changes.clone(), now);
        if lead == before {
            return Ok(before);
        }
        // Looked up first, because a statement that fails ends a transaction on PostgreSQL.
        let values = self.new_unique_values(&before, &lead);
        let taken = self.taken(connection, &lead.id, values).await?;
        if !taken.is_empty() {
            return Err(StoreError::Taken(taken));
        }
        self.save(connection, &before, &lead).await?;
        Ok(lead)
    }

    /// Writes a lead that has changed, and what is kept beside it: the tokens of its name, and the answers that show it.
    pub(super) async fn save(
        &self,
        connection: &mut AnyConnection,
        before: &Lead,
        lead: &Lead,
    ) -> Result<(), StoreError> {
        let values = self.values(lead)?;
        values
            .into_iter()
            .fold(sqlx::query(UPDATE), bind)
            .execute(&mut *connection)
            .await?;
        if (&before.first_name, &before.last_name) != (&lead.first_name, &lead.last_name) {
            sqlx::query(DELETE_TOKENS)
                .bind(self.workspace_id.clone())
                .bind(lead.id.clone())
                .execute(&mut *connection)
                .await?;
            self.add_tokens(connection, lead).await?;
        }
        if lead.outdates_answers(before) {
            self.blank_answers(connection, &lead.id).await?;
        }
        Ok(())
    }

    /// The unique values of a lead.
    fn unique_values(&self, lead: &Lead) -> UniqueValues {
        UniqueValues {
            unique_code: Some(lead.unique_code.clone()),
            external_ref: lead.external_ref.clone(),
            phone_index: lead.phone.as_deref().map(|phone| self.phone_index(phone)),
        }
    }

    /// Those that it did not have before: what it has had, it keeps.
    fn new_unique_values(&self, before: &Lead, lead: &Lead) -> UniqueValues {
        let mut values = self.unique_values(lead);
        if before.unique_code == lead.unique_code {
            values.unique_code = None;
        }
        if before.external_ref == lead.external_ref {
            values.external_ref = None;
        }
        if before.phone == lead.phone {
            values.phone_index = None;
        }
        values
    }

    /// Whether no other lead has the unique values that a lead has got.
    pub(super) async fn is_free(
        &self,
        connection: &mut AnyConnection,
        before: &Lead,
        lead: &Lead,
    ) -> Result<bool, StoreError> {
        let values = self.new_unique_values(before, lead);
        Ok(self.taken(connection, &lead.id, values).await?.is_empty())
    }

    /// The unique fields whose value another lead has.
    async fn taken(
        &self,
        connection: &mut AnyConnection,
        lead_id: &str,
        values: UniqueValues,
    ) -> Result<BTreeMap<&'static str, Taken>, StoreError> {
        let mut fields = BTreeMap::new();
        if values.is_empty() {
            return Ok(fields);
        }
        let rows = sqlx::query(SELECT_TAKEN)
            .bind(self.workspace_id.clone())
            .bind(lead_id.to_owned())
            .bind(values.unique_code.clone())
            .bind(values.external_ref.clone())
            .bind(values.phone_index.clone())
            .fetch_all(connection)
            .await?;
        for row in rows {
            let unique_code: Option<String> = row.try_get("unique_code")?;
            let external_ref: Option<String> = row.try_get("external_ref")?;
            let phone_index: Option<Vec<u8>> = row.try_get("phone_index")?;
            for (field, other_field, value) in [
                ("uniqueCode", "externalRef", &values.unique_code),
                ("externalRef", "uniqueCode", &values.external_ref),
            ] {
                let (same, other) = if field == "uniqueCode" {
                    (&unique_code, &external_ref)
                } else {
                    (&external_ref, &unique_code)
                };
                if value.is_some() && value == same {
                    fields.insert(field, Taken::Same);
                } else if value.is_some() && value == other {
                    fields.entry(field).or_insert(Taken::As(other_field));
                }
            }
            if values.phone_index.is_some() && phone_index == values.phone_index {
                fields.insert("phone", Taken::Same);
            }
        }
        Ok(fields)
    }

    pub(super) async fn add_tokens(
        &self,
        connection: &mut AnyConnection,
        lead: &Lead,
    ) -> Result<(), StoreError> {
        let tokens = self.name_tokens(lead);
        if tokens.is_empty() {
            return Ok(());
        }
        let mut statement =
            Statement::new("insert into lead_token (workspace_id, token, lead_id) values ");
        for (at, token) in tokens.into_iter().enumerate() {
            statement
                .push(if at == 0 { "(" } else { ", (" })
                .bind(self.workspace_id.as_str());
            statement
                .push(", ")
                .bind(token)
                .push(", ")
                .bind(lead.id.as_str())
                .push(")");
        }
        // Whoever builds the index may have added them.
        statement.push(" on conflict do nothing");
        statement.query().execute(connection).await?;
        Ok(())
    }

    async fn count_leads(
        &self,
        filter: &LeadFilter,
        search: Option<&Search<'_>>,
    ) -> Result<i64, StoreError> {
        let mut statement = Statement::new("select count(*)");
        match search {
            // The set itself tells, without a look at its leads.
            Some(search) if !filter.has_conditions() => {
                statement.push(" from (");
                search.push_to(&mut statement, &self.workspace_id);
                statement.push(") as found");
            }
            _ => self.push_from(&mut statement, filter, search),
        }
        Ok(statement
            .query()
            .persistent(search.is_none_or(Search::is_common))
            .fetch_one(&self.store.readers)
            .await?
            .try_get(0)?)
    }

    /// Appends ` from …` with every condition of a list.
    fn push_from(
        &self,
        statement: &mut Statement,
        filter: &LeadFilter,
        search: Option<&Search<'_>>,
    ) {
        let workspace_id = self.workspace_id.as_str();
        match search {
            None => {
                statement
                    .push(" from lead where workspace_id = ")
                    .bind(workspace_id);
            }
            // First what is found, then each lead by its key. Left to itself a planner may take all leads of the
            // workspace in the order of the page and look for each in what is found, or read the whole table.
            Some(search) => {
                statement.push(" from (");
                search.push_to(statement, workspace_id);
                match self.store.engine {
                    Engine::Sqlite => statement
                        .push(") as found cross join lead where workspace_id = ")
                        .bind(workspace_id)
                        .push(" and id = found.lead_id"),
                    Engine::Postgres => statement
                        .push(") as found cross join lateral (select * from lead where workspace_id = ")
                        .bind(workspace_id)
                        .push(" and id = found.lead_id offset 0) as lead where true"),
                };
            }
        }
        let equals = [
            ("status", &filter.status),
            ("priority", &filter.priority),
            ("source", &filter.source),
            ("ad_platform", &filter.ad_platform),
            // UUIDs are the same in either case, and kept as they were sent.
            ("lower(assigned_to)", &filter.assigned_to),
        ];
        for (column, value) in equals {
            if let Some(value) = value {
                statement
                    .push(" and ")
                    .push(column)
                    .push(" = ")
                    .bind(value.as_str());
            }
        }
        if let Some(from) = filter.created_from {
            statement.push(" and created_at >= ").bind(to_millis(from));
        }
        if let Some(to) = filter.created_to {
            statement.push(" and created_at <= ").bind(to_millis(to));
        }
    }

    /// The leads that a handle fits. What begins like an id is one; anything else may be a uniqueCode, an externalRef and
    /// a phone at once, of up to three leads.
    pub(super) fn by_reference(&self, reference: &str) -> Statement {
        if reference.starts_with(id::LEAD_PREFIX) {
            return self.by_id(reference);
        }
        let mut statement = Statement::new("select ");
        statement
            .push(COLUMNS)
            .push(" from lead where workspace_id = ")
            .bind(self.workspace_id.as_str());
        // As in SELECT_TAKEN, each column by its index.
        statement.push(" and id in (");
        let mut separator = "";
        let mut push = |column: &str, value: SqlValue| {
            statement
                .push(separator)
                .push("select id from lead where workspace_id = ")
                .bind(self.workspace_id.as_str());
            statement.push(" and ").push(column).push(" = ").bind(value);
            separator = " union all ";
        };
        for column in ["unique_code", "external_ref"] {
            push(column, reference.into());
        }
        if let Some(phone) = Phone::parse(reference) {
            push("phone_index", self.phone_index(phone.as_str()).into());
        }
        statement.push(")");
        statement
    }

    /// The lead with this id.
    pub(super) fn by_id(&self, id: &str) -> Statement {
        self.by_match(&Match::Id(id.to_owned()))
    }

    fn by_match(&self, by: &Match) -> Statement {
        let mut statement = Statement::new("select ");
        statement
            .push(COLUMNS)
            .push(" from lead where workspace_id = ")
            .bind(self.workspace_id.as_str());
        match by {
            Match::Id(id) => statement.push(" and id = ").bind(id.as_str()),
            Match::UniqueCode(code) => statement.push(" and unique_code = ").bind(code.as_str()),
            Match::ExternalRef(reference) => statement
                .push(" and external_ref = ")
                .bind(reference.as_str()),
            Match::Phone(phone) => statement
                .push(" and phone_index = ")
                .bind(self.phone_index(phone.as_str())),
        };
        statement
    }

    /// Everything of a lead that is stored, in the order in which [`INSERT`] and [`UPDATE`] number it.
    pub(super) fn values(&self, lead: &Lead) -> Result<Vec<SqlValue>, StoreError> {
        let sealed = self.keys.seal(
            &SealContext::record("lead", &lead.id),
            &LeadRecord::from_lead(lead).to_bytes()?,
        )?;
        Ok(vec![
            self.workspace_id.as_str().into(),
            lead.id.as_str().into(),
            lead.unique_code.as_str().into(),
            lead.external_ref.clone().into(),
            lead.email
                .as_deref()
                .map(|email| self.email_index(email))
                .into(),
            lead.phone
                .as_deref()
                .map(|phone| self.phone_index(phone))
                .into(),
            lead.status.as_str().into(),
            lead.priority.as_str().into(),
            lead.source.clone().into(),
            lead.ad_platform.clone().into(),
            lead.assigned_to.clone().into(),
            lead.estimated_value.map(Amount::value).into(),
            lead.actual_value.map(Amount::value).into(),
            lead.campaign_name.clone().into(),
            lead.conversion_sync_status.as_str().into(),
            to_millis(lead.created_at).into(),
            to_millis(lead.updated_at).into(),
            i64::from(self.keys.data_key_id()).into(),
            sealed.into(),
        ])
    }

    /// The tokens by which a lead's names are found; none when the workspace's name index is off.
    pub(super) fn name_tokens(&self, lead: &Lead) -> Vec<Vec<u8>> {
        if self.name_index == NameIndex::Off {
            return Vec::new();
        }
        name_words::index_terms(&lead.first_name, lead.last_name.as_deref())
            .iter()
            .map(|term| self.keys.blind_index(IndexKind::LeadName, term).to_vec())
            .collect()
    }

    pub(super) fn open_lead(&self, row: &AnyRow) -> Result<Lead, StoreError> {
        let id: String = row.try_get("id")?;
        let sealed: Vec<u8> = row.try_get("sealed")?;
        let record =
            LeadRecord::from_bytes(&self.keys.open(&SealContext::record("lead", &id), &sealed)?)?;
        Ok(Lead {
            unique_code: row.try_get("unique_code")?,
            external_ref: row.try_get("external_ref")?,
            first_name: record.first_name,
            last_name: record.last_name,
            email: record.email,
            phone: record.phone,
            status: row.try_get("status")?,
            priority: row.try_get("priority")?,
            source: row.try_get("source")?,
            ad_platform: row.try_get("ad_platform")?,
            assigned_to: row.try_get("assigned_to")?,
            estimated_value: row
                .try_get::<Option<f64>, _>("estimated_value")?
                .map(Amount::from),
            actual_value: row
                .try_get::<Option<f64>, _>("actual_value")?
                .map(Amount::from),
            notes: record.notes,
            campaign_name: row.try_get("campaign_name")?,
            conversion_sync_status: row.try_get("conversion_sync_status")?,
            created_at: from_millis(row.try_get("created_at")?),
            updated_at: from_millis(row.try_get("updated_at")?),
            id,
        })
    }

    fn email_index(&self, address: &str) -> Vec<u8> {
        self.keys
            .blind_index(IndexKind::LeadEmail, &email::comparable(address))
            .to_vec()
    }

    pub(super) fn phone_index(&self, e164: &str) -> Vec<u8> {
        self.keys.blind_index(IndexKind::LeadPhone, e164).to_vec()
    }
}

impl UniqueValues {
    fn is_empty(&self) -> bool {
        self.unique_code.is_none() && self.external_ref.is_none() && self.phone_index.is_none()
    }
}

/// The one row that a handle fits; [`StoreError::Ambiguous`] when there are several.
pub(super) fn only<'a>(
    reference: &str,
    rows: &'a [AnyRow],
) -> Result<Option<&'a AnyRow>, StoreError> {
    if rows.len() < 2 {
        return Ok(rows.first());
    }
    let mut candidates = Vec::with_capacity(rows.len());
    for row in rows {
        let is = |column| {
            Ok::<_, StoreError>(row.try_get::<Option<&str>, _>(column)? == Some(reference))
        };
        candidates.push(Candidate {
            id: row.try_get("id")?,
            field: if is("unique_code")? {
                "uniqueCode"
            } else if is("external_ref")? {
                "externalRef"
            } else {
                "phone"
            },
        });
    }
    candidates.sort_unstable();
    Err(StoreError::Ambiguous(candidates))
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
