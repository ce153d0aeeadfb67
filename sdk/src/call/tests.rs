use std::{
    future::Future,
    pin::Pin,
    sync::{Mutex, OnceLock},
};

use konektor_testing::example;
use serde_json::json;
use wiremock::{Mock, MockServer, Request as Received, ResponseTemplate, matchers::any};

use super::*;
use crate::{
    Client, Error, ErrorKind, LeadMatch, LeadStatus, Retries, Retry, environment::Environment,
    failure,
};

/// 2025-01-15T10:30:00Z
const NOW: i64 = 1_736_937_000;

/// Half the bound is always drawn, time passes only while somebody waits, and every wait is written
/// down.
#[derive(Debug, Default)]
struct Still {
    waits: Mutex<Vec<Duration>>,
}

impl Environment for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn elapsed(&self) -> Duration {
        self.waits.lock().unwrap().iter().sum()
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

    /// The same server through a client that does not wait for the rate limit.
    fn without_budget(mut self) -> Self {
        let retries = retries().rate_limit_budget(Duration::ZERO);
        (self.client, self.still) = client_with(&self.server.uri(), seconds(10), retries);
        self
    }

    async fn requests(&self) -> Vec<Received> {
        self.server.received_requests().await.unwrap()
    }
}

fn retries() -> Retries {
    Retries::default().base_delay(seconds(1))
}

fn client(base_url: &str, timeout: Duration) -> (Client, Arc<Still>) {
    client_with(base_url, timeout, retries())
}

fn client_with(base_url: &str, timeout: Duration, retries: Retries) -> (Client, Arc<Still>) {
    let still = Arc::new(Still::default());
    let client = Client::builder()
        .api_key("kna_test_secret")
        .base_url(base_url)
        .timeout(timeout)
        .retries(retries)
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
    status(201).set_body_json(example("leads_create"))
}

/// The key that a request was sent under.
fn key(request: &Received) -> &str {
    request.headers["idempotency-key"].to_str().unwrap()
}

/// What the API itself says of a failure.
fn failure(code: u16) -> ResponseTemplate {
    status(code).set_body_json(json!({
        "success": false,
        "error": { "code": "INTERNAL_ERROR", "message": "Try again", "details": null }
    }))
}

/// Statuses after which the same request may succeed soon.
const TRANSIENT: [u16; 18] = [
    408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527, 528, 529, 530,
];

#[tokio::test]
async fn a_read_is_sent_again_after_every_passing_failure() {
    for code in TRANSIENT {
        let api = Api::answering(vec![status(code), summary()]).await;

        let summary = api.client.analytics().summary();
        let (_, meta) = summary.send_with_meta().await.unwrap();

        assert_eq!(meta.attempts, 2, "after {code}");
        // A limit does not pass by chance at once.
        let wait = Duration::from_millis(if code == 429 { 1_500 } else { 500 });
        assert_eq!(api.waits(), [wait], "after {code}");
    }
}

