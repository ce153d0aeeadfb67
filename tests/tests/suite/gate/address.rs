//! The address allowlist of a key.

use konektor_tests::{Server, both_engines};

async fn status(server: &Server, allowed: &[&str]) -> u16 {
    let key = server
        .key_with(&server.workspace, &["agent.workspace.read"], |key| {
            key.ip_allow = allowed.iter().map(|entry| (*entry).to_owned()).collect();
        })
        .await;
    let answer = server.send("GET", "/workspace", Some(&key), None).await;
    if answer.status == 403 {
        assert_eq!(
            (answer.code(), answer.message()),
            ("FORBIDDEN", "The key may not be used from this address")
        );
        assert_eq!(answer.number("x-ratelimit-limit"), 100, "the throttle's");
    }
    answer.status
}

both_engines! {
    async fn an_address_or_range_that_holds_the_caller_lets_it_pass(server) {
        for list in [
            &["127.0.0.1"][..],
            &["127.0.0.0/8"],
            &["0.0.0.0/0"],
            &["::ffff:127.0.0.1"],
            &["127.0.0.1/32"],
            &["2001:db8::/32", "203.0.113.7", "127.0.0.1"],
            &[],
        ] {
            assert_eq!(status(&server, list).await, 200, "{list:?}");
        }
    }

    async fn any_other_keeps_it_out(server) {
        for list in [
            &["127.0.0.2"][..],
            &["203.0.113.0/24"],
            &["::1"],
            &["::/0"],
            &["2001:db8::/32", "10.0.0.0/8"],
            &["not-an-address"],
        ] {
            assert_eq!(status(&server, list).await, 403, "{list:?}");
        }
    }

    async fn a_forwarded_address_is_not_believed(server) {
        let key = server.key_with(&server.workspace, &[], |key| key.ip_allow = vec!["203.0.113.7".into()]).await;
        let request = server.request("GET", "/workspace").bearer_auth(key).header("x-forwarded-for", "203.0.113.7");
        assert_eq!(server.finish(request).await.status, 403);
    }
}
