use konektor_sdk::leads::List;

use crate::{
    call::Call,
    error::Failure,
    flags::Given as _,
    leads::view,
    output::{Answer, View},
    verb::{Verb, as_documented},
};

pub(crate) const VERB: Verb = Verb {
    operation: "leads_list",
    examples: "  konektor leads list --status new
  konektor leads list --created-from 2025-01-01 --source whatsapp --limit 100
  konektor leads list --search 'budi santoso' -o json",
    shape: as_documented,
    run: |call| Box::pin(run(call)),
};

async fn run(call: &Call<'_>) -> Result<Answer, Failure> {
    let flags = &call.flags;
    let page = call
        .client
        .leads()
        .list()
        .given(flags.get("page")?, List::page)
        .given(flags.get("limit")?, List::limit)
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
        .given(flags.get("sortOrder")?, List::sort_order)
        .send()
        .await
        .map_err(|error| call.failed(&error))?;

    let view = View::Table(view::table(&page, &call.when));
    Answer::page(call, &page, view)
}
