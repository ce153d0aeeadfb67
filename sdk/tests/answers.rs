//! What the SDK makes of answers, of newer servers and of broken ones too.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails the test")]

mod support;

use std::time::Duration;

use konektor_sdk::{ErrorCode, ErrorKind, Lead, LeadMatch, LeadSource, LeadStatus, Retry};
use konektor_testing::{KEY, REQUEST_ID, documented, example, json};
use serde_json::{Value, json as value};
use support::{Api, builder};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use wiremock::ResponseTemplate;

#[tokio::test]
async fn a_success_tells_the_rate_limit_and_the_request_id() {
    let api = Api::answering(documented("workspace_show")).await;

    let request = api.client.workspace().show();
    let (_, meta) = request.send_with_meta().await.unwrap();

    let limit = meta.rate_limit.unwrap();
    assert_eq!((limit.limit, limit.remaining), (200, 199));
    assert_eq!(limit.reset.to_string(), "2025-01-15T10:30:01Z");
    assert_eq!(meta.request_id.as_deref(), Some(REQUEST_ID));
    assert_eq!((meta.status, meta.attempts, meta.replayed), (200, 1, false));
}

#[tokio::test]
async fn missing_or_senseless_rate_limit_headers_are_no_failure() {
    for reset in ["", "soon", "99999999999999999999"] {
        let answer = ResponseTemplate::new(200)
            .insert_header("x-ratelimit-limit", "-5")
            .insert_header("x-ratelimit-reset", reset)
            .set_body_json(example("workspace_show"));
        let api = Api::answering(answer).await;

        let request = api.client.workspace().show();
        let (_, meta) = request.send_with_meta().await.unwrap();

        assert_eq!((meta.rate_limit, meta.request_id), (None, None));
    }
}

#[tokio::test]
async fn an_upsert_tells_whether_the_lead_was_created() {
    for created in [true, false] {
        let mut body = example("leads_upsert");
        body["created"] = created.into();
        let api = Api::answering(json(if created { 201 } else { 200 }, &body)).await;

        let upserted = api
            .client
            .leads()
            .upsert(LeadMatch::phone("0812"))
            .send()
            .await
            .unwrap();

        assert_eq!(upserted.created, created);
        assert_eq!(upserted.lead.first_name, "Budi");
    }
}

#[tokio::test]
async fn the_guide_needs_no_key_and_everything_else_is_not_even_sent_without_one() {
    let api = Api::answering(ResponseTemplate::new(200).set_body_string("# Guide")).await;
    let client = konektor_sdk::Client::builder()
        .base_url(api.server.uri())
        .build()
        .unwrap();

    assert_eq!(client.skill().show().await.unwrap(), "# Guide");
    assert!(!api.request().await.headers.contains_key("authorization"));

    let error = client.workspace().show().send().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::Unauthorized, 0)
    );
    assert!(error.to_string().contains("KONEKTOR_API_KEY"), "{error}");
    assert_eq!(api.requests().await.len(), 1);
}

#[tokio::test]
async fn values_and_fields_of_a_newer_server_are_kept() {
    let mut body = example("leads_get");
    body["notice"] = "maintenance on Sunday".into();
    body["data"]["status"] = "thrilled".into();
    body["data"]["source"] = "hologram".into();
    body["data"]["mood"] = value!({ "score": 7 });
    let api = Api::answering(json(200, &body)).await;

    let get = api.client.leads().get("CRM-1024");
    let (lead, meta) = get.send_with_meta().await.unwrap();

    assert_eq!(lead.status, LeadStatus::Unknown("thrilled".to_owned()));
    assert_eq!(lead.status.as_str(), "thrilled");
    assert_eq!(lead.source, Some(LeadSource::from("hologram")));
    assert_eq!(lead.extra["mood"]["score"], 7);
    assert_eq!(meta.extra["notice"], "maintenance on Sunday");
    assert_eq!(serde_json::to_value(lead).unwrap(), body["data"]);
}

#[tokio::test]
async fn limits_of_the_document_are_not_applied_to_answers() {
    let mut body = example("leads_get");
    body["data"]["firstName"] = "x".repeat(10_000).into();
    body["data"]["email"] = "not an address".into();
    body["data"]["phone"] = "".into();
    body["data"]["estimatedValue"] = (-1e20).into();
    let api = Api::answering(json(200, &body)).await;

    let lead = api.client.leads().get("CRM-1024").send().await.unwrap();

    assert_eq!(lead.first_name.len(), 10_000);
}

