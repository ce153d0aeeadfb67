//! Plans: access to the Agent API, and its limits.

use konektor_spec::Spec;
use konektor_tests::{Options, both_engines};

fn on(plan: &str) -> Options {
    Options {
        plan: plan.into(),
        requests_per_minute: None,
        ..Options::default()
    }
}

both_engines! {
    async fn trial_and_free_have_no_agent_api(server) {
        for plan in ["trial", "free"] {
            let workspace = server.another_workspace(&on(plan)).await;
            let key = server.key_with(&workspace, &["agent.leads.read"], |_| ()).await;
            for path in ["/leads", "/nowhere"] {
                let answer = server.send("GET", path, Some(&key), None).await;
                assert_eq!((answer.status, answer.code()), (403, "FORBIDDEN"));
                assert!(answer.message().contains(plan), "{}", answer.text);
            }
        }
    }

    async fn each_plan_has_its_limit(server) {
        for (plan, limit) in [("starter", 60), ("pro", 200), ("enterprise", 600), ("custom", 200)] {
            let workspace = server.another_workspace(&on(plan)).await;
            let key = server.key_with(&workspace, &["agent.leads.read"], |_| ()).await;
            let answer = server.send("GET", "/leads", Some(&key), None).await;
            assert_eq!((answer.status, answer.number("x-ratelimit-limit")), (200, limit), "{plan}");
            assert_eq!(answer.number("x-ratelimit-remaining"), limit - 1);
            assert_eq!(Spec::builtin().requests_per_minute(plan).map(i64::from), Some(limit));
        }
    }

    async fn another_plan_takes_hold_at_once_in_every_process(server) {
        let other = server.beside().await;
        for (plan, status, limit) in
            [("starter", 200, 60), ("pro", 200, 200), ("free", 403, 100), ("enterprise", 200, 600)]
        {
            server.store.set_plan(&server.workspace.id, plan, None).await.unwrap();
            for process in [&server, &other] {
                let answer = process.get("/leads").await;
                assert_eq!((answer.status, answer.number("x-ratelimit-limit")), (status, limit), "{plan}");
            }
        }
        server.store.set_plan(&server.workspace.id, "custom", Some(7)).await.unwrap();
        assert_eq!(server.get("/leads").await.number("x-ratelimit-limit"), 7);
    }
}
