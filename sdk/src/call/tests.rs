use std::{future::Future, pin::Pin, sync::Mutex};

use konektor_spec::Spec;
use serde_json::json;
use wiremock::{Mock, MockServer, Request as Received, ResponseTemplate, matchers::any};

use super::*;
use crate::{Client, ErrorKind, LeadMatch, LeadStatus, environment::Environment};

/// 2025-01-15T10:30:00Z
const NOW: i64 = 1_736_937_000;

/// Half the bound is always drawn, no time passes, and every wait is written down.
#[derive(Debug, Default)]
struct Still {
    waits: Mutex<Vec<Duration>>,
}

impl Environment for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn random(&self) -> f64 {
        0.5
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.waits.lock().unwrap().push(time);
        Box::pin(async {})
    }
}

struct Api {
    server: MockServer,
    still: Arc<Still>,
    client: Client,
}

impl Api {
    /// A server that gives these answers, and the last of them for ever.
    async fn answering(answers: Vec<ResponseTemplate>) -> Self {
        let server = MockServer::start().await;
        let last = answers.len() - 1;
        for (index, answer) in answers.into_iter().enumerate() {
            let mock = Mock::given(any()).respond_with(answer);
            if index == last {
                mock.mount(&server).await;
            } else {
                mock.up_to_n_times(1).mount(&server).await;
            }
        }
        let (client, still) = client(&server.uri(), seconds(10));
        Self {
            server,
            still,
            client,
        }
    }

    fn waits(&self) -> Vec<Duration> {
        self.still.waits.lock().unwrap().clone()
    }

    /// The same server through a client that does not wait for it.
    fn impatient(mut self) -> Self {
        (self.client, self.still) = client(&self.server.uri(), Duration::from_millis(100));
        self
    }

    async fn requests(&self) -> Vec<Received> {
        self.server.received_requests().await.unwrap()
    }
}

fn client(base_url: &str, timeout: Duration) -> (Client, Arc<Still>) {
    let still = Arc::new(Still::default());
    let client = Client::builder()
        .api_key("kna_test_secret")
        .base_url(base_url)
        .timeout(timeout)
        .retries(Retries::default().base_delay(seconds(1)))
        .environment(Arc::clone(&still) as Arc<dyn Environment>)
        .build()
        .unwrap();
    (client, still)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn status(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status).insert_header("date", "Wed, 15 Jan 2025 10:30:00 GMT")
}

fn summary() -> ResponseTemplate {
    status(200).set_body_json(json!({
        "success": true,
        "data": {
            "totalLeads": 1, "newLeads": 1, "contactedLeads": 0, "totalConversions": 0,
            "totalConversionValue": 0, "timeframe": "today",
            "period": { "from": null, "to": "2025-01-15T10:30:00.000Z" }
        }
    }))
}

fn created() -> ResponseTemplate {
    let example = &Spec::builtin().operation("leads_create").unwrap().responses[0].example;
    status(201).set_body_json(example)
}

/// The key that a request was sent under.
fn key(request: &Received) -> &str {
    request.headers["idempotency-key"].to_str().unwrap()
}

#[tokio::test]
async fn a_read_is_sent_again_after_every_passing_failure() {
    for code in [408, 429, 500, 502, 503, 504] {
        let api = Api::answering(vec![status(code), summary()]).await;

        let answer = api.client.analytics().summary().send().await.unwrap();

        assert_eq!(answer.attempts(), 2, "after {code}");
        assert_eq!(api.waits(), [Duration::from_millis(500)], "after {code}");
    }
}

#[tokio::test]
async fn a_read_is_not_sent_again_after_a_failure_that_stays() {
    for code in [400, 401, 403, 404, 409, 413, 415, 422, 501] {
        let api = Api::answering(vec![status(code)]).await;

        let error = api.client.analytics().summary().send().await.unwrap_err();

        assert_eq!(
            (error.attempts(), error.retryable()),
            (1, false),
            "after {code}"
        );
        assert_eq!(api.requests().await.len(), 1, "after {code}");
    }
}

