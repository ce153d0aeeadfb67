use konektor_sdk::{CampaignStats, analytics::Campaigns};

use crate::{
    call::Call,
    error::Failure,
    flags::Given as _,
    output::{Answer, Cell, Column, Currency, Table, View, count},
    verb::{Verb, as_documented},
};

pub(crate) const VERB: Verb = Verb {
    operation: "analytics_campaigns",
    examples: "  konektor analytics campaigns --timeframe last_7_days
  konektor analytics campaigns --timeframe all_time -o json",
    shape: as_documented,
    run: |call| Box::pin(run(call)),
};

const COLUMNS: [Column; 5] = [
    Column::new("CAMPAIGN").least(12),
    Column::new("PLATFORM").rank(2),
    Column::new("LEADS").right(),
    Column::new("WON").right().rank(1),
    Column::new("VALUE").right().rank(3),
];

async fn run(call: &Call<'_>) -> Result<Answer, Failure> {
    let flags = &call.flags;
    let request = call
        .client
        .analytics()
        .campaigns()
        .given(flags.get("timeframe")?, Campaigns::timeframe)
        .given(flags.get::<String>("from")?, Campaigns::from)
        .given(flags.get::<String>("to")?, Campaigns::to)
        .send();
    let (campaigns, workspace) = call.beside_workspace(request).await?;

    let currency = Currency::new(
        workspace
            .as_ref()
            .map(|workspace| workspace.currency.as_str()),
    );
    let rows = campaigns.iter().map(|campaign| row(campaign, &currency));
    Answer::new(&*campaigns, View::Table(Table::new(COLUMNS, rows)))
}

fn row(campaign: &CampaignStats, currency: &Currency) -> Vec<Cell> {
    vec![
        Cell::optional(campaign.campaign_name.clone()),
        Cell::optional(campaign.ad_platform.as_ref().map(ToString::to_string)),
        Cell::new(count(campaign.leads)),
        Cell::new(count(campaign.conversions)),
        Cell::new(currency.amount(campaign.conversion_value)),
    ]
}
