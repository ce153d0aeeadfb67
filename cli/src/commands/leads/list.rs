use clap::Args;

use crate::{
    args::{LeadsListArgs, Rows},
    commands::ApiCommand,
    error::Failure,
    render::{Answer, Column, ListColumn},
    session::{Call, paging::Pages},
};

#[derive(Args)]
pub(crate) struct List {
    #[command(flatten)]
    rows: Rows,
    #[command(flatten)]
    args: LeadsListArgs,
}

impl ApiCommand for List {
    type Operation = LeadsListArgs;

    const DESCRIPTION: &'static str = "Lists leads, newest first, narrowed by any combination of filters. Shows one page; --all and --limit read as \
         many pages as needed.\n\n\
         To go on from a page, pass its pagination.nextCursor (in the JSON output) with --cursor. A cursor contains the \
         filters and the order, so it can be passed alone.";
    const EXAMPLES: &'static str = "  konektor leads list --status new
  konektor leads list --since 7d --source whatsapp --limit 200
  konektor leads list --search 'budi santoso' -o json
  konektor leads list --status won --all -o csv > won.csv
  konektor leads list --columns uniqueCode,phone,status";

    fn operation(&self) -> &LeadsListArgs {
        &self.args
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let page = self.rows.page();
        let request = self
            .args
            .clone()
            .request(&call.client, &call.args_clock(), page);
        let pages = Pages::new(call, &self.rows, self.args.words(), request.pages())?;
        Ok(Answer::list(pages.into_stream(), columns()))
    }
}

/// The default columns. On a narrow terminal the code is dropped first, and the name never.
fn columns() -> [ListColumn; 8] {
    [
        Column::new("NAME")
            .min_width(18)
            .fields(&["firstName", "lastName"]),
        Column::new("PHONE").drop_priority(1).fields(&["phone"]),
        Column::new("STATUS").drop_priority(2).fields(&["status"]),
        Column::new("SOURCE").drop_priority(6).fields(&["source"]),
        Column::new("CAMPAIGN")
            .drop_priority(5)
            .min_width(13)
            .fields(&["campaignName"]),
        Column::new("VALUE")
            .drop_priority(4)
            .right()
            .fields(&["estimatedValue"]),
        Column::new("CREATED")
            .drop_priority(3)
            .fields(&["createdAt"]),
        Column::new("CODE").drop_priority(7).fields(&["uniqueCode"]),
    ]
}
