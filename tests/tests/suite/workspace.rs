//! `GET /workspace`, and the leads a day that it counts.

use std::time::Duration;

use konektor_tests::{Options, both_engines};
use serde_json::json;

both_engines! {
    async fn the_workspace_is_shown_with_its_plan_and_usage(server) {
        let answer = server.get("/workspace").await;
        let code = answer.data()["trackingCode"].as_str().unwrap();
        assert!(code.strip_prefix("KNK-").is_some_and(|code| code.len() == 6), "{code}");
        assert_eq!(
            answer.data(),
            &json!({
                "displayName": "Toko Uji", "timezone": "Asia/Jakarta", "currency": "IDR", "language": "id",
                "dateFormat": "DD/MM/YYYY", "trackingCode": code,
                "subscription": {"plan": "custom", "status": "active", "interval": "monthly", "currentPeriodEnd": null},
                "usage": {"leadsPerDay": {"limit": null, "current": 0}, "teamMembers": 1, "activeRotators": 0},
            })
        );
    }

    async fn creates_and_creating_upserts_of_the_local_day_are_counted(server) {
        let upsert = json!({"match": {"by": "externalRef", "value": "E"}, "lead": {"firstName": "Siti"}});
        server.lead(json!({"firstName": "Budi", "uniqueCode": "U"})).await;
        server.post("/leads/upsert", upsert.clone()).await;
        // Neither an update nor a refusal counts.
        server.post("/leads/upsert", upsert).await;
        server.patch("/leads/E", json!({"status": "won"})).await;
        server.post("/leads", json!({"firstName": "Budi", "uniqueCode": "U"})).await;
        server.post("/leads", json!({})).await;
        assert_eq!(server.get("/workspace").await.data()["usage"]["leadsPerDay"]["current"], 2);
        // Midnight in Jakarta.
        server.clock.advance(Duration::from_mins(6 * 60 + 30));
        assert_eq!(server.get("/workspace").await.data()["usage"]["leadsPerDay"]["current"], 0);
    }
}

both_engines! {
    options: Options { leads_per_day: Some(3), ..Options::default() };

    async fn past_the_leads_of_the_day_none_is_made_until_midnight(server) {
        for name in ["A", "B"] {
            server.lead(json!({"firstName": name, "externalRef": name})).await;
        }
        let upsert =
            |value: &str| json!({"match": {"by": "externalRef", "value": value}, "lead": {"firstName": "C"}});
        assert_eq!(server.post("/leads/upsert", upsert("C")).await.status, 201);
        for (path, body) in [("/leads", json!({"firstName": "D"})), ("/leads/upsert", upsert("D"))] {
            let answer = server.post(path, body).await;
            assert_eq!((answer.status, answer.code()), (429, "RATE_LIMITED"), "{path}");
            assert!(answer.json["error"]["details"].is_null());
            let until_midnight = 6 * 3600 + 30 * 60;
            assert!((until_midnight..=until_midnight + 1).contains(&answer.number("retry-after")));
            assert_eq!(answer.number("x-ratelimit-limit"), 1_000_000);
        }
        assert_eq!(server.get("/leads").await.total(), 3);
        assert_eq!(server.list(&[("search", "D")]).await.total(), 0);
        // What makes no lead goes on.
        assert_eq!(server.post("/leads/upsert", upsert("A")).await.status, 200);
        assert_eq!(server.patch("/leads/A", json!({"status": "won"})).await.status, 200);
        assert_eq!(
            server.get("/workspace").await.data()["usage"]["leadsPerDay"],
            json!({"limit": 3, "current": 3})
        );

        server.clock.advance(Duration::from_secs(6 * 3600 + 29 * 60 + 59));
        let answer = server.post("/leads", json!({"firstName": "D"})).await;
        assert_eq!(answer.status, 429);
        server.clock.advance(Duration::from_secs(answer.number("retry-after").unsigned_abs()));
        assert_eq!(server.post("/leads", json!({"firstName": "D"})).await.status, 201);
        assert_eq!(
            server.get("/workspace").await.data()["usage"]["leadsPerDay"],
            json!({"limit": 3, "current": 1})
        );
    }

    async fn a_bad_lead_past_the_limit_is_still_told_what_is_bad(server) {
        for at in 0..3 {
            server.lead(json!({"firstName": "A", "uniqueCode": at.to_string()})).await;
        }
        assert_eq!(server.post("/leads", json!({"email": "x"})).await.bad_fields(), ["email", "firstName"]);
        assert_eq!(
            server.post("/leads", json!({"firstName": "A", "uniqueCode": "0"})).await.bad_fields(),
            ["uniqueCode"]
        );
    }

    async fn at_once_never_more_than_the_limit_are_made(server) {
        let other = server.beside().await;
        let mut all = tokio::task::JoinSet::new();
        for at in 0..12 {
            let process = if at % 2 == 0 { &server } else { &other };
            let (path, body) = if at % 3 == 0 {
                (
                    "/leads/upsert",
                    json!({"match": {"by": "externalRef", "value": at.to_string()}, "lead": {"firstName": "B"}}),
                )
            } else {
                ("/leads", json!({"firstName": "B"}))
            };
            all.spawn(process.request("POST", path).bearer_auth(&server.key).json(&body).send());
        }
        let mut statuses: Vec<_> =
            all.join_all().await.into_iter().map(|answer| answer.unwrap().status().as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses[..3], [201; 3]);
        assert_eq!(statuses[3..], [429; 9]);
        assert_eq!(server.get("/leads").await.total(), 3);
    }
}

both_engines! {
    options: Options { leads_per_day: Some(0), ..Options::default() };

    async fn a_limit_of_none_a_day_lets_none_be_made(server) {
        assert_eq!(server.post("/leads", json!({"firstName": "A"})).await.status, 429);
        assert_eq!(server.get("/leads").await.total(), 0);
    }
}
