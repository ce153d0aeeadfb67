//! Lists of leads.

use jiff::Timestamp;

use super::{columns::lead_columns, search::Search};
use crate::{
    domain::{lead::Lead, search::SearchQuery},
    store::{
        Engine, StoreError, Tenant,
        engine::{Connection, Parameters, Row, query},
        paging::{List, Page, PageStart, Position},
        read::Read,
    },
};

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
    /// Whether it has conditions besides the search.
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

/// Reads one page of leads.
struct LeadPage<'a> {
    filter: &'a LeadFilter,
    order: LeadOrder,
    start: &'a PageStart,
    limit: i64,
}

impl Read for LeadPage<'_> {
    type Output = Page<Lead>;

    async fn run(
        &self,
        tenant: &Tenant,
        connection: &mut Connection,
    ) -> Result<Page<Lead>, StoreError> {
        tenant.lead_page(connection, self).await
    }
}

impl Tenant {
    /// How many leads the workspace has.
    pub async fn lead_count(&self) -> Result<i64, StoreError> {
        let row = query(COUNT_LEADS)
            .bind(self.workspace_id.as_str())
            .fetch_one(&self.store.readers)
            .await?;
        Ok(row.get(0)?)
    }

    /// One page of leads, and how many there are in all.
    pub async fn leads(
        &self,
        filter: &LeadFilter,
        order: LeadOrder,
        start: &PageStart,
        limit: i64,
    ) -> Result<Page<Lead>, StoreError> {
        self.read(LeadPage {
            filter,
            order,
            start,
            limit,
        })
        .await
    }

    async fn lead_page(
        &self,
        connection: &mut Connection,
        page: &LeadPage<'_>,
    ) -> Result<Page<Lead>, StoreError> {
        let &LeadPage {
            filter,
            order,
            start,
            limit,
        } = page;
        let search = filter
            .search
            .as_ref()
            .map(|query| Search::new(&self.keys, query));
        let search = search.as_ref();
        let persistent = search.is_none_or(Search::is_common);
        let total = self.count_leads(connection, filter, search).await?;
        if start.is_beyond(total) {
            return Ok(Page::beyond(total));
        }
        // A lead that is updated moves to the end of this order. The walk ends where the end was when it began, so that
        // a client which updates what it lists gets to an end, and lists nothing twice.
        let until = match start {
            _ if !(order.by_update && order.ascending) => None,
            PageStart::After(Position {
                until: Some(until), ..
            }) => Some(*until),
            _ => self.last_update(connection, filter, search).await?,
        };

        let mut parameters = Parameters::default();
        let from = self.listed_leads(filter, search, &mut parameters);
        let until_condition = until.map(|until| {
            let until = parameters.bind(until);
            format!(" and updated_at <= {until}")
        });
        let list = List {
            columns: lead_columns!(),
            from: from + &until_condition.unwrap_or_default(),
            parameters,
            time: if order.by_update {
                "updated_at"
            } else {
                "created_at"
            },
            ascending: order.ascending,
            until,
            persistent,
        };
        let read = |row: &Row| self.read_lead(row.columns_from(List::FIRST_COLUMN));
        let mut page = list.page(connection, total, start, limit, read).await?;
        if let Some(search) = search {
            // The hashes of 128 bits find exactly the leads that this check accepts, so the total stays right. Should
            // a hash collide or the database be changed by something else, nobody gets a lead that does not match.
            page.rows.retain(|lead| search.finds(lead));
        }
        Ok(page)
    }

    async fn count_leads(
        &self,
        connection: &mut Connection,
        filter: &LeadFilter,
        search: Option<&Search<'_>>,
    ) -> Result<i64, StoreError> {
        let mut parameters = Parameters::default();
        let counted = match search {
            // The set is enough, without a look at its leads.
            Some(search) if !filter.has_conditions() => {
                let workspace_id = parameters.bind(self.workspace_id());
                let found = search.sql(&workspace_id, &mut parameters);
                format!("({found}) as found")
            }
            _ => self.listed_leads(filter, search, &mut parameters),
        };
        let row = parameters
            .query(format!("select count(*) from {counted}"))
            .persistent(search.is_none_or(Search::is_common))
            .fetch_one(connection)
            .await?;
        Ok(row.get(0)?)
    }

    /// When the last updated lead of a list was updated; None when the list is empty.
    async fn last_update(
        &self,
        connection: &mut Connection,
        filter: &LeadFilter,
        search: Option<&Search<'_>>,
    ) -> Result<Option<i64>, StoreError> {
        let mut parameters = Parameters::default();
        let from = self.listed_leads(filter, search, &mut parameters);
        let sql =
            format!("select updated_at from {from} order by updated_at desc, id desc limit 1");
        let row = parameters
            .query(sql)
            .persistent(search.is_none_or(Search::is_common))
            .fetch_optional(connection)
            .await?;
        Ok(row.map(|row| row.get(0)).transpose()?)
    }

    /// The table and the conditions of a list, as in `from …`.
    fn listed_leads<'q>(
        &'q self,
        filter: &'q LeadFilter,
        search: Option<&'q Search<'_>>,
        parameters: &mut Parameters<'q>,
    ) -> String {
        let workspace_id = parameters.bind(self.workspace_id());
        let from = match search {
            None => format!("lead where workspace_id = {workspace_id}"),
            // First the search, then each lead by its key. A planner that is free to choose may read all leads of the
            // workspace in the order of the page and look each up in the search, or read the whole table.
            Some(search) => {
                let found = search.sql(&workspace_id, parameters);
                match self.store.engine {
                    Engine::Sqlite => format!(
                        "({found}) as found cross join lead \
                         where workspace_id = {workspace_id} and id = found.lead_id"
                    ),
                    Engine::Postgres => format!(
                        "({found}) as found cross join lateral (select * from lead \
                         where workspace_id = {workspace_id} and id = found.lead_id offset 0) as lead where true"
                    ),
                }
            }
        };
        let mut conditions = vec![from];
        for (column, value) in [
            ("status", &filter.status),
            ("priority", &filter.priority),
            ("source", &filter.source),
            ("ad_platform", &filter.ad_platform),
            // UUIDs are the same in either case, and kept as they were sent.
            ("lower(assigned_to)", &filter.assigned_to),
        ] {
            conditions.extend(
                value
                    .as_ref()
                    .map(|value| format!("{column} = {}", parameters.bind(value))),
            );
        }
        for (column, value) in [
            ("created_at >=", &filter.created_from),
            ("created_at <=", &filter.created_to),
        ] {
            conditions.extend(
                value
                    .as_ref()
                    .map(|value| format!("{column} {}", parameters.bind(value))),
            );
        }
        conditions.join(" and ")
    }
}
