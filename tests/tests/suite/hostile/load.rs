//! More requests at once than can be carried out.

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use konektor_tests::{Answer, Engine, both_engines};
use serde_json::json;
use sqlx::{AnyConnection, Connection, Executor};
use tokio::time::Instant;

/// So many are carried out at once, and so many more may wait for it.
const CARRIED_OUT: usize = 64;
const QUEUED: usize = 256;
const REFUSED: usize = 30;

both_engines! {
    async fn sixty_four_requests_at_once_are_carried_out(server) {
        let answers = join_all((0..64).map(async |number| {
            server.post("/leads", json!({"firstName": "Budi", "externalRef": number.to_string()})).await
        }))
        .await;
        assert!(answers.iter().all(|answer| answer.status == 201));
        assert_eq!(server.get("/leads").await.total(), 64);
    }

    async fn what_fits_neither_into_work_nor_into_the_queue_is_refused_at_once(server) {
        let mut lock = AnyConnection::connect(&server.database.url).await.unwrap();
        lock.execute(match server.engine {
            Engine::Sqlite => "begin immediate",
            Engine::Postgres => "begin; lock table lead, lead_day in exclusive mode",
        })
        .await
        .unwrap();
        let began = Instant::now();
        let mut sent: FuturesUnordered<_> = (0..CARRIED_OUT + QUEUED + REFUSED)
            .map(|_| server.post("/leads", json!({"firstName": "Budi"})))
            .collect();

        let at_once: Vec<Answer> = sent.by_ref().take(REFUSED).collect().await;
        assert!(began.elapsed().as_millis() < 1900, "{:?}", began.elapsed());
        for answer in at_once {
            assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{}", answer.text);
        }
        // Who asks for no work waits for nobody.
        for path in ["/healthz", "/api/v2/agent/SKILL.md"] {
            assert_eq!(server.page(path).await.status, 200);
        }
        let tired_of_waiting: Vec<Answer> = sent.by_ref().take(QUEUED).collect().await;
        assert!(tired_of_waiting.iter().all(|answer| answer.status == 503));

        lock.execute("commit").await.unwrap();
        let carried_out: Vec<Answer> = sent.collect().await;
        assert!(carried_out.iter().all(|answer| answer.status == 201));
        let total = i64::try_from(CARRIED_OUT).unwrap();
        assert_eq!(server.get("/leads").await.total(), total);
    }
}
