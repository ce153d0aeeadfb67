//! A system clock that jumps an hour forward or back.

use jiff::SignedDuration;
use konektor_spec::{Location, Spec};
use konektor_tests::{Options, Server, both_engines};
use serde_json::json;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Forward, further forward, and back again.
const JUMPS: [SignedDuration; 4] = [
    HOUR,
    SignedDuration::from_hours(-1),
    SignedDuration::ZERO,
    HOUR,
];

fn set(server: &Server, from: jiff::Timestamp, by: SignedDuration) {
    server.clock.set(from + by);
}

both_engines! {
    async fn no_limit_is_filled_or_emptied(server) {
        let begun = server.clock.now();
        let some = server.another_workspace(&Options { requests_per_minute: Some(10), ..Options::default() }).await;
        let key = server.key_with(&some, &["agent.workspace.read"], |_| ()).await;
        for (at, by) in (1..).zip(JUMPS) {
            set(&server, begun, by);
            let good = server.send("GET", "/workspace", Some(&key), None).await;
            assert_eq!((good.status, good.number("x-ratelimit-remaining")), (200, 10 - at), "{by:#}");
            assert_eq!(good.number("x-ratelimit-reset"), (begun + by).as_second() + 6 * at, "{by:#}");
            let bad = server.send("GET", "/workspace", Some("bad"), None).await;
            assert_eq!((bad.status, bad.number("x-ratelimit-remaining")), (401, 100 - at), "{by:#}");
        }
    }

    async fn a_key_ends_by_the_clock_and_no_other_does(server) {
        let begun = server.clock.now();
        let scope = &["agent.workspace.read"];
        let half = begun + SignedDuration::from_mins(30);
        let ending = server.key_with(&server.workspace, scope, |key| key.expires_at = Some(half)).await;
        let two = begun + SignedDuration::from_hours(2);
        let later = server.key_with(&server.workspace, scope, |key| key.expires_at = Some(two)).await;
        for by in JUMPS {
            set(&server, begun, by);
            let status = async |key: &str| server.send("GET", "/workspace", Some(key), None).await.status;
            assert_eq!(status(&ending).await, if by > SignedDuration::from_mins(30) { 401 } else { 200 }, "{by:#}");
            assert_eq!((status(&later).await, status(&server.key).await), (200, 200), "{by:#}");
        }
    }

    async fn every_operation_goes_on(server) {
        let begun = server.clock.now();
        let lead = server.lead(json!({"firstName": "Budi", "externalRef": "CRM-1024"})).await;
        for by in JUMPS {
            set(&server, begun, by);
            for operation in Spec::builtin().operations().iter().filter(|operation| operation.scope().is_some()) {
                let path = operation.path.fill(|_| "CRM-1024");
                let body = operation.body.as_ref().map(|body| body.example.clone());
                let answer = server.send(&operation.method, &path, Some(&server.key), body).await;
                // Creating the example lead again conflicts on externalRef.
                let taken = answer.complaint("externalRef").contains("Another lead");
                assert!(answer.status < 300 || taken, "{} {by:#}: {}", operation.id, answer.text);
            }
        }
        assert_eq!(server.find("CRM-1024").await.data()["id"], lead["id"]);
    }

    async fn a_walk_over_pages_sees_every_lead(server) {
        let begun = server.clock.now();
        for by in JUMPS {
            set(&server, begun, by);
            server.lead(json!({"firstName": "Budi"})).await;
        }
        let mut page = server.get("/leads?limit=1").await;
        let mut seen = vec![page.each("id")[0].to_owned()];
        while let Some(cursor) = page.next_cursor().map(str::to_owned) {
            set(&server, begun, JUMPS[seen.len() % JUMPS.len()]);
            page = server.list(&[("cursor", &cursor)]).await;
            seen.push(page.each("id")[0].to_owned());
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), JUMPS.len());
    }

    async fn a_write_under_a_key_stays_the_same_write(server) {
        let begun = server.clock.now();
        let keyed = |operation: &konektor_spec::Operation| {
            operation.parameters_in(Location::Header).any(|header| header.name == "Idempotency-Key")
        };
        for operation in Spec::builtin().operations().iter().filter(|operation| keyed(operation)) {
            let send = async || {
                let path = operation.path.fill(|_| "CRM-1024");
                let request = server.request(&operation.method, &path).bearer_auth(&server.key);
                let body = &operation.body.as_ref().unwrap().example;
                server.finish(request.header("idempotency-key", &operation.id).json(body)).await
            };
            set(&server, begun, SignedDuration::ZERO);
            let first = send().await;
            assert!(first.status < 300, "{}", first.text);
            for by in JUMPS {
                set(&server, begun, by);
                let again = send().await;
                assert_eq!(again.header("idempotency-replayed"), "true", "{} {by:#}", operation.id);
                assert_eq!((again.status, again.text), (first.status, first.text.clone()));
            }
        }
    }
}
