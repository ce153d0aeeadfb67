//! Streams over all pages.

mod support;

use futures::{StreamExt as _, TryStreamExt as _, stream::FusedStream as _};
use konektor_sdk::{ErrorKind, LeadStatus};
use konektor_testing::{REQUEST_ID, documented, example, json, query};
use serde_json::{Value, json as value};
use support::{Api, builder};
use wiremock::ResponseTemplate;

/// A page of an operation with one row for each id.
fn page(operation: &str, id: &str, ids: &[&str], next: Option<&str>) -> ResponseTemplate {
    let mut body = example(operation);
    let row = body["data"][0].clone();
    let rows = ids.iter().map(|value| {
        let mut row = row.clone();
        row[id] = Value::from(*value);
        row
    });
    body["data"] = rows.collect();
    body["pagination"]["nextCursor"] = value!(next);
    json(200, &body)
}

fn leads(ids: &[&str], next: Option<&str>) -> ResponseTemplate {
    page("leads_list", "id", ids, next)
}

#[tokio::test]
async fn a_page_is_its_rows_and_where_it_is() {
    let api = Api::answering(leads(&["a", "b"], Some("next"))).await;

    let page = api.client.leads().list().send().await.unwrap();

    assert_eq!(page.items.len(), 2);
    assert_eq!(page.pagination.next_cursor.as_deref(), Some("next"));
    let ids = page.into_iter().map(|lead| lead.id);
    assert_eq!(ids.collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test]
async fn a_stream_keeps_filters_and_limit_on_every_page_and_stops_after_the_last() {
    let api = Api::answering_in_turn([
        leads(&["a", "b"], Some("second")),
        leads(&[], Some("third")),
        leads(&["c"], None),
    ])
    .await;

    let list = api
        .client
        .leads()
        .list()
        .page(1)
        .limit(2)
        .status(LeadStatus::Hot)
        .search("budi");
    let rows = list
        .created_from("2025-01-01")
        .stream()
        .try_collect::<Vec<_>>()
        .await
        .unwrap();

    assert_eq!(
        rows.iter().map(|lead| lead.id.as_str()).collect::<Vec<_>>(),
        ["a", "b", "c"]
    );
    let filters = [
        ("createdFrom", "2025-01-01"),
        ("limit", "2"),
        ("search", "budi"),
        ("status", "hot"),
    ];
    let places = [("page", "1"), ("cursor", "second"), ("cursor", "third")];
    let requests = api.requests().await;
    assert_eq!(requests.len(), 3);
    for (request, place) in requests.iter().zip(places) {
        let mut expected = filters.to_vec();
        expected.push(place);
        expected.sort_unstable();
        let mut sent = query(request);
        sent.sort_unstable();
        let sent = sent
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        assert_eq!(sent.collect::<Vec<_>>(), expected);
    }
}

#[tokio::test]
async fn pages_come_one_by_one_with_their_cursors_and_meta() {
    let api =
        Api::answering_in_turn([leads(&["a", "b"], Some("second")), leads(&["c"], None)]).await;

    let mut pages = api.client.leads().list().pages();
    assert!(pages.meta().is_none() && !pages.is_terminated());
    let first = pages.try_next().await.unwrap().unwrap();
    assert_eq!(first.items.len(), 2);
    assert_eq!(first.pagination.next_cursor.as_deref(), Some("second"));
    assert_eq!(
        pages.meta().unwrap().request_id.as_deref(),
        Some(REQUEST_ID)
    );

    assert_eq!(pages.try_next().await.unwrap().unwrap().items.len(), 1);
    assert!(pages.is_terminated());
    assert!(pages.try_next().await.unwrap().is_none());
    assert_eq!(api.requests().await.len(), 2);
}

#[tokio::test]
async fn the_last_of_so_many_rows_is_the_last_of_its_page() {
    let api = Api::answering_in_turn([
        leads(&["a", "b"], Some("second")),
        leads(&["c"], Some("third")),
    ])
    .await;

    let pages = api.client.leads().list().limit(2).pages().max_rows(3);
    let pages: Vec<_> = pages.try_collect().await.unwrap();

    let cursors = pages
        .iter()
        .map(|page| page.pagination.next_cursor.as_deref());
    assert_eq!(cursors.collect::<Vec<_>>(), [Some("second"), Some("third")]);
    let limits = api.requests().await;
    let limits = limits.iter().map(|request| {
        let limit = query(request).into_iter().find(|(name, _)| name == "limit");
        limit.unwrap().1
    });
    assert_eq!(limits.collect::<Vec<_>>(), ["2", "1"]);
}

#[tokio::test]
async fn many_rows_come_in_the_largest_pages() {
    let api = Api::answering(leads(&["a"], None)).await;

    let pages = api.client.leads().list().pages().max_rows(5_000);
    assert_eq!(pages.count().await, 1);

    let largest = ("limit".to_owned(), "100".to_owned());
    assert_eq!(query(&api.request().await), [largest]);
    let none = api.client.leads().list().pages().max_rows(0);
    assert_eq!(none.count().await, 0);
}

#[tokio::test]
async fn a_stream_starts_at_the_cursor_it_is_given() {
    let api = Api::answering_in_turn([leads(&["a"], Some("next")), leads(&["b"], None)]).await;

    let rows = api
        .client
        .leads()
        .list()
        .cursor("mine")
        .stream()
        .count()
        .await;

    assert_eq!(rows, 2);
    let cursors = api.requests().await.iter().map(query).collect::<Vec<_>>();
    assert_eq!(cursors[0], [("cursor".to_owned(), "mine".to_owned())]);
    assert_eq!(cursors[1], [("cursor".to_owned(), "next".to_owned())]);
}

#[tokio::test]
async fn nothing_is_fetched_before_it_is_asked_for() {
    let api = Api::answering_in_turn([leads(&["a"], Some("next")), leads(&["b"], None)]).await;

    let mut rows = api.client.leads().list().stream();
    assert!(api.requests().await.is_empty());

    assert_eq!(rows.try_next().await.unwrap().unwrap().id, "a");
    assert_eq!(api.requests().await.len(), 1);
    assert_eq!(rows.pagination().unwrap().total, 1);
    assert_eq!(rows.meta().unwrap().rate_limit.unwrap().remaining, 199);

    assert_eq!(rows.try_next().await.unwrap().unwrap().id, "b");
    assert!(rows.try_next().await.unwrap().is_none());
    assert!(rows.try_next().await.unwrap().is_none());
    assert_eq!(api.requests().await.len(), 2);
}

#[tokio::test]
async fn a_stream_ends_with_its_first_error() {
    let api =
        Api::answering_in_turn([leads(&["a"], Some("next")), ResponseTemplate::new(500)]).await;

    let mut rows = api.client.leads().list().stream();

    assert!(rows.try_next().await.unwrap().is_some());
    assert_eq!(rows.try_next().await.unwrap_err().status(), Some(500));
    assert!(rows.try_next().await.unwrap().is_none());
    assert_eq!(api.requests().await.len(), 2);
}

#[tokio::test]
async fn a_server_that_names_a_page_as_its_own_next_is_left() {
    let api = Api::answering(leads(&["a"], Some("again"))).await;

    let error = api
        .client
        .leads()
        .list()
        .stream()
        .try_collect::<Vec<_>>()
        .await
        .unwrap_err();

    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    assert_eq!(api.requests().await.len(), 2);
}

#[tokio::test]
async fn a_server_whose_pages_go_in_a_circle_is_left() {
    let pages = ["a", "b", "c", "a"].map(|next| leads(&["x"], Some(next)));
    let api = Api::answering_in_turn(pages).await;

    let mut rows = api.client.leads().list().stream();
    for _ in 0..3 {
        assert!(rows.try_next().await.unwrap().is_some());
    }
    let error = rows.try_next().await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    assert!(error.message().contains("again and again"), "{error}");
    assert!(rows.try_next().await.unwrap().is_none());
    assert_eq!(api.requests().await.len(), 4);
}

#[tokio::test]
async fn a_server_that_sends_empty_pages_for_ever_is_left() {
    let pages: Vec<_> = (0..50)
        .map(|number| leads(&[], Some(&format!("cursor {number}"))))
        .collect();
    let api = Api::answering_in_turn(pages).await;

    let error = api.client.leads().list().stream().try_next().await;

    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
    assert!(error.message().contains("without a row"), "{error}");
    assert_eq!(api.requests().await.len(), 10);
}

#[tokio::test]
async fn a_few_empty_pages_are_passed_over() {
    let mut pages = Vec::new();
    for round in 0..3 {
        for number in 0..9 {
            pages.push(leads(&[], Some(&format!("{round} {number}"))));
        }
        pages.push(leads(&["x"], Some(&format!("{round}"))));
    }
    pages.push(leads(&["last"], None));
    let api = Api::answering_in_turn(pages).await;

    assert_eq!(api.client.leads().list().stream().count().await, 4);
}

#[tokio::test]
async fn a_cursor_that_no_request_could_carry_is_an_error() {
    let longest = "c".repeat(4_096);
    let api = Api::answering_in_turn([leads(&["a"], Some(&longest)), leads(&["b"], None)]).await;
    assert_eq!(api.client.leads().list().stream().count().await, 2);

    let api = Api::answering(leads(&["a"], Some(&"c".repeat(4_097)))).await;
    let error = api.client.leads().list().stream().try_next().await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::UnexpectedResponse);
    assert_eq!(api.requests().await.len(), 1);
}

