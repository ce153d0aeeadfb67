use konektor_sdk::{ConversionSyncStatus as State, ConversionsStatus, conversions::Status};

use crate::{
    call::Call,
    conversions::state,
    error::Failure,
    flags::Given as _,
    output::{Answer, Cell, Column, Table, View, count},
    verb::{Verb, as_documented},
};

pub(crate) const VERB: Verb = Verb {
    operation: "conversions_status",
    examples: "  konektor conversions status --timeframe last_7_days
  konektor conversions status --platform meta -o json",
    shape: as_documented,
    run: |call| Box::pin(run(call)),
};

const COLUMNS: [Column; 2] = [Column::new("CONVERSIONS"), Column::new("LEADS").right()];

async fn run(call: &Call<'_>) -> Result<Answer, Failure> {
    let flags = &call.flags;
    let status = call
        .client
        .conversions()
        .status()
        .given(flags.get("timeframe")?, Status::timeframe)
        .given(flags.get::<String>("from")?, Status::from)
        .given(flags.get::<String>("to")?, Status::to)
        .given(flags.get("platform")?, Status::platform)
        .send()
        .await
        .map_err(|error| call.failed(&error))?;

    Answer::new(&*status, View::Table(table(&status)))
}

fn table(status: &ConversionsStatus) -> Table {
    let rows = [
        (State::Pending, status.pending),
        (State::Synced, status.synced),
        (State::Partial, status.partial),
        (State::Failed, status.failed),
        (State::None, status.none),
    ];
    let rows = rows.map(|(name, leads)| vec![state(&name), Cell::new(count(leads))]);
    Table::new(COLUMNS, rows)
}
