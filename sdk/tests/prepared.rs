//! Requests that are built and not sent.
#![allow(clippy::unwrap_used, reason = "helpers fail the test that calls them")]

mod support;

use konektor_sdk::{Client, ErrorKind, LeadStatus, PreparedRequest};
use konektor_testing::{KEY, documented};
use support::{Api, builder};

fn client() -> Client {
    builder("http://127.0.0.1:1").build().unwrap()
}

fn header<'a>(request: &'a PreparedRequest, name: &str) -> Option<&'a str> {
    let mut headers = request.headers();
    headers.find_map(|(header, value)| (header == name).then_some(value))
}

#[tokio::test]
async fn what_is_built_is_what_is_sent() {
    let api = Api::answering(documented("leads_update")).await;
    let update = api
        .client
        .leads()
        .update("CRM/1024")
        .idempotency_key("mine");
    let update = update.status(LeadStatus::Won).clear_notes();

    let built = update.build().unwrap();
    assert!(api.requests().await.is_empty());
    update.await.unwrap();

    let sent = api.request().await;
    assert_eq!(built.method(), sent.method.as_str());
    assert!(built.url().ends_with("/api/v2/agent/leads/CRM%2F1024"));
    assert!(built.url().ends_with(sent.url.path()));
    assert_eq!(built.body().unwrap().as_bytes(), sent.body);
    assert_eq!(header(&built, "idempotency-key"), Some("mine"));
    assert_eq!(
        header(&built, "authorization"),
        Some(&*format!("Bearer {KEY}"))
    );
    for (name, value) in built.headers() {
        assert_eq!(sent.headers[name], value, "{name}");
    }
}

#[tokio::test]
async fn a_raw_request_is_built_like_others() {
    let request = client().request("get", "/leads").query("search", "a b&c");

    let built = request.build().unwrap();

    assert_eq!(built.method(), "get");
    assert_eq!(
        built.url(),
        "http://127.0.0.1:1/api/v2/agent/leads?search=a+b%26c"
    );
    assert_eq!(
        (built.body(), header(&built, "idempotency-key")),
        (None, None)
    );
    let elsewhere = client().request("GET", "/../x").build().unwrap_err();
    assert_eq!(elsewhere.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn nothing_but_sending_needs_a_key() {
    let anybody = Client::builder()
        .base_url("http://127.0.0.1:1")
        .build()
        .unwrap();

    let built = anybody.leads().list().build().unwrap();

    assert_eq!(header(&built, "authorization"), None);
    let error = anybody.leads().list().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
}

#[tokio::test]
async fn what_cannot_be_sent_cannot_be_built() {
    let leads = client().leads();

    let nameless = leads.get("").build().unwrap_err();
    assert!(nameless.details().contains_key("id"), "{nameless}");
    let no_number = leads
        .update("CRM-1")
        .actual_value(f64::NAN)
        .build()
        .unwrap_err();
    assert_eq!(no_number.kind(), ErrorKind::Validation);
    let bad_key = leads
        .create("Budi")
        .idempotency_key("a b")
        .build()
        .unwrap_err();
    assert!(
        bad_key.details().contains_key("Idempotency-Key"),
        "{bad_key}"
    );
}

#[tokio::test]
async fn debug_shows_neither_the_key_nor_what_may_be_personal() {
    let create = client()
        .leads()
        .create("Budi")
        .idempotency_key("budi@example.com");
    let list = client().leads().list().search("Budi");

    let shown = format!("{:?} {:?}", create.build().unwrap(), list.build().unwrap());

    assert!(
        shown.contains("POST") && shown.contains("authorization"),
        "{shown}"
    );
    for secret in [KEY, "Budi", "budi"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
