//! Concurrent requests with the same key.

use std::time::Duration;

use futures::future::{join_all, select};
use konektor_tests::{Answer, Engine, Server, both_engines};
use reqwest::RequestBuilder;
use serde_json::json;
use sqlx::Connection as _;

use super::{is_replay, written};

both_engines! {
    async fn while_one_is_carried_out_the_other_is_told_to_come_again(server) {
        let lock = server.database.lock().await;
        let send = || Box::pin(create(&server).send());
        let (refused, waiting) = select(send(), send()).await.factor_first();
        must_be_in_flight(&Answer::read(refused.unwrap()).await);
        lock.close().await.unwrap();
        let made = Answer::read(waiting.await.unwrap()).await;
        assert_eq!((made.status, is_replay(&made)), (201, false), "{}", made.text);
        let again = server.finish(create(&server)).await;
        assert_eq!((is_replay(&again), &again.text), (true, &made.text));
    }

    async fn a_refused_one_leaves_the_key_free_for_the_next(server) {
        server.lead(json!({"firstName": "Siti", "phone": "081234567890"})).await;
        let taken = json!({"firstName": "Budi", "phone": "081234567890"});
        for _ in 0..3 {
            assert_eq!(server.post_under("k", "/leads", &taken).await.bad_fields(), ["phone"]);
        }
    }

    async fn many_at_once_write_once(server) {
        must_write_once(&server, (0..16).map(|_| create(&server)).collect()).await;
    }

    async fn many_at_once_in_two_processes_write_once(server) {
        let other = server.beside().await;
        let requests = (0..24).map(|at| create(if at % 2 == 0 { &server } else { &other }));
        must_write_once(&server, requests.collect()).await;
    }

    async fn one_that_waits_too_long_for_its_turn_can_be_sent_again(server) {
        let lock = server.database.lock().await;
        let impatient = tokio::time::timeout(Duration::from_millis(200), create(&server).send());
        assert!(impatient.await.is_err(), "the caller hangs up");
        lock.close().await.unwrap();
        let again = loop {
            let again = server.finish(create(&server)).await;
            if again.status != 409 {
                break again;
            }
        };
        assert_eq!(again.status, 201, "{}", again.text);
        assert_eq!(written(&server).await, 1);
    }
}

/// PostgreSQL only: SQLite has a single writer, so the other process waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_one_process_carries_it_out_another_says_so_at_once() {
    let server = Server::start(Engine::Postgres).await;
    let other = server.beside().await;
    let lock = server.database.lock().await;
    let send = |server| Box::pin(create(server).send());
    let (refused, waiting) = select(send(&server), send(&other)).await.factor_first();
    must_be_in_flight(&Answer::read(refused.unwrap()).await);
    lock.close().await.unwrap();
    let made = Answer::read(waiting.await.unwrap()).await;
    assert_eq!((made.status, is_replay(&made)), (201, false));
    for process in [&server, &other] {
        let again = process.finish(create(process)).await;
        assert_eq!((is_replay(&again), &again.text), (true, &made.text));
    }
}

fn create(server: &Server) -> RequestBuilder {
    let request = server.request("POST", "/leads").bearer_auth(&server.key);
    let request = request.header("Idempotency-Key", "k");
    request.json(&json!({"firstName": "Budi"}))
}

fn must_be_in_flight(answer: &Answer) {
    assert_eq!(
        (answer.status, answer.code()),
        (409, "VALIDATION_ERROR"),
        "{}",
        answer.text
    );
    assert_eq!(answer.header("retry-after"), "1");
    assert!(answer.message().contains("try again"), "{}", answer.text);
}

/// Checks that every request gets either a conflict or the same response.
async fn must_write_once(server: &Server, requests: Vec<RequestBuilder>) {
    let sent = requests
        .into_iter()
        .map(|request| tokio::spawn(request.send()));
    let mut answers = Vec::new();
    for answer in join_all(sent).await {
        answers.push(Answer::read(answer.unwrap().unwrap()).await);
    }
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!(made.iter().filter(|it| !is_replay(it)).count(), 1);
    assert!(made.iter().all(|answer| answer.text == made[0].text));
    refused.into_iter().for_each(must_be_in_flight);
    assert_eq!(written(server).await, 1);
}
