//! Failed authentications are throttled per client address; a valid key always passes.

use std::time::Duration;

use konektor_tests::{Options, Server, both_engines};

/// Sends a request with a bad key from a local address.
async fn fail_from(server: &Server, address: &str) -> konektor_tests::Answer {
    let client = reqwest::Client::builder()
        .no_proxy()
        .local_address(Some(address.parse().unwrap()))
        .build()
        .unwrap();
    let url = format!("{}/api/v2/agent/leads", server.url);
    konektor_tests::Answer::read(client.get(url).bearer_auth("bad").send().await.unwrap()).await
}

/// Uses up the failures allowed for 127.0.0.1.
async fn exhaust(server: &Server) {
    for left in (0..100).rev() {
        let answer = server.send("GET", "/leads", Some("bad"), None).await;
        assert_eq!(
            (answer.status, answer.number("x-ratelimit-remaining")),
            (401, left)
        );
        assert_eq!(answer.number("x-ratelimit-limit"), 100);
    }
}

both_engines! {
    async fn after_a_hundred_failures_a_bad_key_is_told_to_wait_and_a_good_one_passes(server) {
        exhaust(&server).await;
        let answer = server.send("GET", "/leads", Some("bad"), None).await;
        assert_eq!((answer.status, answer.code(), answer.number("retry-after")), (429, "RATE_LIMITED", 1));
        assert_eq!((answer.number("x-ratelimit-limit"), answer.number("x-ratelimit-remaining")), (100, 0));
        assert_eq!(server.send("GET", "/leads", None, None).await.status, 429);
        assert_eq!(server.send("GET", "/nowhere", Some("bad"), None).await.status, 429);
        let good = server.get("/leads").await;
        assert_eq!((good.status, good.number("x-ratelimit-limit")), (200, 1_000_000));
        assert_eq!(server.get("/SKILL.md").await.status, 200);
    }

    async fn failures_are_forgiven_evenly(server) {
        exhaust(&server).await;
        assert_eq!(server.send("GET", "/leads", Some("bad"), None).await.status, 429);
        server.clock.advance(Duration::from_millis(600));
        assert_eq!(server.send("GET", "/leads", Some("bad"), None).await.status, 401);
        assert_eq!(server.send("GET", "/leads", Some("bad"), None).await.status, 429);
        server.clock.advance(Duration::from_mins(1));
        assert_eq!(server.send("GET", "/leads", Some("bad"), None).await.number("x-ratelimit-remaining"), 99);
    }

    async fn another_address_has_its_own_count(server) {
        exhaust(&server).await;
        assert_eq!(fail_from(&server, "127.0.0.2").await.number("x-ratelimit-remaining"), 99);
        assert_eq!(fail_from(&server, "127.0.0.1").await.status, 429);
    }

    async fn only_failures_count(server) {
        for _ in 0..5 {
            server.get("/leads").await;
        }
        let trial = server.another_workspace(&Options { plan: "trial".into(), ..Options::default() }).await;
        let key = server.key_with(&trial, &[], |_| ()).await;
        for _ in 0..3 {
            let answer = server.send("GET", "/leads", Some(&key), None).await;
            // Responses before the workspace's rate limit report the state of the throttle.
            assert_eq!(
                (answer.status, answer.number("x-ratelimit-remaining"), answer.number("x-ratelimit-limit")),
                (403, 100, 100)
            );
        }
        assert_eq!(server.send("GET", "/leads", Some("bad"), None).await.number("x-ratelimit-remaining"), 99);
    }

    async fn a_forwarded_address_is_not_believed(server) {
        exhaust(&server).await;
        for header in ["x-forwarded-for", "forwarded", "x-real-ip"] {
            let request = server.request("GET", "/leads").bearer_auth("bad").header(header, "203.0.113.7");
            assert_eq!(server.finish(request).await.status, 429, "{header}");
        }
    }
}
