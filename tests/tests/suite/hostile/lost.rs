//! A database that is lost or slow during a write: 503 if nothing was written, 504 if the outcome is unknown.

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
        // Give abandoned writes time to execute.
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
        // On PostgreSQL each write is committed or rolled back with its connection. On SQLite the writer always
        // commits.
        if server.engine == Engine::Sqlite {
            assert_eq!(server.get("/leads").await.total(), 4);
        }
    }
}

/// Options with a request timeout of two seconds.
fn with_two_seconds() -> Options {
    let mut document = Spec::builtin().document().clone();
    document["x-konektor-limits"]["requestSeconds"] = json!(2);
    document["x-konektor-limits"]["arrivalSeconds"] = json!(1.3);
    Options {
        spec: Spec::from_value(document).unwrap(),
        ..Options::default()
    }
}

/// Creates a lead, upserts another and creates a ticket, with an `Idempotency-Key` unless it is empty.
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

/// When the proxy cuts the connection to PostgreSQL.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Nowhere,
    /// Before the first insert reaches the database.
    BeforeInsert,
    /// After the commit has reached the database, before its response.
    AfterCommit,
}

/// A proxy that can cut connections. SQLite has no connections.
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
                // Let the commit finish before the connection is cut.
                sleep(Duration::from_millis(300)).await;
                return;
            }
        }
    };
    let back = async {
        let mut bytes = vec![0; 65_536];
        while let Ok(length @ 1..) = from_server.read(&mut bytes).await {
            // The response to the commit is lost with the connection.
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

    // A retry with the same key reports the outcome.
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
