//! Which commands create or migrate the schema, and how the others refuse an unexpected one.

use std::path::Path;

use futures::future::join_all;
use konektor_tests::{Database, Engine, ServerProcess, serve, start_server};
use sqlx::{AnyConnection, Connection as _, Row as _, migrate::Migrator};

use super::{command, refused, run};

/// Every command that uses a database but neither creates nor migrates its schema.
const COMMANDS: [&str; 13] = [
    "workspace list",
    "workspace show ws_1",
    "workspace delete ws_1 --yes",
    "workspace set-plan ws_1 pro",
    "workspace set-name-index ws_1 off",
    "workspace set-name-index ws_1 on",
    "key create --workspace ws_1 --all-scopes",
    "key list --workspace ws_1",
    "key revoke aaaaaaaaaaaa",
    "encryption status",
    "encryption rotate-master",
    "encryption rotate-data --all",
    "seed --workspace ws_1 --leads 5",
];

const CREATE: &str = "workspace create --name Toko";

const SERVE: &str = "serve --listen 127.0.0.1:0";

const SERVE_NO_MIGRATE: &str = "serve --listen 127.0.0.1:0 --no-migrate";

#[tokio::test]
async fn without_a_schema_only_workspace_create_serve_and_migrate_make_one() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::new(engine).await;
        for words in COMMANDS.into_iter().chain([SERVE_NO_MIGRATE]) {
            let said = refused(command(&database, words)).await;
            assert!(said.contains("no tables yet"), "{words}: {said}");
            assert!(said.contains("konektor-server migrate"), "{words}: {said}");
            assert_untouched(&database).await;
        }
        assert!(run(command(&database, CREATE)).await.status.success());
        assert!(
            run(command(&database, "workspace list"))
                .await
                .status
                .success()
        );

        let database = Database::new(engine).await;
        assert!(run(command(&database, "migrate")).await.status.success());
        assert!(
            run(command(&database, "workspace list"))
                .await
                .status
                .success()
        );

        let database = Database::new(engine).await;
        start_server(&database, "info").stop();
        assert!(
            run(command(&database, "workspace list"))
                .await
                .status
                .success()
        );
    }
}

#[tokio::test]
async fn an_older_schema_is_brought_up_to_date_by_serve_and_migrate_alone() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::new(engine).await;
        migrate_to(engine, &database, 2).await;
        let before = schema(engine, &database).await;
        for words in COMMANDS.into_iter().chain([CREATE, SERVE_NO_MIGRATE]) {
            let said = refused(command(&database, words)).await;
            assert!(said.contains("older than this program"), "{words}: {said}");
            assert!(said.contains("konektor-server migrate"), "{words}: {said}");
        }
        assert_eq!(schema(engine, &database).await, before);
        assert!(run(command(&database, "migrate")).await.status.success());
        let migrated = schema(engine, &database).await;
        assert_ne!(migrated, before);
        assert!(run(command(&database, CREATE)).await.status.success());
        // With a current schema `--no-migrate` starts.
        let no_migrate = ["--listen", "127.0.0.1:0", "--no-migrate"];
        ServerProcess::start(serve(&database, "info").args(no_migrate)).stop();

        let database = Database::new(engine).await;
        migrate_to(engine, &database, 2).await;
        start_server(&database, "info").stop();
        assert_eq!(schema(engine, &database).await, migrated);
    }
}

