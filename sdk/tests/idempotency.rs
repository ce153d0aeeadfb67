//! The key under which a write happens once.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper of tests fails the test"
)]

mod support;

use std::collections::BTreeSet;

use konektor_sdk::{Client, Error, ErrorKind, IDEMPOTENCY_KEY_TTL, LeadMatch, Retry, uuid::Uuid};
use konektor_spec::{Location, Spec};
use konektor_testing::{documented, json, operation};
use support::Api;
use wiremock::{Request, ResponseTemplate};

/// Every operation that takes a key, by the document.
fn keyed() -> impl Iterator<Item = &'static str> {
    let operations = Spec::builtin().operations().iter();
    let keyed = operations.filter(|it| it.parameters_in(Location::Header).next().is_some());
    keyed.map(|it| it.id.as_str())
}

/// Calls an operation that takes a key, with one of the caller's own if there is one.
async fn call(client: &Client, id: &str, own: Option<&str>) -> Result<bool, Error> {
    macro_rules! call {
        ($request:expr) => {{
            let request = $request;
            let request = match own {
                Some(key) => request.idempotency_key(key),
                None => request,
            };
            request
                .send_with_meta()
                .await
                .map(|(_, meta)| meta.replayed)
        }};
    }
    match id {
        "leads_create" => call!(client.leads().create("Budi")),
        "leads_update" => call!(client.leads().update("CRM-1024")),
        "leads_upsert" => call!(client.leads().upsert(LeadMatch::phone("0812"))),
        "support_ticket_create" => call!(client.support().create_ticket("Help", "!")),
        _ => panic!("{id} takes a key, which this test does not know"),
    }
}

fn key(request: &Request) -> &str {
    request.headers["idempotency-key"].to_str().unwrap()
}

#[tokio::test]
async fn every_call_that_takes_a_key_makes_a_new_one() {
    let mut keys = BTreeSet::new();
    for id in keyed() {
        let api = Api::answering(documented(id)).await;
        for _ in 0..2 {
            call(&api.client, id, None).await.unwrap();
        }
        for request in api.requests().await {
            key(&request).parse::<Uuid>().unwrap();
            keys.insert(key(&request).to_owned());
        }
    }
    assert_eq!(keys.len(), 2 * keyed().count());
    assert!(!keys.is_empty());
}

#[tokio::test]
async fn a_copy_of_a_request_is_another_call() {
    let api = Api::answering(documented("leads_create")).await;
    let request = api.client.leads().create("Budi");

    request.clone().send().await.unwrap();
    request.send().await.unwrap();

    let requests = api.requests().await;
    assert_ne!(key(&requests[0]), key(&requests[1]));
}

#[tokio::test]
async fn a_call_that_takes_no_key_sends_none() {
    let api = Api::answering(documented("leads_get")).await;

    api.client.leads().get("CRM-1024").send().await.unwrap();

    assert!(!api.request().await.headers.contains_key("idempotency-key"));
}

