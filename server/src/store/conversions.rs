//! Leads by the state of their conversions.

use jiff::Timestamp;

use super::{
    StoreError, Tenant,
    engine::Parameters,
    paging::{List, Page, PageStart},
};

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

const PENDING_COLUMNS: &str =
    "id, unique_code, status, ad_platform, conversion_sync_status, last_conversion_sync_at";

impl Tenant {
    /// One page of the leads in any of these sync states, newest first.
    pub async fn pending_conversions(
        &self,
        states: &[&str],
        start: PageStart,
        limit: i64,
    ) -> Result<Page<PendingLead>, StoreError> {
        let mut parameters = Parameters::default();
        let workspace_id = parameters.bind(self.workspace_id());
        let states: Vec<_> = states.iter().map(|state| parameters.bind(*state)).collect();
        let from = format!(
            "lead where workspace_id = {workspace_id} and conversion_sync_status in ({})",
            states.join(", ")
        );
        let count = parameters
            .clone()
            .query(format!("select count(*) from {from}"));
        let mut connection = self.store.readers.acquire().await?;
        let total: i64 = count.fetch_one(&mut *connection).await?.get(0)?;
        if start.is_beyond(total) {
            return Ok(Page::beyond(total));
        }
        let list = List {
            columns: PENDING_COLUMNS,
            from,
            parameters,
            time: "created_at",
            ascending: false,
            until: None,
            persistent: true,
        };
        list.page(&mut connection, total, &start, limit, |row| {
            let mut columns = row.columns_from(List::FIRST_COLUMN);
            Ok(PendingLead {
                lead_id: columns.next()?,
                unique_code: columns.next()?,
                status: columns.next()?,
                ad_platform: columns.next()?,
                conversion_sync_status: columns.next()?,
                last_conversion_sync_at: columns.next()?,
            })
        })
        .await
    }
}
