use konektor_sdk::{FunnelStage, analytics::Funnel};

use crate::{
    call::Call,
    error::Failure,
    flags::Given as _,
    leads::view::status,
    output::{Answer, Cell, Column, Table, View, count, share},
    verb::{Verb, as_documented},
};

pub(crate) const VERB: Verb = Verb {
    operation: "analytics_funnel",
    examples: "  konektor analytics funnel --timeframe current_month
  konektor analytics funnel --from 2025-01-01 -o json",
    shape: as_documented,
    run: |call| Box::pin(run(call)),
};

const COLUMNS: [Column; 3] = [
    Column::new("STATUS"),
    Column::new("LEADS").right(),
    Column::new("SHARE").right().rank(1),
];

async fn run(call: &Call<'_>) -> Result<Answer, Failure> {
    let flags = &call.flags;
    let funnel = call
        .client
        .analytics()
        .funnel()
        .given(flags.get("timeframe")?, Funnel::timeframe)
        .given(flags.get::<String>("from")?, Funnel::from)
        .given(flags.get::<String>("to")?, Funnel::to)
        .send()
        .await
        .map_err(|error| call.failed(&error))?;

    let view = View::Table(Table::new(COLUMNS, funnel.iter().map(row)));
    Answer::new(&*funnel, view)
}

fn row(stage: &FunnelStage) -> Vec<Cell> {
    vec![
        status(&stage.status),
        Cell::new(count(stage.count)),
        Cell::new(share(stage.percentage)),
    ]
}