#[tokio::test]
async fn a_key_of_the_callers_own_is_sent_as_it_is() {
    for id in keyed() {
        for own in ["!", "order-1024", &"~".repeat(255)] {
            let api = Api::answering(documented(id)).await;
            call(&api.client, id, Some(own)).await.unwrap();
            assert_eq!(key(&api.request().await), own);
        }
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_one_is_refused_before_it_is_sent_and_not_shown() {
    for id in keyed() {
        let api = Api::answering(documented(id)).await;
        for bad in [
            "",
            " ",
            "budi 1",
            "budi\n",
            "budi\0",
            "bud\u{ed}",
            &"b".repeat(256),
        ] {
            let error = call(&api.client, id, Some(bad)).await.unwrap_err();

            assert_eq!((error.kind(), error.attempts()), (ErrorKind::Validation, 0));
            let why = "Must be 1–255 visible ASCII characters without spaces";
            assert_eq!(error.details()["Idempotency-Key"], why);
            assert!(!format!("{error} {error:?}").contains("bud"), "{error}");
        }
        assert!(api.requests().await.is_empty());
    }
}

/// The SDK looks at a key's characters by itself: this is what it takes them for.
#[test]
fn the_document_asks_for_visible_ascii() {
    let schema = Spec::builtin().schema("IdempotencyKey").unwrap();

    assert_eq!(schema.pattern(), Some("^[!-~]*$"));
    assert!((0..=127_u8).all(|it| it.is_ascii_graphic() == (b'!'..=b'~').contains(&it)));
}

#[tokio::test]
async fn an_answer_says_whether_it_was_given_before() {
    for id in keyed() {
        for success in operation(id).responses.iter().filter(|it| it.status < 300) {
            let first = json(success.status, &success.example);
            let replay = first.clone().insert_header("idempotency-replayed", "true");
            let api = Api::answering_in_turn([first, replay]).await;

            assert!(!call(&api.client, id, Some("mine")).await.unwrap());
            assert!(call(&api.client, id, Some("mine")).await.unwrap());
        }
    }
}

#[tokio::test]
async fn every_write_takes_a_key() {
    for operation in Spec::builtin().operations() {
        let writes = matches!(
            operation.method.as_str(),
            "POST" | "PATCH" | "PUT" | "DELETE"
        );
        let takes_one = keyed().any(|id| id == operation.id);
        assert_eq!(takes_one, writes, "{}", operation.id);
    }
}

#[tokio::test]
async fn a_key_of_another_request_is_a_mistake_of_the_caller() {
    let documented = operation("leads_create").responses.iter();
    let reused = documented.clone().find(|it| it.status == 422).unwrap();
    for id in keyed() {
        let api = Api::answering(json(422, &reused.example)).await;

        let error = call(&api.client, id, Some("mine")).await.unwrap_err();

        assert_eq!(
            (error.kind(), error.status()),
            (ErrorKind::IdempotencyKeyReused, Some(422))
        );
        assert!(error.details()["Idempotency-Key"].contains("with a new key"));
        assert!(error.message().contains("with a new key"), "{error}");
        assert_eq!(error.retry(), Retry::Never);
        assert_eq!(error.idempotency_key(), Some("mine"));
    }
}

#[tokio::test]
async fn a_key_in_flight_is_a_conflict_that_passes() {
    let mut documented = operation("leads_create").responses.iter();
    let in_flight = documented.find(|it| it.status == 409).unwrap();
    let answer = json(409, &in_flight.example).insert_header("retry-after", "1");
    let api = Api::answering(answer).await;

    for own in [Some("mine"), None] {
        let error = call(&api.client, "leads_create", own).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.status()),
            (ErrorKind::Conflict, Some(409))
        );
        let after = error.retry_after().unwrap();
        assert_eq!(after.as_secs(), 1);
        let key = error.idempotency_key().unwrap().to_owned();
        assert!(own.is_none_or(|own| own == key));
        assert_eq!(error.retry(), Retry::WithKey(key, after));
    }
}

#[tokio::test]
async fn a_call_can_go_on_with_the_key_of_its_error() {
    for id in keyed() {
        let api = Api::answering(ResponseTemplate::new(502)).await;
        let error = call(&api.client, id, None).await.unwrap_err();
        let Retry::WithKey(key, _) = error.retry() else {
            panic!("{error:?}")
        };

        call(&api.client, id, Some(&key)).await.unwrap_err();

        let requests = api.requests().await;
        assert_eq!(key, self::key(&requests[0]));
        assert_eq!(key, self::key(&requests[1]));
    }
}

