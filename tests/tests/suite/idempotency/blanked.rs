//! Stored responses with personal data that has since been changed or erased.

use konektor_tests::{Engine, Server, both_engines};
use serde_json::{Value, json};

use super::{is_replay, written};

both_engines! {
    async fn a_replay_shows_the_lead_as_it_is_after_personal_data_changed(server) {
        let changes = [
            json!({"firstName": "Siti"}),
            json!({"lastName": "Wijaya"}),
            json!({"lastName": null}),
            json!({"email": "siti@example.com"}),
            json!({"email": null}),
            json!({"phone": "081299999999"}),
            json!({"phone": null}),
            json!({"notes": null}),
        ];
        for (at, change) in changes.into_iter().enumerate() {
            let requests = requests(at);
            let first = send_all(&server, &requests).await;
            let id = first[0].data()["id"].as_str().unwrap().to_owned();
            let changed = server.patch(&format!("/leads/{id}"), change.clone()).await;
            assert_eq!(changed.status, 200, "{}", changed.text);
            let now = server.find(&id).await;
            for ((_, method, path, _), (first, again)) in
                requests.iter().zip(first.iter().zip(send_all(&server, &requests).await))
            {
                assert_eq!((again.status, is_replay(&again)), (first.status, true), "{method} {path} {change}");
                assert_eq!(again.json["created"], first.json["created"], "{method} {path} {change}");
                assert_eq!(again.data(), now.data(), "{method} {path} {change}");
            }
            server.database.execute("delete from lead").await;
        }
    }

    async fn one_change_under_a_key_is_answered_as_it_was_and_blanks_the_others(server) {
        let create = json!({"firstName": "Budi", "externalRef": "CRM-1"});
        server.post_under("create", "/leads", &create).await;
        let rename = json!({"firstName": "Siti"});
        let renamed = server.patch_under("rename", "/leads/CRM-1", &rename).await;
        assert_eq!(server.patch_under("rename", "/leads/CRM-1", &rename).await.text, renamed.text);
        assert_eq!(blank(&server).await, (1, 1));
        let again = server.post_under("create", "/leads", &create).await;
        assert_eq!((again.status, &again.data()["firstName"]), (201, &json!("Siti")));
        // A replay writes nothing and stores no response.
        assert_eq!(blank(&server).await, (1, 1));
    }

    async fn an_upsert_blanks_as_an_update_does(server) {
        let create = json!({"firstName": "Budi", "lastName": "Santoso", "externalRef": "CRM-1"});
        server.post_under("create", "/leads", &create).await;
        let upsert = json!({"match": {"by": "externalRef", "value": "CRM-1"}, "lead": {"lastName": null}});
        assert_eq!(server.post("/leads/upsert", upsert).await.status, 200);
        assert_eq!(blank(&server).await, (1, 0));
        let again = server.post_under("create", "/leads", &create).await;
        assert_eq!(again.data()["lastName"], json!(null));
    }

    async fn another_leads_answers_stay_and_those_without_a_lead(server) {
        let create = |name: &str, reference: &str| json!({"firstName": name, "externalRef": reference});
        server.post_under("one", "/leads", &create("Budi", "CRM-1")).await;
        let two = server.post_under("two", "/leads", &create("Andi", "CRM-2")).await;
        let ticket = json!({"subject": "Subject", "message": "Message"});
        let opened = server.post_under("ticket", "/support/tickets", &ticket).await;
        server.patch("/leads/CRM-1", json!({"firstName": "Siti"})).await;
        assert_eq!(blank(&server).await, (1, 2));
        assert_eq!(server.post_under("two", "/leads", &create("Andi", "CRM-2")).await.text, two.text);
        assert_eq!(server.post_under("ticket", "/support/tickets", &ticket).await.text, opened.text);
    }

    async fn a_blanked_key_still_belongs_to_its_request(server) {
        let create = json!({"firstName": "Budi", "externalRef": "CRM-1"});
        server.post_under("k", "/leads", &create).await;
        server.patch("/leads/CRM-1", json!({"firstName": "Siti"})).await;
        let other = json!({"firstName": "Siti", "externalRef": "CRM-1"});
        assert_eq!(server.post_under("k", "/leads", &other).await.status, 422);
        assert_eq!(written(&server).await, 1);
    }

    async fn a_blanked_answer_about_a_lead_that_is_gone_needs_a_new_key(server) {
        let create = json!({"firstName": "Budi", "externalRef": "CRM-1"});
        server.post_under("k", "/leads", &create).await;
        server.patch("/leads/CRM-1", json!({"firstName": "Siti"})).await;
        server.database.execute("delete from lead").await;
        let again = server.post_under("k", "/leads", &create).await;
        assert_eq!((again.status, again.code()), (422, "VALIDATION_ERROR"));
        assert!(again.message().contains("new key"), "{}", again.text);
        assert_eq!(written(&server).await, 0);
    }

    async fn a_blanked_answer_is_replayed_under_a_new_data_key(server) {
        let create = json!({"firstName": "Budi", "externalRef": "CRM-1"});
        server.post_under("k", "/leads", &create).await;
        server.patch("/leads/CRM-1", json!({"firstName": "Siti"})).await;
        let rotated = server.store.rotate_data_key(&server.workspace, server.clock.now(), |_, _| ()).await.unwrap();
        assert_eq!((rotated.data_key_id, rotated.rows), (2, 2), "a lead and what is left of its answer");
        let again = server.post_under("k", "/leads", &create).await;
        assert_eq!((again.status, is_replay(&again), &again.data()["firstName"]), (201, true, &json!("Siti")));
    }

    async fn a_write_that_waits_for_one_that_erases_blanks_or_is_blanked(server) {
        let lead = server.lead(json!({"firstName": "Budi", "notes": "Secret"})).await;
        let path = format!("/leads/{}", lead["id"].as_str().unwrap());
        for round in 0..8 {
            server.patch(&path, json!({"firstName": "Budi", "notes": "Secret"})).await;
            let key = format!("round-{round}");
            let (status, erase) = (json!({"status": "won", "campaignName": key}), json!({"firstName": "Gone", "notes": null}));
            let (first, _) = tokio::join!(server.patch_under(&key, &path, &status), server.patch(&path, erase));
            assert_eq!(first.status, 200);
            let again = server.patch_under(&key, &path, &status).await;
            assert!(is_replay(&again));
            assert_eq!((&again.data()["firstName"], &again.data()["notes"]), (&json!("Gone"), &json!(null)), "{}", again.text);
        }
    }
}

