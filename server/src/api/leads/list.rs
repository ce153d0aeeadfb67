//! `GET /leads`

use serde::Deserialize;

use crate::{
    api::{
        call::Call,
        cursor, period,
        values::{SortBy, SortOrder},
    },
    domain::search::SearchQuery,
    error::Error,
    reply::Reply,
    store::leads::{LeadFilter, LeadOrder},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    status: Option<String>,
    priority: Option<String>,
    source: Option<String>,
    ad_platform: Option<String>,
    assigned_to: Option<String>,
    search: Option<String>,
    sort_by: SortBy,
    sort_order: SortOrder,
}

pub(crate) async fn run(mut call: Call) -> Result<Reply, Error> {
    let request = cursor::page_request(&mut call)?;
    let zone = call.caller.workspace.time_zone()?;
    let (created_from, created_to) =
        period::bounds(&mut call.input, &zone, "createdFrom", "createdTo");
    if let (Some(from), Some(to)) = (created_from, created_to)
        && from > to
    {
        call.input
            .reject("createdFrom", "Must not be after createdTo");
    }
    let most = call.state.limits().search_words;
    let search = call.input.text("search").map(SearchQuery::count_words);
    if search.is_some_and(|words| words > most) {
        call.input
            .reject("search", format!("Must have at most {most} words"));
    }
    let query: Query = call.input.query()?;
    let filter = LeadFilter {
        status: query.status,
        priority: query.priority,
        source: query.source,
        ad_platform: query.ad_platform,
        assigned_to: query.assigned_to.map(|id| id.to_lowercase()),
        created_from,
        created_to,
        search: query.search.as_deref().map(SearchQuery::parse),
    };
    let order = LeadOrder {
        by_update: query.sort_by == SortBy::UpdatedAt,
        ascending: query.sort_order == SortOrder::Asc,
    };
    let page = call
        .caller
        .tenant
        .leads(&filter, order, &request.start, request.limit)
        .await?;
    let pagination = cursor::pagination(&call, &request, &page)?;
    Ok(Reply::page(page.rows, pagination))
}