#[tokio::test]
async fn tries_end_and_are_counted_in_the_error() {
    let api = Api::answering(vec![status(503)]).await;

    let error = api.client.analytics().summary().send().await.unwrap_err();

    assert_eq!((error.attempts(), error.status()), (3, Some(503)));
    assert!(error.retryable());
    assert_eq!(api.requests().await.len(), 3);
    assert_eq!(api.waits(), [Duration::from_millis(500), seconds(1)]);
    assert!(error.to_string().ends_with("(3 attempts)"), "{error}");
}

#[tokio::test]
async fn retry_after_in_seconds_is_waited_for() {
    let limited = status(429).insert_header("retry-after", "7");
    let api = Api::answering(vec![limited, summary()]).await;

    api.client.analytics().summary().send().await.unwrap();

    assert_eq!(api.waits(), [Duration::from_millis(7500)]);
}

#[tokio::test]
async fn retry_after_as_a_date_is_waited_for_by_the_servers_clock() {
    let hour_behind = ResponseTemplate::new(503)
        .insert_header("date", "Wed, 15 Jan 2025 09:30:00 GMT")
        .insert_header("retry-after", "Wed, 15 Jan 2025 09:30:05 GMT");
    let api = Api::answering(vec![hour_behind, summary()]).await;

    api.client.analytics().summary().send().await.unwrap();

    assert_eq!(api.waits(), [Duration::from_millis(5500)]);
}

#[tokio::test]
async fn the_reset_of_a_rate_limit_is_waited_for_when_there_is_no_retry_after() {
    let limited = status(429).insert_header("x-ratelimit-reset", (NOW + 4).to_string());
    let api = Api::answering(vec![limited, summary()]).await;

    api.client.analytics().summary().send().await.unwrap();

    assert_eq!(api.waits(), [Duration::from_millis(4500)]);
}

#[tokio::test]
async fn the_reset_of_a_rate_limit_says_nothing_about_other_failures() {
    let broken = status(503).insert_header("x-ratelimit-reset", (NOW + 4).to_string());
    let api = Api::answering(vec![broken, summary()]).await;

    api.client.analytics().summary().send().await.unwrap();

    assert_eq!(api.waits(), [Duration::from_millis(500)]);
}

#[tokio::test]
async fn a_wait_past_the_cap_is_left_to_the_caller() {
    let limited = status(429).insert_header("retry-after", "31");
    let api = Api::answering(vec![limited]).await;

    let error = api.client.analytics().summary().send().await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry_after(), Some(seconds(31)));
    assert!(error.retryable());
    assert_eq!(error.attempts(), 1);
    assert!(api.waits().is_empty());
}