/// The index serves blanking: it finds the responses of a lead without reading the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leads_answers_are_found_by_an_index() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let server = Server::start(engine).await;
        let plan = server
            .database
            .plan("update idempotency set sealed = sealed where workspace_id = 'w' and lead_id = 'l' and length(sealed) > 0")
            .await;
        assert!(plan.contains("idempotency_lead"), "{plan}");
    }
}

type Request = (String, &'static str, String, Value);

/// A create, a creating and an updating upsert, and an update, each with its own key, of one lead or of one lead
/// each.
fn requests(round: usize) -> Vec<Request> {
    let lead = json!({
        "firstName": "Budi", "lastName": "Santoso", "email": "budi@example.com", "phone": "081234567890",
        "externalRef": "CRM-1", "notes": "Secret",
    });
    let upsert =
        json!({"match": {"by": "externalRef", "value": "CRM-1"}, "lead": {"status": "hot"}});
    let key = |name: &str| format!("{name}-{round}");
    vec![
        (key("create"), "POST", "/leads".into(), lead),
        (key("upsert"), "POST", "/leads/upsert".into(), upsert),
        (
            key("update"),
            "PATCH",
            "/leads/CRM-1".into(),
            json!({"status": "won"}),
        ),
    ]
}

async fn send_all(server: &Server, requests: &[Request]) -> Vec<konektor_tests::Answer> {
    let mut answers = Vec::new();
    for (key, method, path, body) in requests {
        answers.push(server.send_under(key, method, path, body).await);
    }
    answers
}

/// Returns the number of blank and of other responses.
async fn blank(server: &Server) -> (i64, i64) {
    let count = async |is: &str| {
        let sql = format!("select count(*) from idempotency where length(sealed) {is} 0");
        server.database.number(&sql).await
    };
    (count("=").await, count(">").await)
}
