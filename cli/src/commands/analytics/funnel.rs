use konektor_sdk::{FunnelStage, analytics::Funnel};

use crate::{
    commands::ApiCommand,
    commands::watch,
    error::Failure,
    flags::Given as _,
    render::{Answer, Cell, Column, Table, View, count, share, share_of},
    session::Call,
};

pub(crate) static COMMAND: ApiCommand = ApiCommand {
    examples: "  konektor analytics funnel --timeframe current_month
  konektor analytics funnel --from 2025-01-01 -o json
  konektor analytics funnel --timeframe today --watch 30",
    shape: watch::shape,
    run: |call| Box::pin(run(call)),
};

fn columns() -> [Column; 4] {
    [
        Column::new("STATUS"),
        Column::new("").min_width(6).drop_priority(2),
        Column::new("LEADS").right(),
        Column::new("SHARE").right().drop_priority(1),
    ]
}

async fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let flags = &call.flags;
    let request = call
        .client
        .analytics()
        .funnel()
        .given(flags.get("timeframe")?, Funnel::timeframe)
        .given(flags.get::<String>("from")?, Funnel::from)
        .given(flags.get::<String>("to")?, Funnel::to);
    let (funnel, _) = call.send(request.send_with_meta()).await?;

    let most = funnel.iter().map(|stage| stage.count).max();
    let rows = funnel
        .iter()
        .map(|stage| row(stage, most.unwrap_or_default()));
    Answer::new(&funnel, View::Table(Table::new(columns(), rows)))
}

fn row(stage: &FunnelStage, most: i64) -> Vec<Cell> {
    let status = Cell::status(stage.status.as_str());
    vec![
        status.clone(),
        Cell::bar(share_of(stage.count, most)).toned_like(&status),
        Cell::new(count(stage.count)),
        Cell::new(share(stage.percentage)),
    ]
}