#[tokio::test]
async fn no_answer_of_before_leads_were_known_outlives_an_upgrade() {
    for (engine, sealed) in [
        (Engine::Sqlite, "x'0102'"),
        (Engine::Postgres, "'\\x0102'::bytea"),
    ] {
        let database = Database::new(engine).await;
        migrate_to(engine, &database, 4).await;
        let workspace = "insert into workspace (id, name, plan, timezone, currency, language, date_format, \
            tracking_code, created_at) values ('ws_1', 'Toko', 'pro', 'Etc/UTC', 'IDR', 'id', 'DD/MM/YYYY', 'T', 0)";
        database.execute(workspace).await;
        let answer = format!(
            "insert into idempotency (workspace_id, id, fingerprint, status, created_at, data_key_id, sealed) \
             values ('ws_1', 'k', {sealed}, 201, 0, 1, {sealed})"
        );
        database.execute(&answer).await;
        assert!(run(command(&database, "migrate")).await.status.success());
        let blanked = "select count(*) from idempotency where length(sealed) = 0";
        assert_eq!(database.number(blanked).await, 1, "{engine:?}");
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused_by_every_command() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::new(engine).await;
        assert!(run(command(&database, CREATE)).await.status.success());
        let newer = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
            select 9999, description, success, checksum, 0 from _sqlx_migrations where version = 1";
        database.execute(newer).await;
        let before = schema(engine, &database).await;
        let others = [CREATE, SERVE, SERVE_NO_MIGRATE, "migrate"];
        for words in COMMANDS.into_iter().chain(others) {
            let said = refused(command(&database, words)).await;
            assert!(said.contains("newer version"), "{words}: {said}");
            assert!(said.contains("9999"), "{words}: {said}");
        }
        assert_eq!(schema(engine, &database).await, before);
        assert_eq!(database.number("select count(*) from workspace").await, 1);
    }
}

#[tokio::test]
async fn a_database_of_another_program_is_not_taken_for_an_empty_one() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let database = Database::new(engine).await;
        let url = format!(
            "{}{}",
            database.url,
            if engine == Engine::Sqlite {
                "?mode=rwc"
            } else {
                ""
            }
        );
        let mut connection = AnyConnection::connect(&url).await.unwrap();
        sqlx::raw_sql("create table invoice (id bigint)")
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        let before = schema(engine, &database).await;
        for words in ["workspace list", CREATE, SERVE_NO_MIGRATE] {
            let said = refused(command(&database, words)).await;
            assert!(
                said.contains("tables of another program"),
                "{words}: {said}"
            );
        }
        assert_eq!(schema(engine, &database).await, before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_processes_at_once_make_and_upgrade_a_schema() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        for round in 0..10 {
            let database = Database::new(engine).await;
            let words = [CREATE, "migrate", CREATE, "migrate", CREATE];
            all_succeed(&database, &words, round).await;
            assert_eq!(database.number("select count(*) from workspace").await, 3);

            let database = Database::new(engine).await;
            migrate_to(engine, &database, 1).await;
            all_succeed(&database, &["migrate"; 5], round).await;
        }
    }
}

async fn all_succeed(database: &Database, words: &[&str], round: u32) {
    let all = words.iter().map(|words| run(command(database, words)));
    for output in join_all(all).await {
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "round {round}: {stderr}");
    }
}

/// Applies only the first migrations, like an older version of the program.
async fn migrate_to(engine: Engine, database: &Database, version: i64) {
    let (folder, mode) = match engine {
        Engine::Sqlite => ("sqlite", "?mode=rwc"),
        Engine::Postgres => ("postgres", ""),
    };
    let folder = format!(
        "{}/../server/migrations/{folder}",
        env!("CARGO_MANIFEST_DIR")
    );
    let migrator = Migrator::new(Path::new(&folder)).await.unwrap();
    let url = format!("{}{mode}", database.url);
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    if engine == Engine::Sqlite {
        sqlx::raw_sql("pragma journal_mode = wal")
            .execute(&mut connection)
            .await
            .unwrap();
    }
    migrator
        .run_direct(Some(version), &mut connection, false)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

/// Every table, index and migration.
async fn schema(engine: Engine, database: &Database) -> Vec<String> {
    let things = match engine {
        Engine::Sqlite => "select name from sqlite_master",
        Engine::Postgres => {
            "select relname::text from pg_class where relnamespace = current_schema()::regnamespace"
        }
    };
    let mut connection = AnyConnection::connect(&database.url).await.unwrap();
    let mut all = Vec::new();
    for sql in [things, "select cast(version as text) from _sqlx_migrations"] {
        // Databases of other programs have no migrations.
        let rows = sqlx::raw_sql(sql)
            .fetch_all(&mut connection)
            .await
            .unwrap_or_default();
        all.extend(rows.iter().map(|row| row.get::<String, _>(0)));
    }
    all.sort();
    all
}

async fn assert_untouched(database: &Database) {
    match &database.folder {
        Some(folder) => assert_eq!(folder.path().read_dir().unwrap().count(), 0),
        None => assert!(schema(Engine::Postgres, database).await.is_empty()),
    }
}