#[tokio::test]
async fn a_read_is_not_sent_again_after_a_failure_that_stays() {
    for code in [
        400, 401, 403, 404, 407, 409, 413, 415, 422, 501, 505, 519, 531,
    ] {
        let api = Api::answering(vec![status(code)]).await;

        let error = api.client.analytics().summary().send().await.unwrap_err();

        assert_eq!(
            (error.attempts(), error.retry()),
            (1, Retry::Never),
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
    assert_eq!(error.retry(), Retry::Safe(seconds(1)));
    assert_eq!(error.idempotency_key(), None);
    assert_eq!(api.requests().await.len(), 3);
    assert_eq!(api.waits(), [Duration::from_millis(500), seconds(1)]);
    assert!(error.to_string().contains("(3 attempts, "), "{error}");
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
    for code in [429, 503] {
        let limited = status(code).insert_header("retry-after", "61");
        let api = Api::answering(vec![limited]).await;

        let error = api.client.analytics().summary().send().await.unwrap_err();

        assert_eq!(error.status(), Some(code));
        assert_eq!(error.retry_after(), Some(seconds(61)));
        assert_eq!(error.retry(), Retry::Safe(seconds(61)));
        assert_eq!(error.attempts(), 1);
        assert!(api.waits().is_empty());
    }
}

/// What a write is called, and its call, with a key of the caller's own if there is one.
async fn writes(client: &Client, own: Option<&str>) -> Vec<(&'static str, Error)> {
    macro_rules! failed {
        ($request:expr) => {{
            let request = $request;
            let request = match own {
                Some(key) => request.idempotency_key(key),
                None => request,
            };
            request.send().await.map(drop).unwrap_err()
        }};
    }
    let (leads, support) = (client.leads(), client.support());
    let body = json!({"firstName": "Budi"});
    vec![
        ("create", failed!(leads.create("Budi"))),
        ("upsert", failed!(leads.upsert(LeadMatch::phone("0812")))),
        (
            "update",
            failed!(leads.update("CRM-1").status(LeadStatus::Won)),
        ),
        ("ticket", failed!(support.create_ticket("Help", "!"))),
        (
            "POST",
            failed!(client.request("POST", "/leads").body(body.clone())),
        ),
        (
            "PATCH",
            failed!(client.request("PATCH", "/leads/CRM-1").body(body)),
        ),
    ]
}

#[tokio::test]
async fn a_write_is_sent_again_under_one_key() {
    for code in TRANSIENT {
        let api = Api::answering(vec![status(code).insert_header("retry-after", "1")])
            .await
            .without_budget();

        let failed = writes(&api.client, None).await;

        let requests = api.requests().await;
        let keys: Vec<_> = requests.iter().map(key).collect();
        let calls: Vec<_> = keys.chunks(3).collect();
        assert_eq!(calls.len(), failed.len(), "after {code}");
        for ((write, error), tries) in failed.iter().zip(calls) {
            assert_eq!(error.attempts(), 3, "{write} after {code}");
            assert!(tries.iter().all(|key| *key == tries[0]));
            assert_eq!(error.idempotency_key(), Some(tries[0]), "{write}");
            // A call of its own would have another key, and be there twice if the server has acted.
            let not_acted_on = matches!(code, 408 | 425 | 429);
            let expected = if not_acted_on {
                Retry::Safe(seconds(1))
            } else {
                Retry::WithKey(tries[0].to_owned(), seconds(1))
            };
            assert_eq!(error.retry(), expected, "{write} after {code}");
        }
        let distinct: std::collections::BTreeSet<_> = keys.into_iter().collect();
        assert_eq!(distinct.len(), failed.len(), "a key for each call");
    }
}

#[tokio::test]
async fn a_key_of_the_callers_own_is_the_one_to_come_back_with() {
    for code in [409, 500, 502, 503, 504, 520] {
        let api = Api::answering(vec![status(code).insert_header("retry-after", "1")]).await;

        for (write, error) in writes(&api.client, Some("mine")).await {
            assert_eq!(
                error.retry(),
                Retry::WithKey("mine".to_owned(), seconds(1)),
                "{write} after {code}"
            );
        }
        assert!(api.requests().await.iter().all(|it| key(it) == "mine"));
    }
}

#[tokio::test]
async fn the_apis_own_503_says_that_nothing_was_done_and_a_proxys_does_not() {
    let api = Api::answering(vec![failure(503)]).await;
    for (write, error) in writes(&api.client, None).await {
        assert_eq!(error.retry(), Retry::Safe(seconds(1)), "{write}");
    }

    let api = Api::answering(vec![failure(504)]).await;
    for (write, error) in writes(&api.client, None).await {
        assert!(matches!(error.retry(), Retry::WithKey(..)), "{write}");
    }
}

#[tokio::test]
async fn one_try_that_may_have_been_acted_on_is_enough_to_call_it_unsafe() {
    let api = Api::answering(vec![status(503), status(429)])
        .await
        .without_budget();

    let error = api.client.leads().create("Budi").send().await.unwrap_err();

    assert_eq!((error.status(), error.attempts()), (Some(429), 3));
    assert!(matches!(error.retry(), Retry::WithKey(..)), "{error:?}");
}

#[tokio::test]
async fn a_write_without_a_key_is_sent_again_only_when_the_server_has_not_acted() {
    for method in ["PUT", "DELETE"] {
        for answer in [status(408), status(425), failure(503)] {
            let api = Api::answering(vec![answer, status(502)]).await;

            let error = api.client.request(method, "/leads/CRM-1").send().await;

            let error = error.unwrap_err();
            assert_eq!((error.attempts(), error.status()), (2, Some(502)));
            assert_eq!(error.retry(), Retry::Never, "nobody can tell");
            for request in api.requests().await {
                assert!(!request.headers.contains_key("idempotency-key"));
            }
        }
        let api = Api::answering(vec![status(502)]).await;
        let keyed = api.client.request(method, "/leads/CRM-1");
        let error = keyed.idempotency_key("mine").send().await.unwrap_err();
        assert_eq!(error.attempts(), 3);
        assert_eq!(key(&api.requests().await[0]), "mine");
    }
}

#[tokio::test]
async fn a_request_in_flight_is_asked_for_again_as_soon_as_it_says() {
    let in_flight = status(409).insert_header("retry-after", "1");
    let api = Api::answering(vec![in_flight, created()]).await;

    let create = api.client.leads().create("Budi");
    let (_, meta) = create.send_with_meta().await.unwrap();

    assert_eq!(meta.attempts, 2);
    assert_eq!(api.waits(), [Duration::from_millis(1500)]);
}

#[tokio::test]
async fn what_was_written_before_its_answer_was_lost_is_read_from_the_replay() {
    let replay = created().insert_header("idempotency-replayed", "true");
    let api = Api::answering(vec![status(502), replay]).await;

    let create = api.client.leads().create("Budi");
    let (_, meta) = create.send_with_meta().await.unwrap();

    assert_eq!((meta.attempts, meta.replayed), (2, true));
}

#[tokio::test]
async fn a_refused_write_is_not_sent_again() {
    for code in [400, 401, 403, 404, 409, 413, 415, 422, 501] {
        let api = Api::answering(vec![status(code)]).await;

        for (write, error) in writes(&api.client, Some("mine")).await {
            let outcome = (error.attempts(), error.retry());
            assert_eq!(outcome, (1, Retry::Never), "{write} after {code}");
        }
    }
}

#[tokio::test]
async fn a_write_whose_success_cannot_be_read_may_have_happened() {
    let html = status(200).set_body_string("<html>");
    let other = status(201).set_body_json(json!({"success": true}));
    let oversized = status(201).set_body_bytes(vec![b' '; MAX_ANSWER + 1]);
    for answer in [status(204), html, other, oversized] {
        let api = Api::answering(vec![answer]).await;

        let leads = api.client.leads();
        let create = leads.create("Budi").send().await.unwrap_err();
        let update = leads.update("CRM-1").idempotency_key("mine").send().await;
        let read = leads.get("CRM-1").send().await.unwrap_err();

        let requests = api.requests().await;
        let sent = key(&requests[0]).to_owned();
        assert_eq!(create.retry(), Retry::WithKey(sent, seconds(1)));
        let mine = Retry::WithKey("mine".to_owned(), seconds(1));
        assert_eq!(update.unwrap_err().retry(), mine);
        assert_eq!((read.retry(), read.attempts()), (Retry::Never, 1));
    }
    let oversized = status(200).set_body_bytes(vec![b' '; MAX_ANSWER + 1]);
    let api = Api::answering(vec![oversized]).await;
    for method in ["PATCH", "DELETE"] {
        let error = api.client.request(method, "/x").send().await.unwrap_err();
        let is_keyed = matches!(error.retry(), Retry::WithKey(..));
        assert_eq!(is_keyed, method == "PATCH", "{error:?}");
    }
}

#[tokio::test]
async fn a_refusal_after_a_lost_answer_does_not_tell_that_nothing_happened() {
    let html = || ResponseTemplate::new(404).set_body_string("<html>");
    let conflict = || status(409).set_body_string("");
    for refusal in [
        failure(400),
        failure(401),
        failure(403),
        status(302),
        status(407),
        html(),
        conflict(),
    ] {
        for lost in [status(502), status(503), failure(504), failure(500)] {
            let api = Api::answering(vec![lost, refusal.clone()]).await;

            let error = api.client.leads().create("Budi").send().await.unwrap_err();

            let sent = key(&api.requests().await[0]).to_owned();
            assert_eq!(error.attempts(), 2, "{error}");
            assert_eq!(error.retry(), Retry::WithKey(sent, seconds(1)), "{error}");
        }
        // What was refused from the start has not happened.
        for refused in [failure(503), status(429)] {
            let api = Api::answering(vec![refused, refusal.clone()]).await;
            let error = api.client.leads().create("Budi").send().await.unwrap_err();
            assert_eq!((error.attempts(), error.retry()), (2, Retry::Never));
        }
    }
    let api = Api::answering(vec![status(502), failure(422)]).await;
    let error = api.client.leads().create("Budi").send().await.unwrap_err();
    assert_eq!(error.retry(), Retry::Never, "the key is another request's");
}

/// The failure of a request in the middle of which TLS gave up.
async fn broken_by_an_alert(client: &Client) -> reqwest::Error {
    let alert = rustls::Error::AlertReceived(rustls::AlertDescription::InternalError);
    let parts = futures::stream::iter([Err::<Bytes, _>(std::io::Error::other(alert))]);
    let server = MockServer::start().await;
    let request = client.transport().http.post(server.uri());
    let request = request.body(reqwest::Body::wrap_stream(parts));
    request.send().await.unwrap_err()
}

#[tokio::test]
async fn an_alert_after_the_handshake_is_a_broken_connection() {
    let (client, _) = client("http://127.0.0.1:1", seconds(1));
    let broken = broken_by_an_alert(&client).await;
    assert!(tls::refused(&broken) && !broken.is_connect(), "{broken:?}");
    assert!(!is_permanent(&broken));
    let idempotency = Idempotency::Key("mine".to_owned());
    let mut call = Call::new(
        Arc::clone(client.transport()),
        "leads.create".to_owned(),
        CallOptions::default(),
        idempotency,
    );
    call.acted = true;
    let error = failure::from_connection(broken, &call);

    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.message().contains("connection broke"), "{error}");
    assert_eq!(error.retry(), Retry::WithKey("mine".to_owned(), seconds(1)));
}

#[tokio::test]
async fn a_timeout_is_a_try() {
    let api = Api::answering(vec![summary().set_delay(seconds(30))])
        .await
        .impatient();

    let error = api.client.analytics().summary().send().await.unwrap_err();

    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 3));
    assert_eq!(error.retry(), Retry::Safe(seconds(1)));
    assert_eq!(api.requests().await.len(), 3);
}

