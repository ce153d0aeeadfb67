use std::time::Duration;

use clap::Args;
use serde_json::Value;

use crate::{
    args::{ConversionsStatusArgs, OperationArgs as _, Watch},
    base::Field,
    commands::ApiCommand,
    error::Failure,
    render::{Answer, Cell, Column, Table, View, count, share_of},
    session::Call,
};

#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    args: ConversionsStatusArgs,
    #[command(flatten)]
    watch: Watch,
}

impl ApiCommand for Status {
    type Operation = ConversionsStatusArgs;

    const EXAMPLES: &'static str = "  konektor conversions status --timeframe last_7_days
  konektor conversions status --platform meta -o json
  konektor conversions status --watch 10";

    fn operation(&self) -> &ConversionsStatusArgs {
        &self.args
    }

    fn pause(&self) -> Option<Duration> {
        self.watch.pause()
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let request = self.args.clone().request(&call.client, &call.args_clock());
        let (status, _) = call.send(request.send_with_meta()).await?;

        let status = serde_json::to_value(&status)?;
        let table = table(&status, ConversionsStatusArgs::FIELDS);
        Answer::new(&status, View::Table(table))
    }
}

fn columns() -> [Column; 3] {
    [
        Column::new("CONVERSIONS"),
        Column::new("").min_width(6).drop_priority(1),
        Column::new("LEADS").right(),
    ]
}

/// A row for each field of the answer.
fn table(status: &Value, fields: &[Field]) -> Table {
    let counts = fields
        .iter()
        .filter_map(|field| Some((field.name, status[field.name].as_i64()?)));
    let rows: Vec<_> = counts.collect();
    let most = rows.iter().map(|(_, leads)| *leads).max();
    let rows = rows.into_iter().map(|(name, leads)| {
        let state = Cell::status(name);
        let share = share_of(leads, most.unwrap_or_default());
        vec![
            state.clone(),
            Cell::bar(share).toned_like(&state),
            Cell::new(count(leads)),
        ]
    });
    Table::new(columns(), rows)
}
