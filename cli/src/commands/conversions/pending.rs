use std::time::Duration;

use clap::Args;

use crate::{
    args::{ConversionsPendingArgs, Rows, Watch},
    commands::ApiCommand,
    error::Failure,
    render::{Answer, Column, ListColumn},
    session::{Call, paging::Pages},
};

#[derive(Args)]
pub(crate) struct Pending {
    #[command(flatten)]
    rows: Rows,
    #[command(flatten)]
    args: ConversionsPendingArgs,
    #[command(flatten)]
    watch: Watch,
}

impl ApiCommand for Pending {
    type Operation = ConversionsPendingArgs;

    const EXAMPLES: &'static str = "  konektor conversions pending
  konektor conversions pending --limit 100 -o json";

    fn operation(&self) -> &ConversionsPendingArgs {
        &self.args
    }

    fn pause(&self) -> Option<Duration> {
        self.watch.pause()
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let page = self.rows.page();
        let request = self.args.clone().request(&call.client, page);
        let pages = Pages::new(call, &self.rows, self.args.words(), request.pages())?;
        Ok(Answer::list(pages.into_stream(), columns()))
    }
}

fn columns() -> [ListColumn; 6] {
    [
        Column::new("LEAD").min_width(8).fields(&["uniqueCode"]),
        Column::new("STATUS").drop_priority(3).fields(&["status"]),
        Column::new("PLATFORM")
            .drop_priority(2)
            .fields(&["adPlatform"]),
        Column::new("CONVERSIONS").fields(&["conversionSyncStatus"]),
        Column::new("LAST SYNC")
            .drop_priority(1)
            .fields(&["lastConversionSyncAt"]),
        Column::new("ID").drop_priority(4).fields(&["leadId"]),
    ]
}