#[tokio::test]
async fn a_field_that_may_be_null_may_be_missing() {
    let mut body = example("leads_get");
    body["data"].as_object_mut().unwrap().remove("campaignName");
    let api = Api::answering(json(200, &body)).await;

    let lead = api.client.leads().get("CRM-1024").send().await.unwrap();

    assert_eq!(lead.campaign_name, None);
}

#[test]
fn what_was_read_is_written_as_the_server_writes_it() {
    for id in ["leads_get", "leads_upsert"] {
        let text = serde_json::to_string(&example(id)["data"]).unwrap();
        let lead: Lead = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&lead).unwrap(), text);
    }
}

#[tokio::test]
async fn a_failure_that_is_not_json_keeps_its_status() {
    let html = "<html><body>Siti Rahmawati, +62 857-1111-2222</body></html>";
    for (body, hint) in [
        (html, "HTML"),
        ("", "empty"),
        ("overloaded", "not JSON"),
        ("[]", "JSON"),
    ] {
        let answer = ResponseTemplate::new(503)
            .insert_header("retry-after", "3")
            .insert_header("x-request-id", REQUEST_ID)
            .set_body_raw(body, "text/html");
        let api = Api::answering(answer).await;

        let error = api.client.workspace().show().send().await.unwrap_err();

        assert_eq!(
            (error.kind(), error.status()),
            (ErrorKind::Server, Some(503))
        );
        assert_eq!((error.code(), error.request_id()), (None, Some(REQUEST_ID)));
        assert_eq!(error.retry_after().unwrap().as_secs(), 3);
        assert_eq!(error.retry(), Retry::Safe(Duration::from_secs(3)));
        assert!(error.message().contains(hint), "{error}");
        let text = error.to_string();
        assert!(text.contains(": 503 Service Unavailable: "), "{text}");
        assert!(!format!("{error} {error:?}").contains("Siti"), "{error:?}");
    }
}

#[tokio::test]
async fn an_error_of_a_newer_server_is_read_as_far_as_possible() {
    let body = value!({
        "success": false,
        "error": {
            "code": "OUT_OF_COFFEE",
            "message": "No coffee\u{1b}[31m",
            "details": { "beans": ["arabica"], "milk": "sour" },
            "hint": "buy some"
        }
    });
    let api = Api::answering(json(418, &body)).await;

    let error = api.client.workspace().show().send().await.unwrap_err();

    assert_eq!(
        error.code(),
        Some(&ErrorCode::Unknown("OUT_OF_COFFEE".to_owned()))
    );
    assert_eq!(error.details()["beans"], r#"["arabica"]"#);
    assert_eq!(error.details()["milk"], "sour");
    assert_eq!(
        error.message(),
        "No coffee [31m",
        "no control characters for a terminal"
    );
}

fn host(api: &Api) -> String {
    api.server.address().to_string()
}

#[tokio::test]
async fn an_error_reads_like_a_sentence() {
    let failure = konektor_testing::operation("leads_create");
    let text = async |status: u16| {
        let failure = failure
            .responses
            .iter()
            .find(|it| it.status == status)
            .unwrap();
        let api = Api::answering(json(status, &failure.example)).await;
        api.client
            .leads()
            .create("Budi")
            .send()
            .await
            .unwrap_err()
            .to_string()
            .replace(&host(&api), "konektor.id")
    };

    let (forbidden, invalid) = (text(403).await, text(400).await);
    let (sentence, time) = forbidden.rsplit_once(", ").unwrap();
    assert_eq!(
        sentence,
        format!(
            "leads.create at konektor.id: 403 FORBIDDEN: The key lacks the scope agent.leads.write \
             (request {REQUEST_ID}, 1 attempt"
        )
    );
    assert!(time.ends_with(" ms)"), "{time}");
    assert_eq!(
        invalid.rsplit_once(", ").unwrap().0,
        format!(
            "leads.create at konektor.id: 400 VALIDATION_ERROR: 2 fields are not valid: \
             email: Invalid email; firstName: Required (request {REQUEST_ID}, 1 attempt"
        )
    );
}

#[tokio::test]
async fn a_success_that_cannot_be_read_is_an_error_that_quotes_nothing() {
    let mut other_type = example("leads_get");
    other_type["data"]["estimatedValue"] = "Siti's savings".into();
    let bodies = [
        (String::new(), "the answer is empty"),
        ("{\"success\": true, \"da".to_owned(), "ends too early"),
        ("<html>Siti</html>".to_owned(), "not JSON but HTML"),
        ("Siti".to_owned(), "not JSON (line 1"),
        ("\u{feff}{\"success\":true}".to_owned(), "byte order mark"),
        (other_type.to_string(), "not what the API describes"),
        (
            "{\"success\": true}".to_owned(),
            "not what the API describes",
        ),
    ];
    for (body, hint) in bodies {
        let answer = ResponseTemplate::new(200)
            .insert_header("x-request-id", REQUEST_ID)
            .set_body_raw(body, "application/json");
        let api = Api::answering(answer).await;

        let error = api.client.leads().get("CRM-1024").send().await.unwrap_err();

        assert_eq!(
            (error.kind(), error.status()),
            (ErrorKind::UnexpectedResponse, Some(200))
        );
        assert_eq!(
            (error.request_id(), error.attempts()),
            (Some(REQUEST_ID), 1)
        );
        assert!(error.message().contains(hint), "{error}");
        assert!(!format!("{error} {error:?}").contains("Siti"), "{error:?}");
        assert_eq!(error.retry(), Retry::Never);
    }
}

/// A server that says this to everybody and hangs up.
async fn raw_server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = connection.read(&mut request).await;
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_success_that_breaks_off_is_a_broken_connection() {
    let url = raw_server("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"success\":").await;

    let error = builder(&url)
        .build()
        .unwrap()
        .workspace()
        .show()
        .send()
        .await
        .unwrap_err();

    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Network, 1));
    assert_eq!(error.retry(), Retry::Safe(Duration::from_secs(1)));
    assert!(
        !format!("{error} {error:?}").contains("/workspace"),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_failure_that_breaks_off_keeps_its_status() {
    let url = raw_server("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 1000\r\n\r\n<html>").await;

    let error = builder(&url)
        .build()
        .unwrap()
        .workspace()
        .show()
        .send()
        .await
        .unwrap_err();

    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Server, Some(502))
    );
}

