//! Leads by how their conversions stand.

use jiff::Timestamp;
use sqlx::Row;

use super::{
    StoreError, Tenant,
    paging::{Page, PageStart, Position},
    sql::{Statement, has_more},
};
use crate::domain::time::from_millis;

/// A lead whose conversions are not all delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the fields are those of the API document, which describes them"
)]
pub struct PendingLead {
    pub lead_id: String,
    pub unique_code: String,
    pub status: String,
    pub ad_platform: Option<String>,
    pub conversion_sync_status: String,
    pub last_conversion_sync_at: Option<Timestamp>,
}

impl Tenant {
    /// One page of the leads in any of these sync states, newest first.
    pub async fn pending_conversions(
        &self,
        states: &[&str],
        start: PageStart,
        limit: i64,
    ) -> Result<Page<PendingLead>, StoreError> {
        let mut count = Statement::new("select count(*) from lead where ");
        self.push_states(&mut count, states);
        let total: i64 = count
            .query()
            .fetch_one(&self.store.readers)
            .await?
            .try_get(0)?;
        if matches!(start, PageStart::Offset(offset) if offset >= total) {
            return Ok(Page {
                rows: Vec::new(),
                total,
                next: None,
            });
        }

        let mut statement = Statement::new(
            "select id, unique_code, status, ad_platform, conversion_sync_status, last_conversion_sync_at, created_at \
             from lead where ",
        );
        self.push_states(&mut statement, states);
        if let PageStart::After(Position { millis, id, .. }) = &start {
            statement
                .push(" and (created_at, id) < (")
                .bind(*millis)
                .push(", ")
                .bind(id.as_str())
                .push(")");
        }
        statement
            .push(" order by created_at desc, id desc limit ")
            .bind(limit + 1);
        if let PageStart::Offset(offset) = start {
            statement.push(" offset ").bind(offset);
        }
        let mut rows = statement.query().fetch_all(&self.store.readers).await?;
        let more = has_more(&mut rows, limit);
        let next = match rows.last() {
            Some(last) if more => Some(PageStart::After(Position {
                millis: last.try_get("created_at")?,
                id: last.try_get("id")?,
                until: None,
            })),
            _ => None,
        };
        let rows = rows
            .iter()
            .map(|row| {
                Ok(PendingLead {
                    lead_id: row.try_get("id")?,
                    unique_code: row.try_get("unique_code")?,
                    status: row.try_get("status")?,
                    ad_platform: row.try_get("ad_platform")?,
                    conversion_sync_status: row.try_get("conversion_sync_status")?,
                    last_conversion_sync_at: row
                        .try_get::<Option<i64>, _>("last_conversion_sync_at")?
                        .map(from_millis),
                })
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Page { rows, total, next })
    }

    fn push_states(&self, statement: &mut Statement, states: &[&str]) {
        statement
            .push("workspace_id = ")
            .bind(self.workspace_id())
            .push(" and conversion_sync_status in (");
        for (at, state) in states.iter().enumerate() {
            statement.push(if at == 0 { "" } else { ", " }).bind(*state);
        }
        statement.push(")");
    }
}
