//! `POST /leads/upsert`

use std::time::Duration;

use konektor_tests::{Answer, Server, both_engines};
use serde_json::{Value, json};

async fn upsert(server: &Server, by: &str, value: &str, lead: Value) -> Answer {
    let body = json!({"match": {"by": by, "value": value}, "lead": lead});
    server.post("/leads/upsert", body).await
}

/// Sends the bodies concurrently. Returns the responses in the order of the bodies.
async fn all_at_once(server: &Server, bodies: Vec<Value>) -> Vec<Answer> {
    let sent: Vec<_> = bodies
        .into_iter()
        .map(|body| {
            let request = server.request("POST", "/leads/upsert");
            tokio::spawn(request.bearer_auth(&server.key).json(&body).send())
        })
        .collect();
    let mut answers = Vec::new();
    for one in sent {
        answers.push(Answer::read(one.await.unwrap().unwrap()).await);
    }
    answers
}

/// Checks that all responses are about the same lead, and that exactly one created it.
async fn must_have_made_one_lead(server: &Server, answers: &[Answer]) {
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 201).count(),
        1,
        "{statuses:?}"
    );
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        answers.len() - 1,
        "{statuses:?}"
    );
    assert!(
        answers
            .iter()
            .all(|answer| answer.data()["id"] == answers[0].data()["id"])
    );
    assert_eq!(server.get("/leads").await.total(), 1);
}

