//! A database that is lost, or slow, in the middle of a write: 503 when nothing was done, 504 when it is not known.

use std::time::Duration;

use futures::future::join;
use konektor_spec::Spec;
use konektor_tests::{Answer, Engine, Options, Server, both_engines};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

both_engines! {
    options: with_two_seconds();

    async fn what_waits_for_a_locked_database_is_503_and_never_happens(server) {
        let lock = server.database.lock().await;
        let writes = writes(&server, "").await;
        drop(lock);
        for answer in &writes {
            assert_eq!((answer.status, answer.header("retry-after")), (503, "5"), "{}", answer.text);
        }
        // Whatever would still happen has its chance.
        sleep(Duration::from_millis(500)).await;
        assert_eq!(server.lead(json!({"firstName": "Siti"})).await["firstName"], "Siti");
        assert_eq!(server.get("/leads").await.total(), 1);
        assert_eq!(server.database.number("select count(*) from ticket").await, 0);
    }

    async fn a_write_that_was_handed_over_and_is_not_confirmed_in_time_is_504(server) {
        server.database.slow_down_commits().await;
        for idempotency_key in ["", "once"] {
            for answer in writes(&server, idempotency_key).await {
                assert_eq!((answer.status, answer.code()), (504, "INTERNAL_ERROR"), "{}", answer.text);
                assert_eq!(answer.header("retry-after"), "5");
            }
        }
        // On PostgreSQL each is committed, or undone with its connection; SQLite's writer goes on in any case.
        if server.engine == Engine::Sqlite {
            assert_eq!(server.get("/leads").await.total(), 4);
        }
    }
}

/// A server that gives a request two seconds.
fn with_two_seconds() -> Options {
    let mut document = Spec::builtin().document().clone();
    document["x-konektor-limits"]["requestSeconds"] = json!(2);
    Options {
        spec: Spec::from_value(document).unwrap(),
        ..Options::default()
    }
}

/// A lead, an upsert that makes one, and a ticket, one after the other; under this key unless it is empty.
async fn writes(server: &Server, idempotency_key: &str) -> Vec<Answer> {
    let requests: [(&str, Value); 3] = [
        ("/leads", json!({"firstName": "Budi"})),
        (
            "/leads/upsert",
            json!({"match": {"by": "externalRef", "value": format!("E{idempotency_key}")}, "lead": {"firstName": "Budi"}}),
        ),
        (
            "/support/tickets",
            json!({"subject": "Subject", "message": "Message"}),
        ),
    ];
    let mut answers = Vec::new();
    for (path, body) in requests {
        let mut request = server.request("POST", path).bearer_auth(&server.key);
        if !idempotency_key.is_empty() {
            request = request.header("idempotency-key", format!("{idempotency_key}{path}"));
        }
        answers.push(server.documented("POST", path, request.json(&body)).await);
        if answers.last().is_some_and(|answer| answer.status == 504) {
            server.database.wait_for_writer().await;
        }
    }
    answers
}

/// When a proxy cuts off what goes to PostgreSQL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Nowhere,
    /// Before the first insert arrives there.
    BeforeInsert,
    /// After the commit has arrived there, and before its answer comes back.
    AfterCommit,
}

/// A way to the database that can be cut; SQLite has no such way.
async fn cut_server(server: &Server) -> (Server, watch::Sender<Cut>) {
    let (cut, when) = watch::channel(Cut::Nowhere);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = reqwest::Url::parse(&server.database.url).unwrap();
    let database = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(forward(client, database.clone(), when.clone()));
        }
    });
    let mut cut_url = url;
    cut_url.set_host(Some("127.0.0.1")).unwrap();
    cut_url.set_port(Some(port)).unwrap();
    let mut behind = server.beside().await;
    behind.stop().await;
    behind.database.url = cut_url.to_string();
    (behind.beside().await, cut)
}

async fn forward(client: TcpStream, database: String, when: watch::Receiver<Cut>) {
    let server = TcpStream::connect(database).await.unwrap();
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let forth = async {
        let mut bytes = vec![0; 65_536];
        while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
            let sent = &bytes[..length];
            let contains = |word: &[u8]| {
                sent.windows(word.len())
                    .any(|part| part.eq_ignore_ascii_case(word))
            };
            let cut = *when.borrow();
            if cut == Cut::BeforeInsert && contains(b"insert into lead") {
                return;
            }
            if to_server.write_all(sent).await.is_err() {
                return;
            }
            if cut == Cut::AfterCommit && contains(b"commit") {
                // So that it has been carried out when the connection is gone.
                sleep(Duration::from_millis(300)).await;
                return;
            }
        }
    };
    let back = async {
        let mut bytes = vec![0; 65_536];
        while let Ok(length @ 1..) = from_server.read(&mut bytes).await {
            // What comes while the commit is under way is lost with the connection.
            if *when.borrow() == Cut::AfterCommit
                && bytes[..length].windows(6).any(|part| part == b"COMMIT")
            {
                std::future::pending::<()>().await;
            }
            if to_client.write_all(&bytes[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = forth => {}
        () = back => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_lost_before_the_commit_is_503_and_after_it_504() {
    let server = Server::start(Engine::Postgres).await;
    let (behind, cut) = cut_server(&server).await;
    assert_eq!(behind.get("/leads").await.total(), 0);
    let create = async |idempotency_key: &str| {
        let request = behind.request("POST", "/leads").bearer_auth(&behind.key);
        let request = request.header("idempotency-key", idempotency_key);
        behind
            .documented(
                "POST",
                "/leads",
                request.json(&json!({"firstName": "Budi"})),
            )
            .await
    };

    cut.send_replace(Cut::BeforeInsert);
    let refused = create("lost").await;
    cut.send_replace(Cut::Nowhere);
    assert_eq!(
        (refused.status, server.get("/leads").await.total()),
        (503, 0),
        "{}",
        refused.text
    );

    cut.send_replace(Cut::AfterCommit);
    let unknown = create("lost").await;
    cut.send_replace(Cut::Nowhere);
    assert_eq!(
        (unknown.status, server.get("/leads").await.total()),
        (504, 1),
        "{}",
        unknown.text
    );
    assert!(unknown.message().contains("not known"), "{}", unknown.text);

    // Under the same key it is told what became of it.
    let (again, other) = join(create("lost"), server.get("/leads")).await;
    assert_eq!(
        (again.status, again.header("idempotency-replayed")),
        (201, "true"),
        "{}",
        again.text
    );
    assert_eq!(again.data()["id"], other.rows()[0]["id"]);
    assert_eq!(server.get("/leads").await.total(), 1);
}