#[tokio::test]
async fn a_creation_that_timed_out_may_have_happened() {
    let api = Api::answering(vec![created().set_delay(seconds(30))])
        .await
        .impatient();

    let error = api.client.leads().create("Budi").send().await.unwrap_err();

    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Timeout, 3));
    let requests = api.requests().await;
    assert!(requests.iter().all(|it| key(it) == key(&requests[0])));
    let expected = Retry::WithKey(key(&requests[0]).to_owned(), seconds(1));
    assert_eq!(error.retry(), expected);
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
    let safe = Retry::Safe(seconds(1));
    assert_eq!(create.retry(), safe, "it has not reached anybody");
    let place = format!("leads.create at 127.0.0.1:{port}: the server cannot be reached: ");
    assert!(create.to_string().starts_with(&place), "{create}");
    let place = format!("analytics.summary at 127.0.0.1:{port}: ");
    assert!(read.to_string().starts_with(&place), "{read}");
    for text in [read.to_string(), format!("{read:?}"), create.to_string()] {
        assert!(!text.contains("/leads") && !text.contains("/api"), "{text}");
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

/// The state of the limit as the server tells it.
fn left(remaining: u32) -> ResponseTemplate {
    summary()
        .insert_header("x-ratelimit-limit", "60")
        .insert_header("x-ratelimit-remaining", remaining.to_string())
        .insert_header("x-ratelimit-reset", (NOW + 60).to_string())
}

#[tokio::test]
async fn a_call_that_would_be_refused_waits_for_its_turn_instead() {
    let api = Api::answering(vec![left(1), left(0), left(0)]).await;
    let (one, other) = (api.client.clone(), api.client.clone());

    one.analytics().summary().send().await.unwrap();
    other.analytics().summary().send().await.unwrap();
    assert!(api.waits().is_empty());
    let (_, meta) = one.analytics().summary().send_with_meta().await.unwrap();

    assert_eq!(meta.attempts, 1);
    assert_eq!(api.waits(), [seconds(1)], "one comes in a second");
}

#[tokio::test]
async fn waits_for_a_turn_are_told_with_the_limit() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let api = Api::answering(vec![left(0)]).await;
    let listener = Arc::clone(&told);
    let client = Client::builder()
        .api_key("kna_test_secret")
        .base_url(api.server.uri())
        .environment(Arc::clone(&api.still) as Arc<dyn Environment>)
        .on_wait(move |wait| listener.lock().unwrap().push(wait))
        .build()
        .unwrap();

    for _ in 0..2 {
        client.analytics().summary().send().await.unwrap();
    }

    let expected = Wait {
        time: seconds(1),
        status: Some(429),
        limit: Some(60),
    };
    assert_eq!(*told.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn a_call_waits_for_the_limit_no_longer_than_it_may_and_asks_then() {
    let limited = status(429).insert_header("retry-after", "20");
    let api = Api::answering(vec![limited]).await;

    let error = api.client.analytics().summary().send().await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::RateLimited);
    let waited: Duration = api.waits().iter().sum();
    assert!(waited <= seconds(120), "{waited:?}");
    assert_eq!(
        u32::try_from(api.waits().len()).unwrap() + 1,
        error.attempts()
    );
    assert_eq!(error.attempts(), 6, "120 s of budget, 20.5 s each");
}

#[tokio::test]
async fn a_limit_of_the_day_is_told_at_once_and_holds_up_nobody_else() {
    let daily = ResponseTemplate::new(429)
        .set_body_string("")
        .insert_header("retry-after", "36000")
        .insert_header("x-ratelimit-limit", "60")
        .insert_header("x-ratelimit-remaining", "50")
        .insert_header("x-ratelimit-reset", (NOW + 10).to_string());
    let api = Api::answering(vec![daily, left(49)]).await;

    let error = api.client.leads().create("Budi").send().await.unwrap_err();
    let summary = api.client.analytics().summary();
    let (_, meta) = summary.send_with_meta().await.unwrap();

    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::RateLimited, 1)
    );
    assert_eq!(error.retry(), Retry::Safe(seconds(36_000)));
    assert_eq!(meta.attempts, 1);
    assert!(api.waits().is_empty());
}