#[tokio::test]
async fn a_wait_for_a_row_that_is_given_up_loses_nothing() {
    let slow = leads(&["a"], None).set_delay(std::time::Duration::from_millis(50));
    let api = Api::answering_in_turn([slow]).await;
    let mut rows = api.client.leads().list().stream();

    let given_up = tokio::time::timeout(std::time::Duration::from_millis(5), rows.try_next()).await;

    assert!(given_up.is_err());
    assert_eq!(rows.try_next().await.unwrap().unwrap().id, "a");
    assert_eq!(api.requests().await.len(), 1);
}

#[tokio::test]
async fn pending_conversions_stream_too() {
    let rows = |ids: &[&str], next| page("conversions_pending", "leadId", ids, next);
    let api = Api::answering_in_turn([rows(&["a"], Some("next")), rows(&["b"], None)]).await;

    let pending = api.client.conversions().pending().limit(1).stream();
    let rows = pending
        .map_ok(|row| row.lead_id)
        .try_collect::<Vec<_>>()
        .await
        .unwrap();

    assert_eq!(rows, ["a", "b"]);
    for request in api.requests().await {
        assert!(query(&request).contains(&("limit".to_owned(), "1".to_owned())));
    }
}

#[tokio::test]
async fn streams_and_requests_can_move_to_another_thread() {
    let api = Api::answering(documented("leads_list")).await;
    let client = builder(&api.server.uri()).build().unwrap();

    let mut rows = client.leads().list().stream();
    let lead = tokio::spawn(async move { rows.try_next().await })
        .await
        .unwrap()
        .unwrap();
    let page = tokio::spawn(client.leads().list().send())
        .await
        .unwrap()
        .unwrap();

    assert_eq!(lead.unwrap(), page.items[0]);
}
