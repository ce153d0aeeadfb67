use konektor_sdk::{PendingConversion, conversions::Pending};

use crate::{
    call::Call,
    conversions::state,
    error::Failure,
    flags::Given as _,
    leads::view::status,
    output::{Answer, Cell, Column, Table, View, When},
    verb::{Verb, as_documented},
};

pub(crate) const VERB: Verb = Verb {
    operation: "conversions_pending",
    examples: "  konektor conversions pending
  konektor conversions pending --limit 100 -o json",
    shape: as_documented,
    run: |call| Box::pin(run(call)),
};

const COLUMNS: [Column; 6] = [
    Column::new("LEAD").least(8),
    Column::new("STATUS").rank(3),
    Column::new("PLATFORM").rank(2),
    Column::new("CONVERSIONS"),
    Column::new("LAST SYNC").rank(1),
    Column::new("ID").rank(4),
];

async fn run(call: &Call<'_>) -> Result<Answer, Failure> {
    let flags = &call.flags;
    let page = call
        .client
        .conversions()
        .pending()
        .given(flags.get("page")?, Pending::page)
        .given(flags.get("limit")?, Pending::limit)
        .given(flags.get::<String>("cursor")?, Pending::cursor)
        .send()
        .await
        .map_err(|error| call.failed(&error))?;

    let rows = page.iter().map(|lead| row(lead, &call.when));
    let view = View::Table(Table::new(COLUMNS, rows));
    Answer::page(call, &page, view)
}

fn row(lead: &PendingConversion, when: &When) -> Vec<Cell> {
    vec![
        Cell::new(lead.unique_code.clone()),
        status(&lead.status),
        Cell::optional(lead.ad_platform.as_ref().map(ToString::to_string)),
        state(&lead.conversion_sync_status),
        Cell::optional(lead.last_conversion_sync_at.map(|time| when.ago(time))),
        Cell::new(lead.lead_id.clone()),
    ]
}
