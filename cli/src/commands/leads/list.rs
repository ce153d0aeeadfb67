use std::future::ready;

use konektor_sdk::leads::List;

use crate::{
    commands::ApiCommand,
    error::Failure,
    flags::Given as _,
    render::{Answer, Column, ListColumn},
    session::{
        Call,
        paging::{self, Pages},
    },
};

pub(crate) static COMMAND: ApiCommand = ApiCommand {
    examples: "  konektor leads list --status new
  konektor leads list --since 7d --source whatsapp --limit 200
  konektor leads list --search 'budi santoso' -o json
  konektor leads list --status won --all -o csv > won.csv
  konektor leads list --columns uniqueCode,phone,status",
    shape: paging::shape,
    run: |call| Box::pin(ready(run(call))),
};

/// The code is dropped first, a name never.
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

fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let pages = Pages::new(call, request(call)?.pages())?;
    Ok(Answer::pages(pages, columns()))
}

/// The list that the flags describe, without a limit.
pub(crate) fn request(call: &Call<'_>) -> Result<List, Failure> {
    let flags = &call.flags;
    Ok(call
        .client
        .leads()
        .list()
        .given(flags.get("page")?, List::page)
        .given(flags.get::<String>("cursor")?, List::cursor)
        .given(flags.get("status")?, List::status)
        .given(flags.get("priority")?, List::priority)
        .given(flags.get("source")?, List::source)
        .given(flags.get("adPlatform")?, List::ad_platform)
        .given(flags.get("assignedTo")?, List::assigned_to)
        .given(flags.get::<String>("createdFrom")?, List::created_from)
        .given(flags.get::<String>("createdTo")?, List::created_to)
        .given(flags.get::<String>("search")?, List::search)
        .given(flags.get("sortBy")?, List::sort_by)
        .given(flags.get("sortOrder")?, List::sort_order))
}