#[tokio::test]
async fn a_limit_of_the_day_is_not_waited_for_by_the_most_patient_client() {
    let day = Duration::from_hours(24);
    let patient = retries().max_wait(day).rate_limit_budget(2 * day);
    for (remaining, waits) in [("1", 0), ("0", 1)] {
        let limited = status(429)
            .insert_header("retry-after", "3600")
            .insert_header("x-ratelimit-limit", "60")
            .insert_header("x-ratelimit-remaining", remaining)
            .insert_header("x-ratelimit-reset", (NOW + 10).to_string());
        let mut api = Api::answering(vec![limited, created()]).await;
        (api.client, api.still) = client_with(&api.server.uri(), seconds(10), patient);

        let create = api.client.leads().create("Budi");
        let created = create.send_with_meta().await;

        assert_eq!(api.waits().len(), waits, "{remaining} left");
        match created {
            Ok((_, meta)) => assert_eq!((meta.attempts, remaining), (2, "0")),
            Err(error) => {
                assert_eq!((error.attempts(), remaining), (1, "1"));
                assert_eq!(error.retry(), Retry::Safe(seconds(3_600)));
            }
        }
    }
}

/// As [`Still`], where each wait but the last has something happen meanwhile.
#[derive(Debug)]
struct Eventful {
    still: Still,
    client: OnceLock<Client>,
    events: Mutex<Vec<Event>>,
}

