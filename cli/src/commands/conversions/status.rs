use konektor_sdk::{ConversionSyncStatus as State, ConversionsStatus, conversions::Status};

use crate::{
    commands::ApiCommand,
    commands::watch,
    error::Failure,
    flags::Given as _,
    render::{Answer, Cell, Column, Table, View, count, share_of},
    session::Call,
};

pub(crate) static COMMAND: ApiCommand = ApiCommand {
    examples: "  konektor conversions status --timeframe last_7_days
  konektor conversions status --platform meta -o json
  konektor conversions status --watch 10",
    shape: watch::shape,
    run: |call| Box::pin(run(call)),
};

fn columns() -> [Column; 3] {
    [
        Column::new("CONVERSIONS"),
        Column::new("").min_width(6).drop_priority(1),
        Column::new("LEADS").right(),
    ]
}

async fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let flags = &call.flags;
    let request = call
        .client
        .conversions()
        .status()
        .given(flags.get("timeframe")?, Status::timeframe)
        .given(flags.get::<String>("from")?, Status::from)
        .given(flags.get::<String>("to")?, Status::to)
        .given(flags.get("platform")?, Status::platform);
    let (status, _) = call.send(request.send_with_meta()).await?;

    Answer::new(&status, View::Table(table(&status)))
}

fn table(status: &ConversionsStatus) -> Table {
    let rows = [
        (State::Pending, status.pending),
        (State::Synced, status.synced),
        (State::Partial, status.partial),
        (State::Failed, status.failed),
        (State::None, status.none),
    ];
    let most = rows.iter().map(|(_, leads)| *leads).max();
    let rows = rows.map(|(name, leads)| {
        let state = Cell::status(name.as_str());
        let share = share_of(leads, most.unwrap_or_default());
        vec![
            state.clone(),
            Cell::bar(share).toned_like(&state),
            Cell::new(count(leads)),
        ]
    });
    Table::new(columns(), rows)
}