#[tokio::test]
async fn debug_shows_no_personal_text() {
    let body = example("leads_get");
    let api = Api::answering(json(200, &body)).await;

    let lead = api
        .client
        .leads()
        .get("+6281234567890")
        .send()
        .await
        .unwrap();
    let request = api
        .client
        .leads()
        .update("+6281234567890")
        .first_name("Budi")
        .email("budi@example.com")
        .notes("Asked for the price list");
    let create = api.client.leads().create("Budi").phone("+6281234567890");
    let search = api.client.leads().list().search("Budi Santoso");
    let ticket = api.client.support().create_ticket("Budi", "Santoso");

    let shown = format!("{lead:?} {request:?} {create:?} {search:?} {ticket:?}");
    for personal in [
        "Budi",
        "Santoso",
        "budi@",
        "6281234567890",
        "price list",
        KEY,
    ] {
        assert!(!shown.contains(personal), "{personal} in {shown}");
    }
    assert!(
        shown.contains(body["data"]["id"].as_str().unwrap()),
        "{shown}"
    );
    assert!(shown.contains("status: New"), "{shown}");
}

#[tokio::test]
async fn a_lead_is_named_in_the_path_as_it_is() {
    for lead in [
        "+62 812", "a/b", "a\\b", "50%", "äé", "?x=1#y", "a.b", "...",
    ] {
        let api = Api::answering(documented("leads_get")).await;

        api.client.leads().get(lead).send().await.unwrap();

        let request = api.request().await;
        let segments = request.url.path_segments().unwrap().collect::<Vec<_>>();
        let [.., "leads", last] = segments.as_slice() else {
            panic!("{segments:?}")
        };
        let decoded = url::form_urlencoded::parse(format!("x={last}").as_bytes())
            .next()
            .map(|(_, value)| value.into_owned());
        assert_eq!(decoded.as_deref(), Some(lead));
        assert_eq!(request.url.query(), None);
    }
}

