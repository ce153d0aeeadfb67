//! Commands through a connection pooler.

use std::{fs, net::TcpListener, os::unix::fs::chown, process::Stdio, time::Duration};

use konektor_tests::{Database, Engine, start_server};
use rustix::process::geteuid;
use sqlx::{AnyConnection, Connection as _};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep},
};

use super::{command, refused, run};

/// A running `PgBouncer`. Dropping it stops the process.
struct Pooler {
    _process: Child,
    _folder: TempDir,
    /// The database behind the pooler.
    database: Database,
}

impl Pooler {
    /// Starts a pooler for a database. Returns `None` if `PgBouncer` is not installed.
    async fn start(database: &Database, settings: &str) -> Option<Self> {
        let version = Command::new("pgbouncer").arg("--version").output().await;
        if !version.is_ok_and(|version| version.status.success()) {
            eprintln!("skipped: there is no pgbouncer here");
            return None;
        }
        let url = reqwest::Url::parse(&database.url).unwrap();
        let host = url.host_str().unwrap();
        let (behind, name) = (
            url.port().unwrap_or(5432),
            url.path().trim_start_matches('/'),
        );
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pgbouncer.ini");
        let user = url.username();
        let config = format!(
            "[databases]\n{name} = host={host} port={behind} user={user}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\nunix_socket_dir =\n{settings}\n"
        );
        fs::write(&file, config).unwrap();
        let mut pooler = Command::new("pgbouncer");
        pooler
            .arg("-q")
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        if geteuid().is_root() {
            // `PgBouncer` refuses to run as root.
            let (user, group) = (65_534, 65_534);
            for path in [folder.path(), &file] {
                chown(path, Some(user), Some(group)).unwrap();
            }
            pooler.uid(user).gid(group);
        }
        let process = pooler.spawn().unwrap();
        let mut through = database.clone();
        through.url = format!("postgres://{user}@127.0.0.1:{port}/{name}");
        let began = Instant::now();
        while tokio::net::TcpStream::connect(("127.0.0.1", port))
            .await
            .is_err()
        {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "pgbouncer does not start"
            );
            sleep(Duration::from_millis(20)).await;
        }
        Some(Self {
            _process: process,
            _folder: folder,
            database: through,
        })
    }
}

#[tokio::test]
async fn a_pooler_in_session_mode_works_and_one_in_transaction_mode_is_refused_with_the_reason() {
    let database = Database::new(Engine::Postgres).await;
    let transaction = "pool_mode = transaction\nignore_startup_parameters = extra_float_digits";
    let Some(pooler) = Pooler::start(&database, transaction).await else {
        return;
    };
    for words in [
        "migrate",
        "workspace create --name Toko",
        "serve --listen 127.0.0.1:0",
    ] {
        // Alone, and with other clients whose sessions may be reused.
        for others in [0, 3] {
            let mut connections = Vec::new();
            for _ in 0..others {
                connections.push(AnyConnection::connect(&pooler.database.url).await.unwrap());
            }
            let said = refused(command(&pooler.database, words)).await;
            assert!(said.contains("pool_mode to session"), "{said}");
        }
    }
    assert_eq!(
        database
            .number("select count(*) from pg_class where relname = 'lead'")
            .await,
        0
    );

    let Some(pooler) = Pooler::start(&database, "pool_mode = transaction").await else {
        return;
    };
    let said = refused(command(&pooler.database, "migrate")).await;
    assert!(said.contains("pool_mode to session"), "{said}");

    let session = "pool_mode = session\nignore_startup_parameters = extra_float_digits";
    let Some(pooler) = Pooler::start(&database, session).await else {
        return;
    };
    for words in ["workspace create --name Toko", "workspace list"] {
        let ran = run(command(&pooler.database, words)).await;
        assert!(
            ran.status.success(),
            "{}",
            String::from_utf8_lossy(&ran.stderr)
        );
    }
    start_server(&pooler.database, "info").stop();
}