#[tokio::test]
async fn an_update_is_sent_again_because_it_sets_fields() {
    let api = Api::answering(vec![status(503), status(404)]).await;

    let update = api
        .client
        .leads()
        .update("CRM-1024")
        .status(LeadStatus::Won);
    let error = update.send().await.unwrap_err();

    assert_eq!((error.attempts(), error.status()), (2, Some(404)));
    let requests = api.requests().await;
    assert_eq!(requests[0].body, requests[1].body);
    assert_eq!(requests[0].body, br#"{"status":"won"}"#);
}

#[tokio::test]
async fn what_creates_is_sent_again_under_one_key() {
    for code in [408, 429, 500, 502, 503, 504] {
        let api = Api::answering(vec![status(code).insert_header("retry-after", "1")]).await;
        let (leads, support) = (api.client.leads(), api.client.support());

        let create = leads.create("Budi").send().await.unwrap_err();
        let upsert = leads.upsert(LeadMatch::phone("0812")).send().await;
        let upsert = upsert.unwrap_err();
        let ticket = support.create_ticket("Help", "!").send().await.unwrap_err();

        for error in [&create, &upsert, &ticket] {
            assert_eq!(error.attempts(), 3, "after {code}");
            assert_eq!(error.retry_after(), Some(seconds(1)));
        }
        let requests = api.requests().await;
        let keys: Vec<_> = requests.iter().map(key).collect();
        let calls: Vec<_> = keys.chunks(3).collect();
        assert_eq!(calls.len(), 3, "after {code}");
        assert!(
            calls
                .iter()
                .all(|tries| tries.iter().all(|key| *key == tries[0]))
        );
        assert!(calls[0][0] != calls[1][0] && calls[1][0] != calls[2][0]);
        // A call of its own would have another key, and be there twice if the server has acted on this one.
        let not_acted_on = matches!(code, 408 | 429);
        assert_eq!(create.retryable(), not_acted_on, "after {code}");
        assert_eq!(ticket.retryable(), not_acted_on, "after {code}");
        assert!(upsert.retryable(), "after {code}");
    }
}

#[tokio::test]
async fn under_a_key_of_the_callers_own_every_passing_failure_is_worth_another_call() {
    for code in [408, 409, 429, 500, 502, 503, 504] {
        let api = Api::answering(vec![status(code).insert_header("retry-after", "1")]).await;

        let create = api.client.leads().create("Budi").idempotency_key("mine");
        let error = create.send().await.unwrap_err();

        assert!(error.retryable(), "after {code}");
        assert!(api.requests().await.iter().all(|it| key(it) == "mine"));
    }
}

#[tokio::test]
async fn one_try_that_may_have_been_acted_on_is_enough_to_call_it_unsafe() {
    let api = Api::answering(vec![status(503), status(429)]).await;

    let error = api.client.leads().create("Budi").send().await.unwrap_err();

    assert_eq!((error.status(), error.attempts()), (Some(429), 3));
    assert!(!error.retryable(), "the 503 may have written it");
}

#[tokio::test]
async fn a_request_in_flight_is_asked_for_again_as_soon_as_it_says() {
    let in_flight = status(409).insert_header("retry-after", "1");
    let api = Api::answering(vec![in_flight, created()]).await;

    let lead = api.client.leads().create("Budi").send().await.unwrap();

    assert_eq!(lead.attempts(), 2);
    assert_eq!(api.waits(), [Duration::from_millis(1500)]);
}

#[tokio::test]
async fn what_was_written_before_its_answer_was_lost_is_read_from_the_replay() {
    let replay = created().insert_header("idempotency-replayed", "true");
    let api = Api::answering(vec![status(502), replay]).await;

    let lead = api.client.leads().create("Budi").send().await.unwrap();

    assert_eq!((lead.attempts(), lead.replayed()), (2, true));
}

#[tokio::test]
async fn a_refused_creation_is_not_sent_again() {
    for code in [400, 401, 403, 404, 409, 413, 415, 422, 501] {
        let api = Api::answering(vec![status(code)]).await;

        let create = api.client.leads().create("Budi").idempotency_key("mine");
        let error = create.send().await.unwrap_err();

        assert_eq!((error.attempts(), error.retryable()), (1, false), "{code}");
    }
}

#[tokio::test]
async fn a_timeout_is_a_try() {
    let api = Api::answering(vec![summary().set_delay(seconds(30))])
        .await
        .impatient();

    let error = api.client.analytics().summary().send().await.unwrap_err();

    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 3));
    assert!(error.retryable());
    assert_eq!(api.requests().await.len(), 3);
}

#[tokio::test]
async fn a_creation_that_timed_out_may_have_happened() {
    let api = Api::answering(vec![created().set_delay(seconds(30))])
        .await
        .impatient();

    let error = api.client.leads().create("Budi").send().await.unwrap_err();

    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 3));
    assert!(!error.retryable());
    let requests = api.requests().await;
    assert!(requests.iter().all(|it| key(it) == key(&requests[0])));
}

#[tokio::test]
async fn nobody_listening_is_a_failure_for_now_even_of_a_creation() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let (client, _) = client(&format!("http://127.0.0.1:{port}"), seconds(10));

    let read = client.analytics().summary().send().await.unwrap_err();
    let create = client.leads().create("Budi").send().await.unwrap_err();

    for error in [&read, &create] {
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Network, 3));
    }
    assert!(create.retryable(), "it has not reached anybody");
    for text in [read.to_string(), format!("{read:?}"), create.to_string()] {
        assert!(
            !text.contains("analytics") && !text.contains("/leads"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn every_try_carries_the_key() {
    let api = Api::answering(vec![status(503), summary()]).await;

    api.client.analytics().summary().send().await.unwrap();

    for request in api.requests().await {
        assert_eq!(request.headers["authorization"], "Bearer kna_test_secret");
    }
}
