//! Aggregates over the leads of a period; nothing here opens a record.

use std::collections::BTreeMap;

use super::{
    StoreError, Tenant,
    engine::{Parameters, query},
};
use crate::domain::{period::Period, time::to_millis};

const BY_STATUS: &str = "select status, count(*) as leads, coalesce(sum(actual_value), cast(0 as double precision)) as value from lead \
    where workspace_id = $1 and created_at between $2 and $3 group by status";

const BY_CAMPAIGN: &str = "select campaign_name, ad_platform, count(*) as leads, \
    count(*) filter (where status = $4) as conversions, \
    coalesce(sum(actual_value) filter (where status = $4), cast(0 as double precision)) as value \
    from lead where workspace_id = $1 and created_at between $2 and $3 group by campaign_name, ad_platform \
    order by count(*) desc, campaign_name is null, campaign_name, ad_platform is null, ad_platform";

/// What the leads of one status come to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Totals {
    /// How many they are.
    pub leads: i64,
    /// The sum of their actualValue.
    pub value: f64,
}

/// What the leads of one campaign and platform come to.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "the fields are those of the API document, which describes them"
)]
pub struct CampaignRow {
    pub campaign_name: Option<String>,
    pub ad_platform: Option<String>,
    pub leads: i64,
    pub conversions: i64,
    pub conversion_value: f64,
}

impl Tenant {
    /// The leads of a period by status; statuses without one are missing.
    pub async fn totals_by_status(
        &self,
        period: Period,
    ) -> Result<BTreeMap<String, Totals>, StoreError> {
        let (from, to) = millis(period);
        let rows = query(BY_STATUS)
            .bind(self.workspace_id.as_str())
            .bind(from)
            .bind(to)
            .fetch_all(&self.store.readers)
            .await?;
        rows.iter()
            .map(|row| {
                let mut columns = row.columns();
                let status = columns.next()?;
                let totals = Totals {
                    leads: columns.next()?,
                    value: columns.next()?,
                };
                Ok((status, totals))
            })
            .collect()
    }

    /// The leads of a period by campaign and platform, most first; ties by name, then platform, null last.
    pub async fn campaigns(
        &self,
        period: Period,
        conversion: &str,
    ) -> Result<Vec<CampaignRow>, StoreError> {
        let (from, to) = millis(period);
        let rows = query(BY_CAMPAIGN)
            .bind(self.workspace_id.as_str())
            .bind(from)
            .bind(to)
            .bind(conversion)
            .fetch_all(&self.store.readers)
            .await?;
        rows.iter()
            .map(|row| {
                let mut columns = row.columns();
                Ok(CampaignRow {
                    campaign_name: columns.next()?,
                    ad_platform: columns.next()?,
                    leads: columns.next()?,
                    conversions: columns.next()?,
                    conversion_value: columns.next()?,
                })
            })
            .collect()
    }

    /// The leads of a period by conversion sync state, of one ad platform or of all; states without one are missing.
    pub async fn leads_by_sync_state(
        &self,
        period: Period,
        ad_platform: Option<&str>,
    ) -> Result<BTreeMap<String, i64>, StoreError> {
        let (from, to) = millis(period);
        let mut parameters = Parameters::default();
        let workspace_id = parameters.bind(self.workspace_id());
        let (from, to) = (parameters.bind(from), parameters.bind(to));
        let platform = ad_platform.map(|platform| {
            let platform = parameters.bind(platform);
            format!(" and ad_platform = {platform}")
        });
        let sql = format!(
            "select conversion_sync_status, count(*) from lead \
             where workspace_id = {workspace_id} and created_at between {from} and {to}{} \
             group by conversion_sync_status",
            platform.unwrap_or_default()
        );
        let rows = parameters.query(sql).fetch_all(&self.store.readers).await?;
        rows.iter()
            .map(|row| Ok((row.get(0)?, row.get(1)?)))
            .collect()
    }
}

fn millis(period: Period) -> (i64, i64) {
    (
        period.from.map_or(i64::MIN, to_millis),
        to_millis(period.to),
    )
}
