use std::future::ready;

use konektor_sdk::conversions::Pending;

use crate::{
    call::Call,
    error::Failure,
    flags::Given as _,
    output::{Answer, Column, Shown},
    pages::{self, Pages},
    verb::Verb,
    watch,
};

pub(crate) static VERB: Verb = Verb {
    examples: "  konektor conversions pending
  konektor conversions pending --limit 100 -o json",
    shape: |command, operation| watch::shape(pages::shape(command, operation), operation),
    run: |call| Box::pin(ready(run(call))),
};

fn columns() -> [Shown; 6] {
    [
        Column::new("LEAD").least(8).of(&["uniqueCode"]),
        Column::new("STATUS").rank(3).of(&["status"]),
        Column::new("PLATFORM").rank(2).of(&["adPlatform"]),
        Column::new("CONVERSIONS").of(&["conversionSyncStatus"]),
        Column::new("LAST SYNC")
            .rank(1)
            .of(&["lastConversionSyncAt"]),
        Column::new("ID").rank(4).of(&["leadId"]),
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
