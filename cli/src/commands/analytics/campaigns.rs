use konektor_sdk::{CampaignStats, analytics::Campaigns};
use serde_json::Value;

use crate::{
    commands::ApiCommand,
    commands::watch,
    error::Failure,
    flags::Given as _,
    render::{Answer, Cell, Column, Currency, Table, View, count, share_of},
    session::Call,
};

pub(crate) static COMMAND: ApiCommand = ApiCommand {
    examples: "  konektor analytics campaigns --timeframe last_7_days
  konektor analytics campaigns --timeframe all_time -o json",
    shape: watch::shape,
    run: |call| Box::pin(run(call)),
};

fn columns() -> [Column; 6] {
    [
        Column::new("CAMPAIGN").min_width(12),
        Column::new("PLATFORM").drop_priority(2),
        Column::new("").min_width(6).drop_priority(4),
        Column::new("LEADS").right(),
        Column::new("WON").right().drop_priority(1),
        Column::new("VALUE").right().drop_priority(3),
    ]
}

async fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let flags = &call.flags;
    let request = call
        .client
        .analytics()
        .campaigns()
        .given(flags.get("timeframe")?, Campaigns::timeframe)
        .given(flags.get::<String>("from")?, Campaigns::from)
        .given(flags.get::<String>("to")?, Campaigns::to);
    let (campaigns, meta) = call.send_with_workspace(request.send_with_meta()).await?;

    let currency = call.display().currency;
    let most = campaigns.iter().map(|campaign| campaign.leads).max();
    let rows = campaigns
        .iter()
        .map(|campaign| row(campaign, most.unwrap_or_default(), &currency));
    let answer = Answer::new(&campaigns, View::Table(Table::new(columns(), rows)))?;
    let shown = count(i64::try_from(campaigns.len()).unwrap_or(i64::MAX));
    Ok(match meta.extra.get("truncated") {
        Some(Value::Bool(true)) => answer.with_truncation_note(format!(
            "the first {shown}, and there are more; shorten the period"
        )),
        _ if campaigns.is_empty() => answer.with_note("nothing found"),
        _ => answer,
    })
}

fn row(campaign: &CampaignStats, most: i64, currency: &Currency) -> Vec<Cell> {
    vec![
        Cell::optional(campaign.campaign_name.clone()),
        Cell::optional(campaign.ad_platform.as_ref().map(ToString::to_string)),
        Cell::bar(share_of(campaign.leads, most)),
        Cell::new(count(campaign.leads)),
        Cell::new(count(campaign.conversions)),
        Cell::new(currency.amount(campaign.conversion_value)),
    ]
}