#[tokio::test]
async fn a_name_that_would_lead_elsewhere_is_not_sent() {
    let api = Api::answering(documented("leads_get")).await;

    for lead in ["", ".", ".."] {
        let error = api.client.leads().get(lead).send().await.unwrap_err();
        assert!(error.is_validation());
        assert!(error.details().contains_key("id"));
        assert!(
            api.client
                .leads()
                .update(lead)
                .send()
                .await
                .unwrap_err()
                .is_validation()
        );
    }
    assert!(api.requests().await.is_empty());
}

#[tokio::test]
async fn an_answer_without_a_body_type_is_still_json() {
    let text = Value::to_string(&example("workspace_show"));
    let api = Api::answering(ResponseTemplate::new(200).set_body_raw(text, "text/plain")).await;

    assert!(api.client.workspace().show().send().await.is_ok());
}

#[tokio::test]
async fn every_validation_failure_names_a_field() {
    let api_error = |message: &str| {
        value!({
            "success": false,
            "error": { "code": "VALIDATION_ERROR", "message": message, "details": null }
        })
    };
    for (status, field) in [
        (400, "request"),
        (405, "request"),
        (413, "body"),
        (415, "Content-Type"),
        (422, "Idempotency-Key"),
    ] {
        let api = Api::answering(json(status, &api_error("It is not right"))).await;
        let error = api.client.leads().create("Budi").send().await.unwrap_err();
        let fields: Vec<_> = error.details().iter().collect();
        let expected = (&field.to_owned(), &"It is not right".to_owned());
        assert_eq!(fields, [expected], "{status}");
        let text = error.to_string();
        assert_eq!(text.matches("It is not right").count(), 1, "{text}");
        assert_eq!(error.is_validation(), status != 422);
    }
    // Those that come from elsewhere: a proxy, or a server of another kind.
    for status in [400, 413, 415, 422] {
        let foreign = ResponseTemplate::new(status).set_body_raw("<html>", "text/html");
        let api = Api::answering(foreign).await;
        let error = api.client.leads().create("Budi").send().await.unwrap_err();
        assert_eq!(error.details().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_handle_that_fits_several_leads_is_told_with_its_candidates() {
    let body = value!({
        "success": false,
        "error": {
            "code": "VALIDATION_ERROR",
            "message": "CRM-1024 names 2 leads",
            "details": { "id": "lead_1, lead_2" }
        }
    });
    let api = Api::answering(json(409, &body)).await;

    let leads = api.client.leads();
    let get = leads.get("CRM-1024").send().await.unwrap_err();
    let update = leads.update("CRM-1024").send().await.unwrap_err();

    for error in [get, update] {
        assert_eq!(error.kind(), ErrorKind::AmbiguousHandle);
        assert_eq!(error.details()["id"], "lead_1, lead_2");
        assert_eq!((error.attempts(), error.retry()), (1, Retry::Never));
    }
}

#[tokio::test]
async fn what_stands_before_the_server_is_told_apart_from_it() {
    for status in 520..=530 {
        let api = Api::answering(ResponseTemplate::new(status)).await;

        let error = api.client.workspace().show().send().await.unwrap_err();

        assert_eq!(error.kind(), ErrorKind::Gateway, "{status}");
        assert_eq!(error.retry(), Retry::Safe(Duration::from_secs(1)));
        let text = error.to_string();
        assert!(text.contains(&format!(": {status}: ")), "{text}");
        assert!(text.contains("(reported by a proxy or CDN)"), "{text}");
        assert!(!text.contains("unknown"), "{text}");
    }
    let api = Api::answering(ResponseTemplate::new(407)).await;
    let error = api.client.workspace().show().send().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Proxy);
    assert_eq!(error.retry(), Retry::Never);
}

#[tokio::test]
async fn any_success_whose_body_can_be_read_is_one() {
    for status in [200, 201, 202, 203] {
        let api = Api::answering(json(status, &example("leads_create"))).await;
        let create = api.client.leads().create("Budi");
        let (_, meta) = create.send_with_meta().await.unwrap();
        assert_eq!(meta.status, status);

        let api = Api::answering(json(status, &example("workspace_show"))).await;
        assert!(api.client.workspace().show().send().await.is_ok());
    }
    let api = Api::answering(ResponseTemplate::new(204)).await;
    let error = api.client.leads().create("Budi").send().await.unwrap_err();
    assert!(error.message().contains("empty"), "{error}");
}

/// A server that sends this much of an endless body.
async fn endless_server(head: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = connection.read(&mut request).await;
                let _ = connection.write_all(head.as_bytes()).await;
                let part = vec![b' '; 64 * 1024];
                while connection.write_all(&part).await.is_ok() {}
            });
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn an_answer_without_end_is_given_up() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n{",
        "HTTP/1.1 200 OK\r\ncontent-length: 400000000\r\n\r\n{",
    ] {
        let url = endless_server(head).await;
        let client = builder(&url).build().unwrap();

        let read = client.workspace().show().send().await.unwrap_err();
        let raw = client.request("GET", "/x").send().await.unwrap_err();
        let guide = client.skill().show().send().await.unwrap_err();

        for error in [read, raw, guide] {
            assert_eq!(error.kind(), ErrorKind::UnexpectedResponse);
            assert_eq!(error.status(), Some(200));
            assert!(error.message().contains("larger than 16 MiB"), "{error}");
        }
    }
    let url = endless_server("HTTP/1.1 502 Bad Gateway\r\n\r\n{").await;
    let client = builder(&url).build().unwrap();
    let error = client.workspace().show().send().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.status()),
        (ErrorKind::Server, Some(502))
    );
    assert!(error.message().contains("larger than 16 MiB"), "{error}");
}