both_engines! {
    async fn a_missing_lead_is_created_with_the_value_it_was_looked_for(server) {
        for (by, value, kept) in
            [("uniqueCode", "U", "U"), ("externalRef", "E", "E"), ("phone", "0812 3456 7890", "+6281234567890")]
        {
            let answer = upsert(&server, by, value, json!({"firstName": "Budi"})).await;
            assert_eq!((answer.status, &answer.json["created"]), (201, &json!(true)));
            assert_eq!(answer.data()[by], kept);
            assert_eq!((&answer.data()["status"], &answer.data()["priority"]), (&json!("new"), &json!("medium")));
            assert_eq!(server.find(value).await.data(), answer.data());
        }
    }

    async fn a_lead_that_is_there_gets_the_given_fields_alone(server) {
        let before = server.lead(json!({
            "firstName": "Budi", "lastName": "S", "externalRef": "E", "uniqueCode": "U", "phone": "081234567890",
            "status": "hot", "priority": "low", "notes": "N",
        })).await;
        server.clock.advance(Duration::from_secs(1));
        let id = before["id"].as_str().unwrap();
        for (by, value) in [("id", id), ("uniqueCode", "U"), ("externalRef", "E"), ("phone", "62 812-3456-7890")] {
            let answer = upsert(&server, by, value, json!({"campaignName": by, "notes": null})).await;
            assert_eq!((answer.status, &answer.json["created"]), (200, &json!(false)));
            let mut expected = before.clone();
            expected["campaignName"] = by.into();
            expected["notes"] = Value::Null;
            expected["updatedAt"] = "2025-01-15T10:30:01.000Z".into();
            assert_eq!(answer.data(), &expected);
        }
    }

    async fn nothing_given_changes_nothing(server) {
        let before = server.lead(json!({"firstName": "Budi", "externalRef": "E"})).await;
        server.clock.advance(Duration::from_secs(1));
        assert_eq!(upsert(&server, "externalRef", "E", json!({})).await.data(), &before);
    }

    async fn no_lead_is_made_when_none_is_wanted(server) {
        for by in ["id", "uniqueCode", "externalRef", "phone"] {
            let body = json!({
                "match": {"by": by, "value": "081234567890"}, "lead": {"firstName": "B"}, "createIfMissing": false,
            });
            let answer = server.post("/leads/upsert", body).await;
            assert_eq!((answer.status, answer.code()), (404, "NOT_FOUND"), "{by}");
        }
        assert_eq!(server.get("/leads").await.total(), 0);
    }

    async fn an_unknown_id_makes_no_lead(server) {
        for id in ["lead_01jhmh6v5e7m2q9r4s8t0w1x3y", "nonsense"] {
            let answer = upsert(&server, "id", id, json!({"firstName": "Budi"})).await;
            assert_eq!(answer.status, 404);
            assert_eq!(upsert(&server, "id", id, json!({})).await.status, 404);
        }
        assert_eq!(server.get("/leads").await.total(), 0);
    }

    async fn a_name_is_needed_only_to_create(server) {
        let answer = upsert(&server, "externalRef", "E", json!({"status": "won"})).await;
        assert_eq!((answer.status, answer.complaint("lead.firstName")), (400, "Required"));
        server.lead(json!({"firstName": "Budi", "externalRef": "E"})).await;
        assert_eq!(upsert(&server, "externalRef", "E", json!({"status": "won"})).await.status, 200);
    }

    async fn the_match_may_be_repeated_but_not_contradicted(server) {
        let same = json!({"firstName": "Budi", "phone": "+62 812 3456 7890"});
        assert_eq!(upsert(&server, "phone", "081234567890", same).await.status, 201);
        for (by, value, other) in [
            ("phone", "081234567890", json!("081234567891")),
            ("phone", "081234567890", Value::Null),
            ("externalRef", "E", json!("e")),
            ("externalRef", "E", Value::Null),
            ("uniqueCode", "U", json!("u")),
        ] {
            let answer = upsert(&server, by, value, json!({"firstName": "B", by: other})).await;
            assert_eq!(answer.bad_fields(), [format!("lead.{by}")], "{}", answer.text);
        }
    }

    async fn the_match_obeys_the_rules_of_its_field(server) {
        for (by, value, why) in [
            ("phone", "CRM-1024", "Invalid phone: write one number in digits, like 081234567890 or +14155552671"),
            ("uniqueCode", "lead_1", "Must not begin with lead_"),
            ("externalRef", "lead_1", "Must not begin with lead_"),
            ("uniqueCode", &"x".repeat(101), "Must have at most 100 characters"),
            ("externalRef", &"x".repeat(151), "Must have at most 150 characters"),
            ("id", "", "Must not be empty"),
            ("externalRef", "a\0", "Must not contain NUL"),
        ] {
            let answer = upsert(&server, by, value, json!({"firstName": "B"})).await;
            assert_eq!((answer.status, answer.complaint("match.value")), (400, why));
        }
    }

    async fn every_bad_field_is_named_by_its_path(server) {
        let answer = server
            .post(
                "/leads/upsert",
                json!({
                    "match": {"by": "email", "value": 1, "x": 1}, "createIfMissing": "yes", "dry": true,
                    "lead": {"firstName": null, "phone": "no", "status": "win", "nick": 1},
                }),
            )
            .await;
        assert_eq!(
            answer.bad_fields(),
            [
                "createIfMissing", "dry", "lead.firstName", "lead.nick", "lead.phone", "lead.status", "match.by",
                "match.value", "match.x"
            ]
        );
        let answer = server.post("/leads/upsert", json!({})).await;
        assert_eq!(answer.bad_fields(), ["lead", "match"]);
        let answer = server.post("/leads/upsert", json!({"match": {}, "lead": []})).await;
        assert_eq!(answer.bad_fields(), ["lead", "match.by", "match.value"]);
    }

    async fn a_value_that_another_lead_has_is_refused_on_its_field_of_the_lead(server) {
        server
            .lead(json!({"firstName": "A", "uniqueCode": "U", "externalRef": "E", "phone": "081234567890"}))
            .await;
        server.lead(json!({"firstName": "B", "externalRef": "B"})).await;
        let taken = json!({"firstName": "B", "uniqueCode": "U", "phone": "+6281234567890"});
        for reference in ["B", "new"] {
            let answer = upsert(&server, "externalRef", reference, taken.clone()).await;
            assert_eq!((answer.status, answer.bad_fields()), (400, vec!["lead.phone", "lead.uniqueCode"]));
        }
        let answer =
            upsert(&server, "phone", "0857 1111 2222", json!({"firstName": "C", "externalRef": "E"})).await;
        assert_eq!(answer.bad_fields(), ["lead.externalRef"]);
        assert_eq!(server.get("/leads").await.total(), 2);
    }

    async fn the_lead_found_may_be_given_another_code_than_it_was_found_by(server) {
        server.lead(json!({"firstName": "A", "externalRef": "E"})).await;
        upsert(&server, "externalRef", "E", json!({"uniqueCode": "U", "phone": "081234567890"})).await;
        let answer = upsert(&server, "phone", "081234567890", json!({"externalRef": "E2"})).await;
        assert_eq!((&answer.data()["externalRef"], &answer.data()["uniqueCode"]), (&json!("E2"), &json!("U")));
    }

    async fn many_at_once_for_one_new_phone_make_one_lead(server) {
        let spellings = ["081234567890", "+6281234567890", "6281234567890", "0812-3456-7890"];
        let bodies = (0..32).map(|at| {
            json!({
                "match": {"by": "phone", "value": spellings[at % 4]}, "lead": {"firstName": format!("Name{at}")},
            })
        });
        let answers = all_at_once(&server, bodies.collect()).await;
        must_have_made_one_lead(&server, &answers).await;
        // Earlier names of the lead no longer match.
        let name = server.find("081234567890").await.data()["firstName"].as_str().unwrap().to_owned();
        for at in 0..32 {
            let searched = format!("Name{at}");
            let found = server.list(&[("search", &searched)]).await.each("firstName").len();
            assert_eq!(found > 0, name.starts_with(&searched), "{searched} finds {name}");
        }
    }

    async fn many_at_once_for_one_new_reference_make_one_lead(server) {
        let body = json!({"match": {"by": "externalRef", "value": "X"}, "lead": {"firstName": "Budi"}});
        let answers = all_at_once(&server, vec![body; 16]).await;
        must_have_made_one_lead(&server, &answers).await;
    }

    async fn many_at_once_for_one_new_code_make_one_lead(server) {
        let body = json!({"match": {"by": "uniqueCode", "value": "X"}, "lead": {"firstName": "Budi"}});
        let answers = all_at_once(&server, vec![body; 16]).await;
        must_have_made_one_lead(&server, &answers).await;
    }

    async fn two_processes_at_once_make_one_lead(server) {
        let other = server.beside().await;
        let body = json!({"match": {"by": "phone", "value": "081234567890"}, "lead": {"firstName": "Budi"}});
        let (mut answers, more) = tokio::join!(
            all_at_once(&server, vec![body.clone(); 12]),
            all_at_once(&other, vec![body.clone(); 12]),
        );
        answers.extend(more);
        must_have_made_one_lead(&server, &answers).await;
    }

    async fn creating_and_upserting_at_once_make_one_lead(server) {
        let create = |at| {
            let body = json!({"firstName": format!("Create{at}"), "phone": "081234567890"});
            tokio::spawn(server.request("POST", "/leads").bearer_auth(&server.key).json(&body).send())
        };
        let creating: Vec<_> = (0..8).map(create).collect();
        let body = json!({"match": {"by": "phone", "value": "081234567890"}, "lead": {"firstName": "Upsert"}});
        let upserted = all_at_once(&server, vec![body; 8]).await;
        let mut made = upserted.iter().filter(|answer| answer.status == 201).count();
        assert!(upserted.iter().all(|answer| matches!(answer.status, 200 | 201)));
        for one in creating {
            let answer = Answer::read(one.await.unwrap().unwrap()).await;
            made += usize::from(answer.status == 201);
            assert!(answer.status == 201 || answer.bad_fields() == ["phone"], "{}", answer.text);
        }
        assert_eq!((made, server.get("/leads").await.total()), (1, 1));
    }

    async fn a_matched_value_that_another_lead_has_as_the_other_code_makes_no_lead(server) {
        server.lead(json!({"firstName": "A", "uniqueCode": "U", "externalRef": "E"})).await;
        for (by, value, other) in [("uniqueCode", "E", "externalRef"), ("externalRef", "U", "uniqueCode")] {
            let body = json!({"match": {"by": by, "value": value}, "lead": {"firstName": "B"}});
            let answer = server.post("/leads/upsert", body).await;
            assert_eq!((answer.status, answer.bad_fields()), (400, vec!["match.value"]), "{}", answer.text);
            assert_eq!(answer.complaint("match.value"), format!("Another lead has it already, as its {other}"));
        }
        assert_eq!(server.get("/leads").await.total(), 1);
    }

    async fn the_matched_value_is_moved_away_while_others_look_for_it(server) {
        server.lead(json!({"firstName": "A", "externalRef": "X"})).await;
        let away = server.request("PATCH", "/leads/X").bearer_auth(&server.key).json(&json!({"externalRef": "Y"}));
        let away = tokio::spawn(away.send());
        let body = json!({"match": {"by": "externalRef", "value": "X"}, "lead": {"firstName": "B"}});
        let answers = all_at_once(&server, vec![body; 12]).await;
        assert_eq!(away.await.unwrap().unwrap().status(), 200);
        assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 201)));
        assert!(answers.iter().filter(|answer| answer.status == 201).count() <= 1);
        assert_eq!(server.find("Y").await.status, 200);
    }
}
