use std::future::ready;

use konektor_sdk::leads::List;

use crate::{
    call::Call,
    error::Failure,
    flags::Given as _,
    output::{Answer, Column, Shown},
    pages::{self, Pages},
    verb::Verb,
};

pub(crate) static VERB: Verb = Verb {
    examples: "  konektor leads list --status new
  konektor leads list --since 7d --source whatsapp --limit 200
  konektor leads list --search 'budi santoso' -o json
  konektor leads list --status won --all -o csv > won.csv
  konektor leads list --columns uniqueCode,phone,status",
    shape: pages::shape,
    run: |call| Box::pin(ready(run(call))),
};

/// The code is dropped first, a name never.
fn columns() -> [Shown; 8] {
    [
        Column::new("NAME").least(18).of(&["firstName", "lastName"]),
        Column::new("PHONE").rank(1).of(&["phone"]),
        Column::new("STATUS").rank(2).of(&["status"]),
        Column::new("SOURCE").rank(6).of(&["source"]),
        Column::new("CAMPAIGN")
            .rank(5)
            .least(13)
            .of(&["campaignName"]),
        Column::new("VALUE").rank(4).right().of(&["estimatedValue"]),
        Column::new("CREATED").rank(3).of(&["createdAt"]),
        Column::new("CODE").rank(7).of(&["uniqueCode"]),
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
