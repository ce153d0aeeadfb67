//! More concurrent requests than the server executes.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures::{
    StreamExt,
    future::{join_all, ready},
    stream::FuturesUnordered,
};
use konektor_server::domain::api_key::ApiKey;
use konektor_spec::Spec;
use konektor_tests::{Answer, Engine, Server, both_engines};
use serde_json::json;
use sqlx::{AnyConnection, Connection, Executor};
use tokio::time::sleep;

/// More requests than can be executed and queued at the same time.
const CROWD: usize = 350;

/// The number of concurrent clients with unknown keys, and of valid requests meanwhile.
const FLOOD: usize = 400;
const GOOD: usize = 15;

/// Creates a lead without checking the response against the document, which would slow the other requests down.
async fn create(server: &Server) -> Answer {
    let request = server.request("POST", "/leads").bearer_auth(&server.key);
    server
        .finish(request.json(&json!({"firstName": "Budi"})))
        .await
}

fn is_overload(answer: &Answer) -> bool {
    answer.message() == "Too many requests are being carried out; try again"
}

both_engines! {
    async fn sixty_four_requests_at_once_are_carried_out(server) {
        let answers = join_all((0..64).map(async |_| server.get("/workspace").await)).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
    }

    async fn what_fits_neither_into_work_nor_into_the_queue_is_told_to_come_back(server) {
        let mut lock = AnyConnection::connect(&server.database.url).await.unwrap();
        lock.execute(match server.engine {
            Engine::Sqlite => "begin immediate",
            Engine::Postgres => "begin; lock table lead, lead_day in exclusive mode",
        })
        .await
        .unwrap();
        let mut sent: FuturesUnordered<_> =
            (0..CROWD).map(|_| create(&server)).collect();

        let too_many = sent.by_ref().skip_while(|answer| ready(!is_overload(answer)));
        let answer = Box::pin(too_many).next().await.unwrap();
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{}", answer.text);
        answer.must_be_documented(Spec::builtin(), Spec::builtin().operation("leads_create").unwrap());
        // Pages that need no execution slot are not queued.
        for path in ["/healthz", "/api/v2/agent/SKILL.md"] {
            assert_eq!(server.page(path).await.status, 200);
        }

        lock.execute("commit").await.unwrap();
        let others: Vec<Answer> = sent.collect().await;
        for answer in &others {
            assert!([201, 503, 504].contains(&answer.status), "{}", answer.text);
        }
        let count = |status| i64::try_from(others.iter().filter(|answer| answer.status == status).count()).unwrap();
        assert!(count(201) > 0);
        // Writes with status 504 may have been executed, those with 503 were not.
        let possible = count(201)..=count(201) + count(504);
        let total = server.get("/leads").await.total();
        assert!(possible.contains(&total), "{total} of {possible:?}");
    }

    async fn a_flood_of_unknown_keys_takes_no_turn_of_a_good_one(server) {
        assert_eq!(server.get("/workspace").await.status, 200);
        let ended = AtomicBool::new(false);
        let flood = join_all((0..FLOOD).map(async |_| {
            while !ended.load(Ordering::Relaxed) {
                let key = ApiKey::generate(&mut rand::rng()).text().to_string();
                let answer = server.finish(server.request("GET", "/workspace").bearer_auth(key)).await;
                assert!([401, 429, 503].contains(&answer.status), "{}", answer.text);
                sleep(Duration::from_millis(250)).await;
            }
        }));
        let good = async {
            // Wait until the address is throttled.
            sleep(Duration::from_secs(2)).await;
            for _ in 0..GOOD {
                let answer = server.finish(server.request("GET", "/workspace").bearer_auth(&server.key)).await;
                assert_eq!(answer.status, 200, "{}", answer.text);
            }
            // A new key from another address passes as well.
            let key = server.key_with(&server.workspace, &["agent.workspace.read"], |_| ()).await;
            let elsewhere = reqwest::Client::builder().no_proxy().local_address(Some([127, 0, 0, 2].into()));
            let url = format!("{}/api/v2/agent/workspace", server.url);
            let request = elsewhere.build().unwrap().get(url).bearer_auth(key);
            let answer = server.finish(request).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            ended.store(true, Ordering::Relaxed);
        };
        futures::join!(flood, good);
    }
}
