//! More requests at once than can be carried out.

use futures::{StreamExt, future::join_all, stream::FuturesUnordered};
use konektor_tests::{Answer, Engine, both_engines};
use serde_json::json;
use sqlx::{AnyConnection, Connection, Executor};

/// More than are carried out and wait at the same time.
const CROWD: usize = 350;
const TOO_MANY: usize = 30;

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
            (0..CROWD).map(|_| server.post("/leads", json!({"firstName": "Budi"}))).collect();

        let too_many: Vec<Answer> = sent.by_ref().take(TOO_MANY).collect().await;
        for answer in too_many {
            assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{}", answer.text);
            assert_eq!(answer.message(), "Too many requests are being carried out; try again");
        }
        // Who asks for no work waits for nobody.
        for path in ["/healthz", "/api/v2/agent/SKILL.md"] {
            assert_eq!(server.page(path).await.status, 200);
        }

        lock.execute("commit").await.unwrap();
        let others: Vec<Answer> = sent.collect().await;
        assert!(others.iter().all(|answer| [201, 503].contains(&answer.status)));
        let made = others.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(server.get("/leads").await.total(), i64::try_from(made).unwrap());
    }
}
