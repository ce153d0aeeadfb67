//! The log of the server binary.

use konektor_tests::{Answer, Server, ServerProcess, both_engines, start_server};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    E164_PHONE, EMAIL, FIRST_NAME, LOCAL_PHONE, bad_keys, lead, must_be_refused, ticket,
    traces::{found, key_found},
};

both_engines! {
    async fn the_log_names_requests_and_nothing_of_what_was_in_them(server) {
        let program = start_server(&server.database, "info");
        let answers = send_personal_data(&server, &program).await;
        let log = program.into_log();
        must_hold_nothing_personal(&log, &server);
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for answer in &answers {
            let id = answer.header("x-request-id");
            let line = lines.iter().find(|line| line["request_id"] == id && line["message"] == "answered").unwrap();
            assert_eq!(line["status"], answer.status);
            assert!(line["operation"].is_string());
            assert!(line["ms"].is_u64());
        }
        let created = &lines.iter().find(|line| line["operation"] == "leads_create").unwrap();
        assert_eq!(created["workspace"], server.workspace.id);
    }

    async fn not_even_the_most_talkative_log_holds_personal_data(server) {
        let program = start_server(&server.database, "trace");
        send_personal_data(&server, &program).await;
        must_hold_nothing_personal(&program.into_log(), &server);
    }

    async fn not_even_the_most_talkative_log_holds_a_bad_key(server) {
        let program = start_server(&server.database, "trace");
        let keys = bad_keys(&server).await;
        for key in &keys {
            must_be_refused(&server, &program.url, key).await;
        }
        let log = program.into_log();
        assert!(log.contains("answered"));
        for key in &keys {
            assert_eq!(key_found(log.as_bytes(), key), [""; 0]);
        }
    }

    async fn a_failure_is_logged_with_its_cause_and_without_data(server) {
        let program = start_server(&server.database, "info");
        let created = send(&server, &program, "POST", "/leads", Some(lead())).await;
        assert_eq!(created.status, 201, "{}", created.text);
        server.database.execute("update lead set sealed = phone_index").await;
        server.database.execute("alter table ticket rename to ticket_damaged").await;
        let unreadable = send(&server, &program, "GET", "/leads", None).await;
        let unwritable = send(&server, &program, "POST", "/support/tickets", Some(ticket())).await;
        let log = program.into_log();
        must_hold_nothing_personal(&log, &server);
        for failed in [unreadable, unwritable] {
            assert_eq!(failed.status, 500);
            let id = failed.header("x-request-id");
            assert!(log.lines().any(|line| line.contains(id) && line.contains("\"cause\"")));
        }
    }
}

/// Sends requests with personal data and keys wherever a request can contain them.
async fn send_personal_data(server: &Server, program: &ServerProcess) -> Vec<Answer> {
    let upsert = json!({"match": {"by": "phone", "value": LOCAL_PHONE}, "lead": {"email": EMAIL}});
    let requests = [
        ("POST", "/leads".to_owned(), Some(lead())),
        ("POST", "/leads".to_owned(), Some(lead())),
        (
            "POST",
            "/leads".to_owned(),
            Some(
                json!({"firstName": 1, FIRST_NAME: EMAIL, "phone": LOCAL_PHONE, "email": FIRST_NAME}),
            ),
        ),
        ("POST", "/leads/upsert".to_owned(), Some(upsert)),
        ("POST", "/support/tickets".to_owned(), Some(ticket())),
        ("GET", format!("/leads/{E164_PHONE}"), None),
        (
            "GET",
            format!("/leads?search={EMAIL}&{FIRST_NAME}={LOCAL_PHONE}"),
            None,
        ),
        ("GET", format!("/leads?search={FIRST_NAME}"), None),
        (
            "GET",
            format!("/nowhere/{EMAIL}?api_key={}", server.key),
            None,
        ),
        ("GET", format!("/SKILL.md?api_key={}", server.key), None),
        (
            "PATCH",
            format!("/leads/{LOCAL_PHONE}"),
            Some(json!({"notes": server.key})),
        ),
        ("DELETE", format!("/leads/{E164_PHONE}"), None),
    ];
    let mut answers = Vec::new();
    for (method, path, body) in requests {
        answers.push(send(server, program, method, &path, body).await);
    }
    answers
}

async fn send(
    server: &Server,
    program: &ServerProcess,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Answer {
    let method: Method = method.parse().unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = http
        .request(method, format!("{}/api/v2/agent{path}", program.url))
        .bearer_auth(&server.key)
        .header("user-agent", EMAIL)
        .header(
            "idempotency-key",
            format!("{EMAIL}{}", rand::random::<u64>()),
        );
    if let Some(body) = body {
        request = request.json(&body);
    }
    server.finish(request).await
}

fn must_hold_nothing_personal(log: &str, server: &Server) {
    assert!(log.contains("answered"));
    assert_eq!(found(log.as_bytes()), [""; 0]);
    assert_eq!(key_found(log.as_bytes(), &server.key), [""; 0]);
}
