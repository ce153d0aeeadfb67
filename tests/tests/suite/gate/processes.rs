//! Several processes on one database: changes by commands take effect in all of them.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use konektor_server::domain::api_key::ApiKey;
use konektor_tests::{Database, Server, ServerProcess, both_engines, program, start_server};
use tokio::time::sleep;

/// How long a change may take to be effective.
const WITHIN: Duration = Duration::from_secs(5);

/// Runs a `konektor-server` command.
async fn command(database: &Database, arguments: &[&str]) {
    let status = program("konektor-server")
        .args(arguments)
        .args(["--json", "--database-url", &database.url])
        .stdout(std::process::Stdio::null())
        .status();
    assert!(status.await.unwrap().success(), "{arguments:?}");
}

fn two(server: &Server) -> [ServerProcess; 2] {
    [
        start_server(&server.database, "info"),
        start_server(&server.database, "info"),
    ]
}

async fn status(process: &ServerProcess, key: &str) -> u16 {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/api/v2/agent/workspace", process.url);
    let answer = http.get(url).bearer_auth(key).send().await.unwrap();
    answer.status().as_u16()
}

/// Waits until every process responds with the status.
async fn all_answer(processes: &[ServerProcess], key: &str, expected: u16) {
    let begun = Instant::now();
    for process in processes {
        while status(process, key).await != expected {
            assert!(begun.elapsed() < WITHIN, "not {expected} yet");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

both_engines! {
    async fn a_revoked_key_is_refused_by_all(server) {
        let processes = two(&server);
        all_answer(&processes, &server.key, 200).await;
        let key = ApiKey::parse(&server.key).unwrap();
        command(&server.database, &["key", "revoke", key.id()]).await;
        all_answer(&processes, &server.key, 401).await;
    }

    async fn a_key_that_ends_is_refused_by_all(server) {
        let processes = two(&server);
        let end = Timestamp::now() + SignedDuration::from_secs(2);
        let scope = &["agent.workspace.read"];
        let key = server.key_with(&server.workspace, scope, |key| key.expires_at = Some(end)).await;
        all_answer(&processes, &key, 200).await;
        sleep(end.duration_until(end.max(Timestamp::now())).unsigned_abs()).await;
        all_answer(&processes, &key, 401).await;
        assert!(Timestamp::now() >= end, "no sooner than it said");
    }

    async fn another_plan_holds_in_all(server) {
        let processes = two(&server);
        for (plan, expected) in [("pro", 200), ("free", 403), ("starter", 200), ("trial", 403)] {
            command(&server.database, &["workspace", "set-plan", &server.workspace.id, plan]).await;
            all_answer(&processes, &server.key, expected).await;
        }
    }
}
