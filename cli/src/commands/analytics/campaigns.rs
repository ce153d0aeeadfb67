use std::time::Duration;

use clap::Args;
use konektor_sdk::CampaignStats;
use serde_json::Value;

use crate::{
    args::{AnalyticsCampaignsArgs, Watch},
    commands::ApiCommand,
    error::Failure,
    render::{Answer, Cell, Column, Currency, Table, View, count, share_of},
    session::Call,
};

#[derive(Args)]
pub(crate) struct Campaigns {
    #[command(flatten)]
    args: AnalyticsCampaignsArgs,
    #[command(flatten)]
    watch: Watch,
}

impl ApiCommand for Campaigns {
    type Operation = AnalyticsCampaignsArgs;

    const EXAMPLES: &'static str = "  konektor analytics campaigns --timeframe last_7_days
  konektor analytics campaigns --timeframe all_time -o json";

    fn operation(&self) -> &AnalyticsCampaignsArgs {
        &self.args
    }

    fn pause(&self) -> Option<Duration> {
        self.watch.pause()
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let request = self.args.clone().request(&call.client, &call.args_clock());
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
                "only the first {shown} are shown; shorten the period"
            )),
            _ if campaigns.is_empty() => answer.with_note("nothing found"),
            _ => answer,
        })
    }
}

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
