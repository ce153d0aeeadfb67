//! The rate limit of a workspace.

use std::time::Duration;

use konektor_tests::{Options, both_engines};
use serde_json::json;

both_engines! {
    options: Options { plan: "starter".into(), requests_per_minute: None, ..Options::default() };

    async fn the_whole_limit_may_be_sent_at_once_and_no_more(server) {
        let now = server.clock.now().as_second();
        for left in (0..60).rev() {
            let answer = server.get("/workspace").await;
            assert_eq!(
                (answer.status, answer.number("x-ratelimit-limit"), answer.number("x-ratelimit-remaining")),
                (200, 60, left)
            );
            assert_eq!(answer.number("x-ratelimit-reset"), now + 60 - left);
        }
        let answer = server.get("/workspace").await;
        assert_eq!((answer.status, answer.code(), answer.number("retry-after")), (429, "RATE_LIMITED", 1));
        assert_eq!((answer.number("x-ratelimit-remaining"), answer.number("x-ratelimit-reset")), (0, now + 60));
        assert!(answer.json["error"]["details"].is_null());
    }

    async fn it_refills_evenly(server) {
        for _ in 0..60 {
            server.get("/workspace").await;
        }
        server.clock.advance(Duration::from_millis(999));
        assert_eq!(server.get("/workspace").await.status, 429);
        server.clock.advance(Duration::from_millis(1));
        assert_eq!(server.get("/workspace").await.status, 200);
        assert_eq!(server.get("/workspace").await.status, 429);
        server.clock.advance(Duration::from_secs(10));
        assert_eq!(server.get("/workspace").await.number("x-ratelimit-remaining"), 9);
        server.clock.advance(Duration::from_hours(1));
        assert_eq!(server.get("/workspace").await.number("x-ratelimit-remaining"), 59);
    }

    async fn what_is_refused_costs_nothing(server) {
        for _ in 0..90 {
            server.get("/workspace").await;
        }
        server.clock.advance(Duration::from_secs(1));
        assert_eq!(server.get("/workspace").await.status, 200);
    }

    async fn retry_after_is_when_the_next_one_is_admitted(server) {
        for _ in 0..60 {
            server.get("/workspace").await;
        }
        server.clock.advance(Duration::from_millis(300));
        let wait = server.get("/workspace").await.number("retry-after");
        server.clock.advance(Duration::from_secs(wait.unsigned_abs()));
        assert_eq!(server.get("/workspace").await.status, 200);
    }

    async fn all_keys_of_a_workspace_share_it_and_no_other_workspace_does(server) {
        let second = server.key_with(&server.workspace, &["agent.leads.read"], |_| ()).await;
        let stranger = server
            .another_workspace(&Options { plan: "starter".into(), requests_per_minute: None, ..Options::default() })
            .await;
        let stranger = server.key_with(&stranger, &["agent.leads.read"], |_| ()).await;
        for _ in 0..30 {
            server.get("/leads").await;
            server.send("GET", "/leads", Some(&second), None).await;
        }
        assert_eq!(server.get("/leads").await.status, 429);
        assert_eq!(server.send("GET", "/leads", Some(&second), None).await.status, 429);
        assert_eq!(server.send("GET", "/leads", Some(&stranger), None).await.number("x-ratelimit-remaining"), 59);
    }

    async fn refusals_past_the_limit_count_like_successes(server) {
        for (method, path, body) in [
            ("GET", "/leads/nobody", None),
            ("GET", "/leads?x=1", None),
            ("GET", "/nowhere", None),
            ("DELETE", "/leads", None),
            ("POST", "/leads", Some(json!({}))),
            ("POST", "/leads", None),
        ] {
            server.send(method, path, Some(&server.key), body).await;
        }
        assert_eq!(server.get("/workspace").await.number("x-ratelimit-remaining"), 53);
    }

    async fn the_guide_costs_nothing(server) {
        server.get("/SKILL.md").await;
        assert_eq!(server.get("/workspace").await.number("x-ratelimit-remaining"), 59);
    }

    async fn nothing_is_written_past_the_limit(server) {
        for _ in 0..60 {
            server.get("/workspace").await;
        }
        assert_eq!(server.post("/leads", json!({"firstName": "Budi"})).await.status, 429);
        server.clock.advance(Duration::from_secs(1));
        assert_eq!(server.get("/leads").await.total(), 0);
    }

    async fn at_once_never_more_than_the_limit_pass(server) {
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..90 {
            all.spawn(server.request("GET", "/workspace").bearer_auth(&server.key).send());
        }
        let passed =
            all.join_all().await.into_iter().filter(|answer| answer.as_ref().unwrap().status() == 200).count();
        assert_eq!(passed, 60);
    }
}