/// Calls that reserve their turn behind, and one that is refused for so long.
#[derive(Debug)]
struct Event {
    behind: usize,
    refused: Duration,
}

impl Environment for Eventful {
    fn now(&self) -> Timestamp {
        self.still.now()
    }

    fn elapsed(&self) -> Duration {
        self.still.elapsed()
    }

    fn random(&self) -> f64 {
        self.still.random()
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let slept = self.still.sleep(time);
        if let Some(event) = self.events.lock().unwrap().pop() {
            let limiter = &self.client.get().unwrap().transport().limiter;
            for _ in 0..event.behind {
                // They stay in the line.
                std::mem::forget(limiter.reserve(self.elapsed()));
            }
            let mut permit = limiter.reserve(self.elapsed());
            permit.sent();
            let limit = RateLimit {
                limit: 60,
                remaining: 0,
                reset: self.now(),
            };
            permit.answered(self.elapsed(), Some(limit), Some(event.refused));
        }
        slept
    }
}

/// The waits of a call that has to wait for its turn, a second by itself, while this happens.
async fn waits_of_a_call_while(events: Vec<Event>, retries: Retries) -> Vec<Duration> {
    let api = Api::answering(vec![left(0)]).await;
    let environment = Arc::new(Eventful {
        still: Still::default(),
        client: OnceLock::new(),
        events: Mutex::new(events),
    });
    let client = Client::builder()
        .api_key("kna_test_secret")
        .base_url(api.server.uri())
        .retries(retries)
        .environment(Arc::clone(&environment) as Arc<dyn Environment>)
        .build()
        .unwrap();
    environment.client.set(client.clone()).unwrap();

    for _ in 0..2 {
        client.analytics().summary().send().await.unwrap();
    }

    let waits = environment.still.waits.lock().unwrap();
    waits.clone()
}

