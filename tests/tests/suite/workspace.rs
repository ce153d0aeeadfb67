//! `GET /workspace`, and the daily limit of leads that it reports.

use std::time::Duration;

use konektor_tests::{Engine, Options, Server, both_engines};
use serde_json::json;
use sqlx::{AnyConnection, Connection as _, Executor as _};

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
        // Updates and refused requests do not count.
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
    async fn leads_made_without_a_limit_count_when_there_is_one(server) {
        let current = async || server.get("/workspace").await.data()["usage"]["leadsPerDay"]["current"].clone();
        let limit = async |limit: &str| {
            server.database.execute(&format!("update workspace set leads_per_day = {limit}")).await;
        };
        let create = async || server.post("/leads", json!({"firstName": "A"})).await.status;
        for made in 1..=3 {
            assert_eq!((create().await, current().await), (201, json!(made)));
        }
        assert_eq!(server.store.fold_lead_days().await.unwrap(), 3);
        assert_eq!((server.store.fold_lead_days().await.unwrap(), current().await), (0, json!(3)));
        assert_eq!((create().await, current().await), (201, json!(4)));
        limit("4").await;
        assert_eq!((create().await, current().await), (429, json!(4)));
        limit("5").await;
        assert_eq!((create().await, create().await, current().await), (201, 429, json!(5)));
        limit("null").await;
        assert_eq!((create().await, current().await), (201, json!(6)));
        limit("2").await;
        assert_eq!((create().await, current().await), (429, json!(6)));
        // Midnight in Jakarta.
        server.clock.advance(Duration::from_mins(6 * 60 + 30));
        assert_eq!((current().await, create().await, current().await), (json!(0), 201, json!(1)));
    }

    async fn a_workspace_goes_with_what_it_counts(server) {
        server.lead(json!({"firstName": "A"})).await;
        server.store.delete_workspace(&server.workspace.id, |_, _| ()).await.unwrap();
        assert_eq!(server.database.number("select count(*) from lead_day_entry").await, 0);
    }
}

both_engines! {
    options: Options { leads_per_day: Some(1), ..Options::default() };

    async fn whoever_is_over_the_limit_is_told_it_and_when_it_ends(server) {
        server.lead(json!({"firstName": "A"})).await;
        let answer = server.post("/leads", json!({"firstName": "B"})).await;
        assert_eq!(answer.status, 429);
        assert_eq!(
            answer.message(),
            "The daily limit of 1 new lead is reached; the next can be created after the workspace's midnight, \
             2025-01-16 00:00 Asia/Jakarta"
        );
    }
}

/// PostgreSQL only: SQLite has a single writer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creates_of_one_workspace_do_not_wait_for_each_other_unless_there_is_a_limit() {
    for limit in [None, Some(1)] {
        let options = Options {
            leads_per_day: limit,
            ..Options::default()
        };
        let server = Server::start_with(Engine::Postgres, options).await;
        // The first create has counted its lead and cannot store its response: it waits and holds all its locks.
        let mut lock = AnyConnection::connect(&server.database.url).await.unwrap();
        lock.execute("begin; lock table idempotency in exclusive mode")
            .await
            .unwrap();
        let first = server.request("POST", "/leads").bearer_auth(&server.key);
        let first = first
            .header("Idempotency-Key", "k")
            .json(&json!({"firstName": "A"}));
        let first = tokio::spawn(first.send());
        let waiting = "select count(*) from pg_locks where relation = 'idempotency'::regclass and not granted";
        while server.database.number(waiting).await == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let second = server.request("POST", "/leads").bearer_auth(&server.key);
        let mut second = tokio::spawn(second.json(&json!({"firstName": "B"})).send());
        if limit.is_none() {
            let made = tokio::time::timeout(Duration::from_secs(4), &mut second).await;
            assert_eq!(made.unwrap().unwrap().unwrap().status(), 201);
            lock.execute("rollback").await.unwrap();
        } else {
            // The limit cannot be checked before the first create has finished.
            let early = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
            assert!(early.is_err());
            lock.execute("rollback").await.unwrap();
            assert_eq!(second.await.unwrap().unwrap().status(), 429);
        }
        assert_eq!(first.await.unwrap().unwrap().status(), 201);
        let made = 2 - limit.unwrap_or(0);
        assert_eq!(
            server.get("/workspace").await.data()["usage"]["leadsPerDay"]["current"],
            made
        );
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
        // Operations that create no lead succeed.
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
