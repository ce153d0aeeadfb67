use std::time::Duration;

use clap::Args;
use konektor_sdk::FunnelStage;

use crate::{
    args::{AnalyticsFunnelArgs, Watch},
    commands::ApiCommand,
    error::Failure,
    render::{Answer, Cell, Column, Table, View, count, share, share_of},
    session::Call,
};

#[derive(Args)]
pub(crate) struct Funnel {
    #[command(flatten)]
    args: AnalyticsFunnelArgs,
    #[command(flatten)]
    watch: Watch,
}

impl ApiCommand for Funnel {
    type Operation = AnalyticsFunnelArgs;

    const EXAMPLES: &'static str = "  konektor analytics funnel --timeframe current_month
  konektor analytics funnel --from 2025-01-01 -o json
  konektor analytics funnel --timeframe today --watch 30";

    fn operation(&self) -> &AnalyticsFunnelArgs {
        &self.args
    }

    fn pause(&self) -> Option<Duration> {
        self.watch.pause()
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let request = self.args.clone().request(&call.client, &call.args_clock());
        let (funnel, _) = call.send(request.send_with_meta()).await?;

        let most = funnel.iter().map(|stage| stage.count).max();
        let rows = funnel
            .iter()
            .map(|stage| row(stage, most.unwrap_or_default()));
        Answer::new(&funnel, View::Table(Table::new(columns(), rows)))
    }
}

fn columns() -> [Column; 4] {
    [
        Column::new("STATUS"),
        Column::new("").min_width(6).drop_priority(2),
        Column::new("LEADS").right(),
        Column::new("SHARE").right().drop_priority(1),
    ]
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
