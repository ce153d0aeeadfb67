//! Valid and invalid keys.

use konektor_tests::both_engines;
use reqwest::header::HeaderValue;
use serde_json::json;

use super::{body, is_replay, keyed, path, written};

both_engines! {
    async fn a_bad_key_is_named_and_nothing_is_written(server) {
        let bad: [(&[u8], &str); 7] = [
            (b"", "Must not be empty"),
            (&[b'k'; 256], "Must have at most 255 characters"),
            (b"two words", "Must be visible ASCII characters without spaces"),
            (b"tab\there", "Must be visible ASCII characters without spaces"),
            ("Jos\u{e9}".as_bytes(), "Must be visible ASCII characters without spaces"),
            (b"Jos\xe9", "Must be visible ASCII characters without spaces"),
            ("\u{1f511}".as_bytes(), "Must be visible ASCII characters without spaces"),
        ];
        for operation in keyed() {
            for (key, why) in bad {
                let (method, path) = (&operation.method, path(operation));
                let request = server.request(method, &path).bearer_auth(&server.key);
                let request = request.header("Idempotency-Key", HeaderValue::from_bytes(key).unwrap());
                let answer = server.documented(method, &path, request.json(body(operation))).await;
                assert_eq!((answer.status, answer.bad_fields()), (400, vec!["Idempotency-Key"]), "{key:?}");
                assert_eq!(answer.complaint("Idempotency-Key"), why, "{key:?}");
            }
        }
        assert_eq!(written(&server).await, 0);
    }

    async fn a_key_given_twice_is_refused_even_when_both_are_the_same(server) {
        for (one, other) in [("k", "l"), ("k", "k"), ("", "k")] {
            let request = server.request("POST", "/leads").bearer_auth(&server.key).json(&json!({"firstName": "Budi"}));
            let request = request.header("Idempotency-Key", one).header("idempotency-key", other);
            let answer = server.documented("POST", "/leads", request).await;
            assert_eq!((answer.status, answer.bad_fields()), (400, vec!["Idempotency-Key"]));
        }
        assert_eq!(written(&server).await, 0);
    }

    async fn a_bad_key_is_named_beside_the_bad_fields(server) {
        let answer = server.post_under("a b", "/leads", &json!({"firstName": "", "email": "x"})).await;
        assert_eq!(answer.bad_fields(), ["Idempotency-Key", "email", "firstName"]);
    }

    async fn any_visible_ascii_is_a_key_and_case_tells_keys_apart(server) {
        let visible: String = ('!'..='~').collect();
        for key in [visible.as_str(), "k", "K", &"k".repeat(255), "budi@example.com"] {
            for again in [false, true] {
                let answer = server.post_under(key, "/leads", &json!({"firstName": "Budi"})).await;
                assert_eq!((answer.status, is_replay(&answer)), (201, again), "{key}");
            }
        }
        assert_eq!(written(&server).await, 5);
    }

    async fn what_takes_no_key_does_not_look_at_one(server) {
        server.lead(json!({"firstName": "Budi", "externalRef": "CRM-1"})).await;
        for key in ["k", "two words", "k"] {
            let request = server.request("GET", "/leads/CRM-1").bearer_auth(&server.key);
            let answer = server.documented("GET", "/leads/CRM-1", request.header("Idempotency-Key", key)).await;
            assert_eq!((answer.status, is_replay(&answer)), (200, false));
        }
    }
}