#[tokio::test]
async fn a_large_answer_that_is_within_bounds_is_read() {
    let mut body = example("leads_get");
    body["data"]["notes"] = "x".repeat(12 * 1024 * 1024).into();
    let api = Api::answering(json(200, &body)).await;

    assert!(api.client.leads().get("CRM-1024").send().await.is_ok());
}

#[tokio::test]
async fn a_key_that_the_server_repeats_is_in_no_text() {
    let bearer = format!("Bearer {KEY}");
    let body = value!({
        "success": false,
        "error": {
            "code": format!("CODE_{KEY}"),
            "message": format!("bad header Authorization: {bearer}"),
            "details": {
                "authorization": bearer,
                (KEY): "is a field",
                "nested": { "headers": [KEY, { (KEY): KEY }] },
            }
        }
    });
    for status in [400, 401, 500] {
        let answer = json(status, &body).insert_header("x-request-id", KEY);
        let api = Api::answering(answer).await;

        let error = api.client.workspace().show().send().await.unwrap_err();
        let raw = api.client.request("GET", "/x").send().await.unwrap_err();

        for error in [error, raw] {
            let shown = format!(
                "{error} {error:?} {error:#?} {} {:?} {:?} {:?}",
                error.message(),
                error.details(),
                error.code(),
                error.request_id(),
            );
            assert!(!shown.contains(KEY), "{shown}");
            assert!(!shown.contains("averysecret"), "{shown}");
            assert!(
                shown.contains("bad header Authorization: Bearer …"),
                "{shown}"
            );
        }
    }
    let success = json(200, &example("workspace_show"))
        .insert_header("x-request-id", KEY)
        .insert_header("content-type", format!("text/{KEY}"));
    let api = Api::answering(success).await;
    let raw = api.client.request("GET", "/x").send().await.unwrap();
    let shown = format!("{raw:?} {}", raw.content_type);
    assert!(!shown.contains("averysecret"), "{shown}");
}

#[tokio::test]
async fn no_text_holds_control_or_format_characters_of_the_server() {
    let hostile = "a\u{1b}]0;x\u{7}b\u{202e}c\u{2066}d\u{200b}e\u{85}f\r\ng";
    let body = value!({
        "success": false,
        "error": { "code": hostile, "message": hostile, "details": { (hostile): hostile } }
    });
    let api = Api::answering(json(400, &body)).await;

    let error = api.client.workspace().show().send().await.unwrap_err();

    let shown = format!("{error} {error:?} {:?}", error.details());
    let bad = shown.chars().find(|letter| {
        letter.is_control() || matches!(letter, '\u{202e}' | '\u{2066}' | '\u{200b}')
    });
    assert_eq!(bad, None, "{shown:?}");
}

#[tokio::test]
async fn a_text_without_end_is_cut() {
    let long = "x".repeat(1_000_000);
    let fields: serde_json::Map<_, _> = (0..1_000)
        .map(|number| (format!("{number}"), Value::from("y".repeat(2_000))))
        .collect();
    let body = value!({
        "success": false,
        "error": { "code": long, "message": long, "details": fields }
    });
    let api = Api::answering(json(400, &body)).await;

    let error = api.client.workspace().show().send().await.unwrap_err();

    assert!(error.to_string().len() < 150_000);
}
