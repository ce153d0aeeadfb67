use std::future::ready;

use konektor_sdk::conversions::Pending;

use crate::{
    commands::ApiCommand,
    commands::watch,
    error::Failure,
    flags::Given as _,
    render::{Answer, Column, ListColumn},
    session::{
        Call,
        paging::{self, Pages},
    },
};

pub(crate) static COMMAND: ApiCommand = ApiCommand {
    examples: "  konektor conversions pending
  konektor conversions pending --limit 100 -o json",
    shape: |command, operation| watch::shape(paging::shape(command, operation), operation),
    run: |call| Box::pin(ready(run(call))),
};

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

fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let flags = &call.flags;
    let pending = call
        .client
        .conversions()
        .pending()
        .given(flags.get("page")?, Pending::page)
        .given(flags.get::<String>("cursor")?, Pending::cursor);
    let pages = Pages::new(call, pending.pages())?;
    Ok(Answer::pages(pages, columns()))
}
