//! `PATCH /leads/{id}`

use std::time::Duration;

use konektor_tests::{Answer, Engine, Server, both_engines, lead_path};
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

use super::fields;

/// A lead with a value in every field.
fn full() -> Value {
    let known = json!({
        "uniqueCode": "U", "externalRef": "E", "firstName": "Budi", "lastName": "Santoso", "email": "b@example.com",
        "phone": "+6281234567890", "status": "hot", "priority": "low", "estimatedValue": 1, "actualValue": 2,
    });
    fields::with_samples(known, 0)
}

/// Returns everything that is stored about leads. Any write changes it, because nonces are random.
async fn stored(server: &Server) -> Vec<(String, i64)> {
    let mut connection = AnyConnection::connect(&server.database.url).await.unwrap();
    let hex = match server.engine {
        Engine::Sqlite => ["hex(sealed)", "hex(token)"],
        Engine::Postgres => ["encode(sealed, 'hex')", "encode(token, 'hex')"],
    };
    let sql = format!(
        "select {}, updated_at from lead union all select {}, 0 from lead_token order by 1, 2",
        hex[0], hex[1]
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(&mut connection)
        .await
        .unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn must_be_done_or_refused_on_phone(answer: &Answer) {
    let refused = answer.status == 400 && answer.bad_fields() == ["phone"];
    assert!(
        refused || matches!(answer.status, 200 | 201),
        "{}",
        answer.text
    );
}

both_engines! {
    async fn only_the_given_field_changes_and_the_time_of_the_update(server) {
        let before = server.lead(full()).await;
        server.clock.advance(Duration::from_millis(1500));
        let answer = server.patch("/leads/E", json!({"status": "won"})).await;
        let mut expected = before;
        expected["status"] = "won".into();
        expected["updatedAt"] = "2025-01-15T10:30:01.500Z".into();
        assert_eq!(answer.data(), &expected);
        assert_eq!(server.find("E").await.data(), &expected);
    }

    async fn an_empty_object_changes_nothing(server) {
        let before = server.lead(full()).await;
        server.clock.advance(Duration::from_mins(1));
        let answer = server.patch("/leads/E", json!({})).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.data(), &before);
        assert_eq!(server.find("E").await.data(), &before);
    }

    async fn every_field_can_be_changed(server) {
        let before = server.lead(full()).await;
        let known = json!({
            "externalRef": "E2", "firstName": "Siti", "email": "s@example.com", "phone": "+6285711112222",
            "estimatedValue": 3, "actualValue": 4.5,
        });
        let changes = fields::with_samples(known, 1);
        server.patch("/leads/E", changes.clone()).await;
        let after = server.find("E2").await.data().clone();
        assert_eq!(after["id"], before["id"]);
        for (name, value) in changes.as_object().unwrap() {
            assert_eq!(&after[name], value, "{name}");
            assert_ne!(&before[name], value, "{name}");
        }
        assert_eq!(server.find("+6281234567890").await.status, 404);
        assert_eq!(server.find("+6285711112222").await.data(), &after);
        assert_eq!(server.list(&[("search", "budi")]).await.total(), 0);
        assert_eq!(server.list(&[("search", "siti")]).await.total(), 1);
        assert_eq!(server.list(&[("search", "b@example.com")]).await.total(), 0);
        assert_eq!(server.list(&[("search", "s@example.com")]).await.total(), 1);
    }

    async fn null_clears_what_may_be_null(server) {
        let lead = server.lead(full()).await;
        let nullable = fields::nullable(true);
        assert!(nullable.contains(&"email"), "{nullable:?}");
        server.patch("/leads/U", fields::each(&nullable, &Value::Null)).await;
        let after = server.find("U").await.data().clone();
        assert!(nullable.iter().all(|name| after[name].is_null()), "{after}");
        assert_eq!((&after["firstName"], &after["status"]), (&lead["firstName"], &lead["status"]));
        assert_eq!(server.find("E").await.status, 404);
        assert_eq!(server.list(&[("search", "santoso")]).await.total(), 0);
        // Cleared values can be used again.
        server.lead(json!({"firstName": "A", "externalRef": "E", "phone": "081234567890"})).await;
    }

    async fn null_is_refused_for_what_every_lead_has(server) {
        server.lead(full()).await;
        let mut others = fields::nullable(false);
        others.sort_unstable();
        let answer = server.patch("/leads/E", fields::each(&others, &Value::Null)).await;
        assert_eq!(answer.bad_fields(), others);
    }

    async fn one_bad_field_keeps_the_good_ones_from_being_written(server) {
        let before = server.lead(full()).await;
        let answer = server
            .patch("/leads/E", json!({"firstName": "Siti", "email": "no", "nick": "S", "lastName": ""}))
            .await;
        assert_eq!(answer.bad_fields(), ["email", "nick"]);
        assert_eq!(answer.complaint("nick"), "Unknown field");
        assert_eq!(server.find("E").await.data(), &before);
    }

    async fn a_value_that_another_lead_has_is_refused_and_nothing_is_written(server) {
        server.lead(full()).await;
        let before = server.lead(json!({"firstName": "Siti", "externalRef": "S"})).await;
        let taken = json!({"firstName": "X", "uniqueCode": "U", "externalRef": "E", "phone": "0812 3456 7890"});
        let answer = server.patch("/leads/S", taken).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.bad_fields(), ["externalRef", "phone", "uniqueCode"]);
        assert_eq!(server.find("S").await.data(), &before);
    }

    async fn a_code_that_another_lead_has_as_its_reference_is_refused_and_the_other_way_round(server) {
        server.lead(full()).await;
        let before = server.lead(json!({"firstName": "Siti", "uniqueCode": "S"})).await;
        for (field, value, other) in [("uniqueCode", "E", "externalRef"), ("externalRef", "U", "uniqueCode")] {
            let answer = server.patch("/leads/S", json!({"notes": "X", field: value})).await;
            assert_eq!((answer.status, answer.bad_fields()), (400, vec![field]));
            assert_eq!(answer.complaint(field), format!("Another lead has it already, as its {other}"));
        }
        assert_eq!(server.find("S").await.data(), &before);
        // One lead may have the same value in both fields.
        assert_eq!(server.patch("/leads/S", json!({"externalRef": "S"})).await.status, 200);
    }

    async fn a_handle_of_two_leads_changes_neither(server) {
        let number = "081234567890";
        server.lead(full()).await;
        let other = server.lead(json!({"firstName": "Siti", "externalRef": number})).await;
        let before = server.find("U").await.data().clone();
        server.clock.advance(Duration::from_secs(1));
        for key in [None, Some("k"), Some("k")] {
            let request = server.request("PATCH", &lead_path(number)).bearer_auth(&server.key);
            let request = key.into_iter().fold(request, |request, key| request.header("Idempotency-Key", key));
            let answer = server.documented("PATCH", &lead_path(number), request.json(&json!({"status": "won"}))).await;
            assert_eq!((answer.status, answer.header("retry-after"), answer.bad_fields()), (409, "", vec!["id"]));
        }
        assert_eq!(server.find("U").await.data(), &before);
        assert_eq!(server.find(other["id"].as_str().unwrap()).await.data(), &other);
        // When the reference is unambiguous again, the same request with the same key succeeds.
        server.patch(&lead_path(other["id"].as_str().unwrap()), json!({"externalRef": null})).await;
        let answer = server.patch_under("k", &lead_path(number), &json!({"status": "won"})).await;
        assert_eq!((answer.status, &answer.data()["uniqueCode"]), (200, &json!("U")));
    }

    async fn a_lead_whose_handle_is_shared_already_can_still_be_changed(server) {
        let shared = server.lead(json!({"firstName": "A", "externalRef": "X"})).await;
        server.lead(json!({"firstName": "B", "uniqueCode": "B"})).await;
        server.database.execute("update lead set unique_code = 'X' where unique_code = 'B'").await;
        let path = lead_path(shared["id"].as_str().unwrap());
        assert_eq!(server.patch(&path, json!({"status": "won", "externalRef": "X"})).await.status, 200);
    }

    async fn values_that_a_lead_has_already_write_nothing(server) {
        let before = server.lead(full()).await;
        let stored = stored(&server).await;
        server.clock.advance(Duration::from_mins(1));
        let same = [
            full(),
            json!({"priority": "low"}),
            json!({"phone": "0812 3456 7890", "estimatedValue": 1.0, "actualValue": 2e0}),
            json!({"externalRef": "E", "uniqueCode": "U"}),
        ];
        for same in same {
            let upsert = json!({"match": {"by": "externalRef", "value": "E"}, "lead": same});
            for answer in [server.patch("/leads/U", same).await, server.post("/leads/upsert", upsert).await] {
                assert_eq!((answer.status, answer.data()), (200, &before), "{}", answer.text);
            }
        }
        assert_eq!(self::stored(&server).await, stored);
        // A real change does write.
        let after = server.patch("/leads/U", json!({"priority": "high", "status": "hot"})).await;
        assert_ne!(after.data()["updatedAt"], before["updatedAt"]);
        assert_ne!(self::stored(&server).await, stored);
    }

    async fn its_own_values_are_not_taken(server) {
        server.lead(full()).await;
        let own = json!({"uniqueCode": "U", "externalRef": "E", "phone": "081234567890"});
        assert_eq!(server.patch("/leads/E", own).await.status, 200);
    }

    async fn any_status_may_follow_any_other(server) {
        server.lead(full()).await;
        for status in ["lost", "pageview", "won", "new", "negotiation", "new", "new"] {
            assert_eq!(server.patch("/leads/E", json!({"status": status})).await.data()["status"], status);
        }
    }

    async fn a_lead_is_updated_by_every_name_it_has(server) {
        let id = server.lead(full()).await["id"].as_str().unwrap().to_owned();
        for reference in [id.as_str(), "U", "E", "081234567890", "+62 812 3456 7890"] {
            let answer = server.patch(&lead_path(reference), json!({"notes": reference})).await;
            assert_eq!((&answer.data()["id"], &answer.data()["notes"]), (&json!(id), &json!(reference)));
        }
    }

    async fn an_unknown_lead_is_not_found_after_the_body_was_judged(server) {
        assert_eq!(server.patch("/leads/nobody", json!({"status": "won"})).await.status, 404);
        assert_eq!(server.patch("/leads/nobody", json!({})).await.status, 404);
        assert_eq!(server.patch("/leads/nobody", json!({"status": "win"})).await.status, 400);
        assert_eq!(server.get("/leads").await.total(), 0);
    }

    async fn two_for_one_free_value_give_it_to_one_lead(server) {
        for name in ["A", "B", "C", "D"] {
            server.lead(json!({"firstName": name, "externalRef": name})).await;
        }
        let patch = |name| server.patch(name, json!({"phone": "081234567890"}));
        let (a, b, c, d) = tokio::join!(patch("/leads/A"), patch("/leads/B"), patch("/leads/C"), patch("/leads/D"));
        let mut statuses = [a.status, b.status, c.status, d.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400, 400, 400]);
    }

    async fn updates_at_the_same_moment_lose_nothing(server) {
        server.lead(full()).await;
        let fields = [
            ("firstName", "X"),
            ("lastName", "X"),
            ("notes", "X"),
            ("campaignName", "X"),
            ("source", "event"),
            ("status", "won"),
            ("priority", "urgent"),
            ("email", "x@example.com"),
        ];
        let mut all = tokio::task::JoinSet::new();
        for (name, value) in fields {
            all.spawn(
                server.request("PATCH", "/leads/U").bearer_auth(&server.key).json(&json!({name: value})).send(),
            );
        }
        assert!(all.join_all().await.into_iter().all(|answer| answer.unwrap().status() == 200));
        let after = server.find("U").await;
        for (name, value) in fields {
            assert_eq!(after.data()[name], value);
        }
    }

    async fn a_value_that_comes_and_goes_is_free_or_refused_by_its_name(server) {
        server.lead(json!({"firstName": "A", "externalRef": "A"})).await;
        let phone = "081234567890";
        let coming_and_going = async {
            for at in 0..60 {
                let phone = (at % 2 == 0).then_some(phone);
                must_be_done_or_refused_on_phone(&server.patch("/leads/A", json!({"phone": phone})).await);
            }
        };
        let creating = async {
            for _ in 0..40 {
                let answer = server.post("/leads", json!({"firstName": "B", "phone": phone})).await;
                must_be_done_or_refused_on_phone(&answer);
                if answer.status == 201 {
                    let path = lead_path(answer.data()["id"].as_str().unwrap());
                    server.patch(&path, json!({"phone": null})).await;
                }
            }
        };
        tokio::join!(coming_and_going, creating);
    }
}

#[tokio::test]
async fn an_update_that_waits_for_a_rename_does_not_find_the_old_handle() {
    let server = Server::start(Engine::Postgres).await;
    let lead = server
        .lead(json!({"firstName": "Budi", "externalRef": "OLD"}))
        .await;
    let mut rename = AnyConnection::connect(&server.database.url).await.unwrap();
    rename
        .execute("begin; update lead set external_ref = 'NEW'")
        .await
        .unwrap();
    let update = server
        .request("PATCH", "/leads/OLD")
        .bearer_auth(&server.key)
        .json(&json!({"status": "won"}));
    let update = tokio::spawn(update.send());
    let waiting = "select count(*) from pg_stat_activity \
        where datname = current_database() and wait_event_type = 'Lock'";
    while server.database.number(waiting).await == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    rename.execute("commit").await.unwrap();
    assert_eq!(update.await.unwrap().unwrap().status(), 404);
    let found = server.find(lead["id"].as_str().unwrap()).await;
    assert_eq!(found.data()["status"], "new");
}