#[test]
fn how_long_a_key_is_kept_is_what_the_document_says() {
    let hours = u64::from(Spec::builtin().limits().idempotency_hours);
    assert_eq!(IDEMPOTENCY_KEY_TTL.as_secs(), hours * 3_600);

    // Each promise that rests on it says it by itself.
    let text = format!("{hours} hours");
    for (source, item) in [
        (RETRY, "pub struct Retries"),
        (RETRY, "    WithKey(String, Duration)"),
        (ERROR, "    IdempotencyKeyReused,"),
        (ERROR, "    pub fn retry("),
        (ERROR, "    pub fn idempotency_key("),
        (META, "    pub replayed: bool,"),
        (
            include_str!("../src/raw_request.rs"),
            "    pub fn idempotency_key(",
        ),
        (include_str!("../src/support.rs"), "    pub async fn send("),
        (
            include_str!("../src/leads/create.rs"),
            "    pub async fn send(",
        ),
        (
            include_str!("../src/leads/update.rs"),
            "    pub async fn send(",
        ),
        (
            include_str!("../src/leads/upsert.rs"),
            "    pub async fn send(",
        ),
        (REQUESTS, "pub const IDEMPOTENCY_KEY_TTL"),
        (SETTERS, "    pub fn idempotency_key("),
    ] {
        let docs = docs(source, item);
        assert!(!docs.is_empty(), "{item}");
        for doc in docs {
            assert!(doc.contains(&text), "{item}: {doc}");
        }
    }
    let keyed_calls = docs(SETTERS, "    pub fn idempotency_key(").len();
    assert_eq!(keyed_calls, keyed().count());
    for promise in ["- **Once.**", "- **Errors.**"] {
        let (_, rest) = README.split_once(promise).unwrap();
        let paragraph = rest.split("\n- **").next().unwrap();
        assert!(one_line(paragraph).contains(&text), "{promise}");
    }
}

const README: &str = include_str!("../README.md");
const RETRY: &str = include_str!("../src/retry.rs");
const ERROR: &str = include_str!("../src/error.rs");
const META: &str = include_str!("../src/meta.rs");
const REQUESTS: &str = include_str!("../src/generated/requests.rs");
const SETTERS: &str = include_str!("../src/generated/setters.rs");

/// The documentation of each item of a source file that begins like this.
fn docs(source: &str, item: &str) -> Vec<String> {
    let lines: Vec<_> = source.lines().collect();
    let items = (0..lines.len()).filter(|line| lines[*line].starts_with(item));
    items
        .map(|line| {
            let above = lines[..line].iter().rev().map(|line| line.trim_start());
            let mut doc: Vec<_> = above
                .take_while(|line| line.starts_with("///") || line.starts_with("#["))
                .filter_map(|line| line.strip_prefix("///"))
                .collect();
            doc.reverse();
            one_line(&doc.join(" "))
        })
        .collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The server forgets the answers that hold personal data of a lead when those change.
#[test]
fn nobody_is_promised_that_a_replay_is_word_for_word() {
    for (source, item) in [
        (RETRY, "pub struct Retries"),
        (META, "    pub replayed: bool,"),
    ] {
        let doc = docs(source, item).remove(0);
        assert!(doc.contains("the lead as it is now"), "{item}: {doc}");
        assert!(!doc.contains("word for word"), "{item}: {doc}");
    }
}

#[test]
fn a_key_does_not_show() {
    let client = Client::builder().api_key("kna_a_b").build().unwrap();
    let email = "budi@example.com";
    let create = client.leads().create("Budi").idempotency_key(email);
    let upsert = client
        .leads()
        .upsert(LeadMatch::phone("0812"))
        .idempotency_key(email);
    let update = client.leads().update("CRM-1").idempotency_key(email);
    let ticket = client
        .support()
        .create_ticket("Help", "!")
        .idempotency_key(email);

    let shown = format!("{create:?} {upsert:?} {update:?} {ticket:?}");

    assert!(!shown.contains("budi@"), "{shown}");
}

#[tokio::test]
async fn a_header_that_is_not_true_is_no_replay() {
    for value in ["false", "", "TRUE!"] {
        let answer: ResponseTemplate = documented("leads_create");
        let api = Api::answering(answer.insert_header("idempotency-replayed", value)).await;
        assert!(!call(&api.client, "leads_create", None).await.unwrap());
    }
}