#[tokio::test]
async fn a_call_that_waits_keeps_its_place_when_another_is_refused() {
    let event = Event {
        behind: 20,
        refused: seconds(5),
    };
    let waits = waits_of_a_call_while(vec![event], retries()).await;

    assert_eq!(waits, [seconds(1), seconds(5)]);
}

#[tokio::test]
async fn a_call_that_has_to_wait_again_and_again_waits_no_longer_than_it_may() {
    let refused = || Event {
        behind: 0,
        refused: seconds(20),
    };
    let events = || vec![refused(), refused(), refused(), refused()];

    let waits = waits_of_a_call_while(events(), retries()).await;
    let in_all = [1, 20, 20, 19].map(seconds);
    assert_eq!(waits, in_all, "a minute is the longest wait");

    let with_budget = retries().rate_limit_budget(seconds(30));
    let waits = waits_of_a_call_while(events(), with_budget).await;
    assert_eq!(waits, [1, 20, 9].map(seconds));
}

#[tokio::test]
async fn a_wait_for_its_turn_that_the_deadline_forbids_costs_nothing() {
    // The next request is admitted in half a minute.
    let slow = |answer: ResponseTemplate| {
        answer
            .insert_header("x-ratelimit-limit", "2")
            .insert_header("x-ratelimit-remaining", "0")
            .insert_header("x-ratelimit-reset", (NOW + 60).to_string())
    };
    let limited = slow(status(429).insert_header("retry-after", "2"));
    let mut api = Api::answering(vec![slow(summary()), limited, slow(summary())]).await;
    let retries = retries().rate_limit_budget(seconds(30));
    (api.client, api.still) = client_with(&api.server.uri(), seconds(10), retries);
    api.client.analytics().summary().send().await.unwrap();

    let call = api.client.analytics().summary().deadline(seconds(10));
    let (_, meta) = call.send_with_meta().await.unwrap();

    assert_eq!(meta.attempts, 2);
    assert_eq!(api.waits(), [Duration::from_millis(2_500)]);
}

#[tokio::test]
async fn a_path_without_a_limit_does_not_lift_the_workspaces() {
    let guide = || status(200).set_body_string("# Konektor");
    let api = Api::answering(vec![left(0), guide(), left(0)]).await;

    api.client.analytics().summary().send().await.unwrap();
    let request = api.client.request("GET", "/SKILL.md");
    request.send().await.unwrap();
    let before = api.waits().len();
    api.client.analytics().summary().send().await.unwrap();

    assert_eq!(api.waits()[before..], [seconds(1)], "one comes in a second");
}

