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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use konektor_spec::OperationId::LeadsList;
    use serde_json::{Value, json};

    use crate::api::testing::{TestApi, query};

    /// Three leads, an hour apart.
    async fn three_leads() -> TestApi {
        let api = TestApi::new().await;
        for (name, status) in [("Budi", "new"), ("Siti", "won"), ("Andi", "new")] {
            api.lead(json!({"firstName": name, "status": status})).await;
            api.clock.advance(std::time::Duration::from_hours(1));
        }
        api
    }

    async fn names(api: &TestApi, parameters: Value) -> Vec<String> {
        let leads = api.data(LeadsList, query(parameters)).await;
        let names = leads.as_array().unwrap().iter();
        names
            .map(|lead| lead["firstName"].as_str().unwrap().to_owned())
            .collect()
    }

    #[tokio::test]
    async fn a_page_is_the_newest_leads_and_a_cursor_to_the_rest() {
        let api = three_leads().await;
        assert_snapshot!(
            api.call(LeadsList, query(json!({"limit": 1, "status": "new"})))
                .await
        );
        let first = api.answer(LeadsList, query(json!({"limit": 2}))).await;
        let cursor = &first["pagination"]["nextCursor"];
        assert_eq!(names(&api, json!({"cursor": cursor})).await, ["Budi"]);
    }

    #[tokio::test]
    async fn the_order_is_the_callers() {
        let api = three_leads().await;
        assert_eq!(names(&api, json!({})).await, ["Andi", "Siti", "Budi"]);
        let ascending = json!({"sortOrder": "asc"});
        assert_eq!(names(&api, ascending).await, ["Budi", "Siti", "Andi"]);
    }

    #[tokio::test]
    async fn every_bad_parameter_is_named_in_one_answer() {
        let api = three_leads().await;
        let parameters = json!({
            "status": "nwe",
            "createdFrom": "2025-02-01",
            "createdTo": "2025-01-01",
            "search": "one two three four five six seven eight nine",
        });
        assert_snapshot!(api.call(LeadsList, query(parameters)).await);
    }
}
