//! More requests at once than can be carried out.

use futures::{
    StreamExt,
    future::{join_all, ready},
    stream::FuturesUnordered,
};
use konektor_spec::Spec;
use konektor_tests::{Answer, Engine, Server, both_engines};
use serde_json::json;
use sqlx::{AnyConnection, Connection, Executor};

/// More than are carried out and wait at the same time.
const CROWD: usize = 350;

/// Without a look at the document, which would take the time of all the others.
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
        // Who asks for no work waits for nobody.
        for path in ["/healthz", "/api/v2/agent/SKILL.md"] {
            assert_eq!(server.page(path).await.status, 200);
        }

        lock.execute("commit").await.unwrap();
        let others: Vec<Answer> = sent.collect().await;
        for answer in &others {
            assert!([201, 503].contains(&answer.status), "{}", answer.text);
        }
        let made = others.iter().filter(|answer| answer.status == 201).count();
        assert!(made > 0);
        // A write that was given up waiting for may have happened.
        assert!(server.get("/leads").await.total() >= i64::try_from(made).unwrap());
    }
}