#[tokio::test]
async fn without_retries_a_call_is_sent_whatever_is_left() {
    let mut api = Api::answering(vec![left(0)]).await;
    (api.client, api.still) = client_with(&api.server.uri(), seconds(10), Retries::none());

    for _ in 0..3 {
        api.client.analytics().summary().send().await.unwrap();
    }

    assert!(api.waits().is_empty());
}

#[tokio::test]
async fn a_refused_key_says_nothing_of_the_workspaces_limit() {
    for code in [401, 403] {
        let refused = status(code)
            .insert_header("x-ratelimit-limit", "100")
            .insert_header("x-ratelimit-remaining", "0")
            .insert_header("x-ratelimit-reset", (NOW + 60).to_string());
        let api = Api::answering(vec![refused, summary()]).await;

        api.client.analytics().summary().send().await.unwrap_err();
        api.client.analytics().summary().send().await.unwrap();

        assert!(api.waits().is_empty(), "after {code}");
    }
}

#[tokio::test]
async fn a_call_that_passes_its_deadline_says_what_to_do() {
    let slow = || created().set_delay(seconds(5));
    let api = Api::answering(vec![slow()]).await;
    let soon = Duration::from_millis(100);

    let read = api.client.analytics().summary().deadline(soon).send().await;
    let create = api
        .client
        .leads()
        .create("Budi")
        .deadline(soon)
        .send()
        .await;
    let own = api.client.leads().update("CRM-1").idempotency_key("mine");
    let own = own.deadline(soon).send().await.unwrap_err();
    let request = api.client.request("POST", "/leads").deadline(soon).send();
    let request = request.await.unwrap_err();

    let (read, create) = (read.unwrap_err(), create.unwrap_err());
    for error in [&read, &create, &own, &request] {
        assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
        assert_eq!(error.attempts(), 1);
        assert!(error.to_string().contains("within 100ms"), "{error}");
    }
    assert_eq!(read.retry(), Retry::Safe(seconds(1)));
    let requests = api.requests().await;
    let sent = key(&requests[1]).to_owned();
    assert_eq!(create.idempotency_key(), Some(sent.as_str()));
    assert_eq!(create.retry(), Retry::WithKey(sent, seconds(1)));
    assert_eq!(own.retry(), Retry::WithKey("mine".to_owned(), seconds(1)));
    assert!(matches!(request.retry(), Retry::WithKey(..)));
}

#[tokio::test]
async fn a_wait_that_does_not_end_before_the_deadline_is_not_begun() {
    let broken = status(503).insert_header("retry-after", "20");
    let api = Api::answering(vec![broken]).await;

    let read = api.client.analytics().summary().deadline(seconds(10));
    let error = read.send().await.unwrap_err();

    assert_eq!((error.status(), error.attempts()), (Some(503), 1));
    assert_eq!(error.retry(), Retry::Safe(seconds(20)));
    assert!(api.waits().is_empty());
}

#[tokio::test]
async fn a_deadline_does_not_forget_how_long_the_server_asked_to_wait() {
    let (client, _) = client("http://127.0.0.1:1", seconds(1));
    let idempotency = Idempotency::Key("mine".to_owned());
    let mut call = Call::new(
        Arc::clone(client.transport()),
        "leads.create".to_owned(),
        CallOptions::default(),
        idempotency,
    );
    call.acted = true;
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, 7.into());
    call.last_answer = Some((StatusCode::SERVICE_UNAVAILABLE, headers));

    let error = failure::deadline_exceeded(&call);

    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(error.retry(), Retry::WithKey("mine".to_owned(), seconds(7)));
    assert_eq!(error.retry_after(), Some(seconds(7)));
}

#[tokio::test]
async fn a_call_with_time_left_is_tried_again_within_its_deadline() {
    let api = Api::answering(vec![status(503), summary()]).await;

    let read = api.client.analytics().summary().deadline(seconds(60));

    let (_, meta) = read.send_with_meta().await.unwrap();
    assert_eq!(meta.attempts, 2);
}
