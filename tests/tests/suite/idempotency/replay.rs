//! Repeats of a request with the same key.

use std::time::Duration;

use konektor_spec::Spec;
use konektor_tests::{Answer, Engine, Options, Server, both_engines};
use serde_json::json;

use super::{is_replay, keyed, prepare, send_example, written};

both_engines! {
    async fn the_same_request_is_answered_as_the_first_time_and_done_once(server) {
        for operation in keyed() {
            prepare(&server, operation).await;
            let before = written(&server).await;
            let (status, new) = if operation.method == "PATCH" { (200, 0) } else { (201, 1) };
            let first = send_example(&server, operation).await;
            assert_eq!((first.status, is_replay(&first)), (status, false), "{}", first.text);
            server.clock.advance(Duration::from_secs(1));
            for _ in 0..2 {
                let again = send_example(&server, operation).await;
                assert_eq!((again.status, &again.text), (first.status, &first.text));
                assert!(is_replay(&again), "{}", operation.id);
                assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
                assert_eq!(again.header("content-type"), first.header("content-type"));
            }
            assert_eq!(written(&server).await, before + new, "{}", operation.id);
        }
        assert_eq!(keyed().count(), 4);
    }

    async fn a_replay_is_the_old_answer_unless_personal_data_has_changed_since(server) {
        let lead = json!({"firstName": "Budi", "externalRef": "CRM-1"});
        let first = server.post_under("k", "/leads", &lead).await;
        let changes = json!({"status": "won", "notes": "Called", "externalRef": "CRM-2", "campaignName": "Promo"});
        assert_eq!(server.patch("/leads/CRM-1", changes).await.status, 200);
        assert_eq!(server.post_under("k", "/leads", &lead).await.text, first.text);
        assert_eq!(server.find("CRM-2").await.data()["status"], "won");
    }

    async fn an_update_whose_answer_was_lost_is_no_404_and_overwrites_nothing(server) {
        server.lead(json!({"firstName": "Budi", "externalRef": "CRM-1"})).await;
        let rename = json!({"externalRef": "CRM-2", "status": "contacted"});
        let first = server.patch_under("k", "/leads/CRM-1", &rename).await;
        assert_eq!((first.status, is_replay(&first)), (200, false), "{}", first.text);
        server.clock.advance(Duration::from_secs(1));
        // Another client changes the lead before the retry.
        server.patch("/leads/CRM-2", json!({"status": "won"})).await;
        let again = server.patch_under("k", "/leads/CRM-1", &rename).await;
        assert_eq!((again.status, is_replay(&again), &again.text), (200, true, &first.text));
        assert_eq!(server.find("CRM-2").await.data()["status"], "won");
        assert_eq!(server.patch_under("other", "/leads/CRM-1", &rename).await.status, 404);
    }

    async fn equal_values_are_one_request_in_any_spelling(server) {
        for (at, (one, others)) in [
            ("5000000", ["5000000.0", "5e6", "50.0E+5"]),
            ("1000000000000000", ["1e15", "1000000000000000.0", "1E15"]),
            ("0", ["-0", "0.0", "-0.0"]),
            ("1.1", ["1.10", "11e-1", "0.11e1"]),
        ].into_iter().enumerate() {
            let key = format!("create {at}").replace(' ', "-");
            let send = async |value: &str| raw(&server, "POST", "/leads", &key, &format!(r#"{{"firstName":"N","estimatedValue":{value}}}"#)).await;
            let first = send(one).await;
            assert_eq!(first.status, 201, "{}", first.text);
            for other in others {
                let again = send(other).await;
                assert_eq!((again.status, is_replay(&again), &again.text), (201, true, &first.text), "{one} {other}");
            }
            assert_eq!(send("7").await.status, 422);
        }
        server.lead(json!({"firstName": "Budi", "externalRef": "CRM-1"})).await;
        for (value, replay) in [("5000000", false), ("5e6", true), ("5000000.0", true)] {
            let body = format!(r#"{{"actualValue":{value},"notes":"a"}}"#);
            let answer = raw(&server, "PATCH", "/leads/CRM-1", "update", &body).await;
            assert_eq!((answer.status, is_replay(&answer)), (200, replay), "{value}");
        }
    }

    async fn a_default_does_not_count_whether_it_is_sent_or_not(server) {
        let match_by = json!({"by": "externalRef", "value": "CRM-1"});
        let upsert = json!({"match": match_by, "lead": {"firstName": "Budi"}});
        let ticket = json!({"subject": "Help", "message": "Now"});
        for (path, body, field, default, other) in [
            ("/leads", json!({"firstName": "Budi"}), "status", json!("new"), json!("hot")),
            ("/leads/upsert", upsert.clone(), "createIfMissing", json!(true), json!(false)),
            ("/support/tickets", ticket, "priority", json!("normal"), json!("high")),
        ] {
            let first = server.post_under(path, path, &body).await;
            assert_eq!((first.status, is_replay(&first)), (201, false), "{}", first.text);
            let with = |value| {
                let mut body = body.clone();
                body[field] = value;
                body
            };
            let again = server.post_under(path, path, &with(default)).await;
            assert_eq!((again.status, is_replay(&again), &again.text), (201, true, &first.text), "{path}");
            assert_eq!(server.post_under(path, path, &with(other)).await.status, 422, "{path}");
        }
        // Defaults do not apply to an update, nor to an upsert of an existing lead.
        let mut to_new = upsert;
        to_new["lead"]["status"] = json!("new");
        assert_eq!(server.post_under("/leads/upsert", "/leads/upsert", &to_new).await.status, 422);
        let update = server.patch_under("u", "/leads/CRM-1", &json!({"notes": "a"})).await;
        assert_eq!(update.status, 200, "{}", update.text);
        let to_new = json!({"notes": "a", "status": "new"});
        assert_eq!(server.patch_under("u", "/leads/CRM-1", &to_new).await.status, 422);
    }

    async fn an_upsert_that_updated_does_not_update_again(server) {
        server.lead(json!({"firstName": "Budi", "externalRef": "CRM-1"})).await;
        let upsert = json!({"match": {"by": "externalRef", "value": "CRM-1"}, "lead": {"status": "won"}});
        let first = server.post_under("k", "/leads/upsert", &upsert).await;
        assert_eq!((first.status, &first.json["created"]), (200, &json!(false)));
        server.patch("/leads/CRM-1", json!({"status": "lost"})).await;
        let again = server.post_under("k", "/leads/upsert", &upsert).await;
        assert_eq!((again.status, is_replay(&again), &again.text), (200, true, &first.text));
        assert_eq!(server.find("CRM-1").await.data()["status"], "lost");
    }

    async fn another_request_under_the_key_is_422_and_changes_nothing(server) {
        let first = server.post_under("k", "/leads", &json!({"firstName": "Budi"})).await;
        for (path, other) in [
            ("/leads", json!({"firstName": "Siti"})),
            ("/leads", json!({"firstName": "Budi", "status": "won"})),
            ("/leads/upsert", json!({"match": {"by": "phone", "value": "0812345678"}, "lead": {"firstName": "Budi"}})),
            ("/support/tickets", json!({"subject": "Subject", "message": "Message"})),
            ("/leads/CRM-1", json!({"firstName": "Budi"})),
        ] {
            let method = if path == "/leads/CRM-1" { "PATCH" } else { "POST" };
            let refused = server.send_under("k", method, path, &other).await;
            assert_eq!((refused.status, refused.code()), (422, "VALIDATION_ERROR"));
            assert!(refused.message().contains("with a new key"), "{}", refused.text);
            assert!(refused.json["error"]["details"].is_null());
            assert!(!is_replay(&refused));
        }
        assert_eq!(written(&server).await, 1);
        assert_eq!(server.post_under("k", "/leads", &json!({"firstName": "Budi"})).await.text, first.text);
    }

    async fn the_order_of_names_and_the_space_between_them_do_not_matter(server) {
        let send = async |body: &'static str| {
            let request = server.request("POST", "/leads/upsert").bearer_auth(&server.key);
            let request = request.header("Idempotency-Key", "k").header("Content-Type", "application/json");
            server.documented("POST", "/leads/upsert", request.body(body)).await
        };
        let first = send(
            r#"{"match":{"by":"phone","value":"081234567890"},"lead":{"firstName":"Budi","notes":"a"},"createIfMissing":true}"#
        ).await;
        assert_eq!(first.status, 201);
        let again = send(
            "{ \"createIfMissing\": true,\n \"lead\": {\"notes\": \"a\", \"firstName\": \"B\\u0075di\"},\
             \t\"match\": {\"value\": \"081234567890\", \"by\": \"phone\"} }"
        ).await;
        assert!(is_replay(&again), "{}", again.text);
        assert_eq!(again.text, first.text);
        let other = send(
            r#"{"match":{"by":"phone","value":"081234567890"},"lead":{"firstName":"Budi","notes":"A"},"createIfMissing":true}"#
        ).await;
        assert_eq!(other.status, 422, "what texts say does matter");
    }

    async fn without_a_key_every_request_is_one(server) {
        for _ in 0..2 {
            let made = server.post("/leads", json!({"firstName": "Budi"})).await;
            assert_eq!((made.status, is_replay(&made)), (201, false));
        }
        assert_eq!(written(&server).await, 2);
    }

    async fn a_refused_request_leaves_its_key_free(server) {
        server.lead(json!({"firstName": "Siti", "phone": "081234567890"})).await;
        let upsert = |create: bool| json!({
            "match": {"by": "externalRef", "value": "CRM-1"}, "lead": {"firstName": "Budi"}, "createIfMissing": create,
        });
        for (path, refused, status, mended) in [
            ("/leads", json!({"firstName": ""}), 400, json!({"firstName": "Budi"})),
            ("/leads", json!({"firstName": "Budi", "phone": "081234567890"}), 400, json!({"firstName": "Budi"})),
            ("/leads/upsert", upsert(false), 404, upsert(true)),
        ] {
            let key = format!("{path}{status}{refused}").replace(' ', "");
            for _ in 0..2 {
                assert_eq!(server.post_under(&key, path, &refused).await.status, status);
            }
            let made = server.post_under(&key, path, &mended).await;
            assert_eq!((made.status, is_replay(&made)), (201, false), "{}", made.text);
        }
    }

    async fn a_key_belongs_to_its_workspace(server) {
        let lead = json!({"firstName": "Budi", "phone": "081234567890"});
        let first = server.post_under("k", "/leads", &lead).await;
        let other = server.another_workspace(&Options::default()).await;
        let key = server.key_with(&other, &["agent.leads.write", "agent.leads.read"], |_| ()).await;
        let request = server.request("POST", "/leads").bearer_auth(&key).header("Idempotency-Key", "k");
        let theirs = server.documented("POST", "/leads", request.json(&lead)).await;
        assert_eq!((theirs.status, is_replay(&theirs)), (201, false), "{}", theirs.text);
        assert_ne!(theirs.data()["id"], first.data()["id"]);
        assert_eq!(server.send("GET", "/leads", Some(&key), None).await.total(), 1);
    }

    async fn a_key_is_shared_by_the_api_keys_of_its_workspace_that_may_write(server) {
        let lead = json!({"firstName": "Budi"});
        let first = server.post_under("k", "/leads", &lead).await;
        let send = async |scope: &str| {
            let key = server.key_with(&server.workspace, &[scope], |_| ()).await;
            let request = server.request("POST", "/leads").bearer_auth(&key).header("Idempotency-Key", "k");
            server.documented("POST", "/leads", request.json(&lead)).await
        };
        let writer = send("agent.leads.write").await;
        assert_eq!((is_replay(&writer), &writer.text), (true, &first.text));
        assert_eq!(send("agent.leads.read").await.status, 403, "a replay is read by nobody who may not write");
    }

    async fn every_process_answers_what_another_one_has_done(server) {
        let other = server.beside().await;
        for operation in keyed() {
            prepare(&server, operation).await;
            let first = send_example(&server, operation).await;
            let again = send_example(&other, operation).await;
            assert_eq!((is_replay(&again), &again.text), (true, &first.text));
        }
    }

    async fn an_answer_that_cannot_be_opened_is_an_error_that_says_nothing(server) {
        let lead = json!({"firstName": "Budi"});
        server.post_under("k", "/leads", &lead).await;
        server.post_under("l", "/leads", &lead).await;
        // Swap both responses.
        server.database.execute(
            "update idempotency set sealed = (select o.sealed from idempotency o where o.id <> idempotency.id)"
        ).await;
        let moved = server.post_under("k", "/leads", &lead).await;
        assert_eq!((moved.status, moved.message()), (500, "Something went wrong on our side"));
        assert_eq!(written(&server).await, 2);
    }
}

both_engines! {
    options: Options { requests_per_minute: Some(60), leads_per_day: Some(1), ..Options::default() };

    async fn a_replay_is_a_request_but_no_new_lead(server) {
        let lead = json!({"firstName": "Budi"});
        for left in [59, 58, 57] {
            let answer = server.post_under("k", "/leads", &lead).await;
            assert_eq!((answer.status, answer.number("x-ratelimit-remaining")), (201, left));
        }
        assert_eq!(server.get("/workspace").await.data()["usage"]["leadsPerDay"]["current"], 1);
    }

    async fn a_lead_over_the_days_limit_can_be_sent_again_the_next_day(server) {
        server.lead(json!({"firstName": "Budi"})).await;
        let second = json!({"firstName": "Siti"});
        let limited = server.post_under("k", "/leads", &second).await;
        assert_eq!((limited.status, limited.code()), (429, "RATE_LIMITED"));
        server.clock.advance(Duration::from_secs(limited.number("retry-after").unsigned_abs()));
        let made = server.post_under("k", "/leads", &second).await;
        assert_eq!((made.status, is_replay(&made)), (201, false), "{}", made.text);
    }
}

/// Sends a raw body.
async fn raw(server: &Server, method: &str, path: &str, key: &str, body: &str) -> Answer {
    let request = server.request(method, path).bearer_auth(&server.key);
    let request = request
        .header("Idempotency-Key", key)
        .header("Content-Type", "application/json");
    server
        .documented(method, path, request.body(body.to_owned()))
        .await
}

/// A new default in the document must not change the fingerprint of a request that was sent before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_default_of_the_document_does_not_change_a_request() {
    let server = Server::start(Engine::Sqlite).await;
    let lead = json!({"firstName": "Budi"});
    let first = server.post_under("k", "/leads", &lead).await;
    let mut document = Spec::builtin().document().clone();
    document["components"]["schemas"]["LeadCreate"]["properties"]["campaignName"] =
        json!({"type": "string", "maxLength": 200, "x-default": "Organic"});
    let newer = server
        .beside_with(Spec::from_value(document).unwrap())
        .await;
    let again = newer.post_under("k", "/leads", &lead).await;
    assert_eq!(
        (again.status, is_replay(&again), &again.text),
        (201, true, &first.text)
    );
    let other = newer.post_under("l", "/leads", &lead).await;
    assert_eq!(
        other.data()["campaignName"],
        "Organic",
        "the default is one"
    );
}
