//! `workspace delete`: the data cannot be decrypted afterwards, even with the files and the master key.

use konektor_server::vault::{MasterKeys, Vault, WrappedKey};
use konektor_tests::{Engine, Options, Server, both_engines, start_server};
use serde_json::json;
use sqlx::{AnyConnection, Connection as _, Executor as _, Row as _};

use super::{command, run};

both_engines! {
    async fn the_keys_of_a_deleted_workspace_are_nowhere_in_the_files(server) {
        let others = crowd(&server).await;
        let program = start_server(&server.database, "warn");
        server.lead(json!({"firstName": "Budi", "lastName": "Santoso"})).await;
        let keys = wrapped_keys(&server).await;
        assert!(holds(&server, &keys).await, "they have to be there before");
        assert!(opens(&server, &keys));

        let deleted = run(command(&server.database, &format!("workspace delete {} --yes", server.workspace.id))).await;
        assert_eq!(deleted["erased"], true);
        assert!(!holds(&server, &keys).await);
        assert_eq!(server.list(&[]).await.status, 401);
        for table in ["lead", "lead_token", "ticket", "idempotency", "api_key", "workspace_key"] {
            assert_eq!(rows(&server, table).await, 0, "{table}");
        }
        // Other workspaces are not affected.
        for key in others {
            assert_eq!(server.send("GET", "/workspace", Some(&key), None).await.status, 200);
        }
        assert_eq!(program.into_log(), "");
    }

    async fn old_keys_are_nowhere_in_the_files_after_a_rotation(server) {
        crowd(&server).await;
        server.lead(json!({"firstName": "Budi"})).await;
        let keys = wrapped_keys(&server).await;
        let data: Vec<_> = keys.into_iter().filter(|key| key.purpose.as_str() == "data").collect();
        let rotated = run(command(&server.database, "encryption rotate-data --all")).await;
        assert_eq!(rotated["erased"], true);
        assert!(!holds(&server, &data).await);
    }

    async fn whoever_reads_meanwhile_may_keep_old_keys_in_the_files_which_is_said(server) {
        crowd(&server).await;
        server.lead(json!({"firstName": "Budi"})).await;
        let mut reader = AnyConnection::connect(&server.database.url).await.unwrap();
        let begin = match server.engine {
            Engine::Sqlite => "begin",
            Engine::Postgres => "begin isolation level repeatable read",
        };
        reader.execute(begin).await.unwrap();
        reader.execute("select id from workspace").await.unwrap();
        let rotation = command(&server.database, "encryption rotate-data --all").output().await.unwrap();
        assert!(rotation.status.success());
        assert!(String::from_utf8_lossy(&rotation.stdout).contains("\"erased\":false"));
        let said = String::from_utf8(rotation.stderr).unwrap();
        assert!(said.starts_with("note: ") && said.contains("old keys"), "{said}");
        // The next rotation removes the old keys.
        reader.execute("rollback").await.unwrap();
        let again = run(command(&server.database, "encryption rotate-master")).await;
        assert_eq!(again, json!({"masterKeyId": 1, "rewrapped": 0, "erased": true}));
    }

    async fn a_deletion_that_was_cut_short_has_shut_the_workspace_and_is_finished_by_another(server) {
        server.lead(json!({"firstName": "Budi"})).await;
        let other = server.another_workspace(&Options::default()).await;
        server.store.delete_keys(&server.workspace.id).await.unwrap();
        assert_eq!(server.list(&[]).await.status, 401);
        // Meanwhile a server starts, other workspaces rotate, and the status reports the rest.
        let program = start_server(&server.database, "warn");
        assert_eq!(program.into_log(), "");
        let rotated = run(command(&server.database, "encryption rotate-data --all")).await;
        assert_eq!(rotated["workspaces"].as_array().unwrap().len(), 1);
        assert_eq!(rotated["workspaces"][0]["workspaceId"], other.id);
        let status = run(command(&server.database, &format!("encryption status --workspace {}", server.workspace.id))).await;
        assert_eq!(status["workspaces"][0]["keys"][0]["masterKeyId"], json!(null));
        assert_eq!(status["workspaces"][0]["keys"][0]["leads"], 1);

        run(command(&server.database, &format!("workspace delete {} --yes", server.workspace.id))).await;
        assert_eq!(rows(&server, "lead").await, 0);
        assert!(server.store.workspace(&server.workspace.id).await.unwrap().is_none());
    }
}

/// Creates so many workspaces that the table of keys has several pages, because page splits leave copies behind.
/// Returns the API keys of some.
async fn crowd(server: &Server) -> Vec<String> {
    let mut keys = Vec::new();
    for number in 0..60 {
        let workspace = server.another_workspace(&Options::default()).await;
        if number % 20 == 0 {
            let key = server
                .key_with(&workspace, &["agent.workspace.read"], |_| ())
                .await;
            keys.push(key);
        }
    }
    keys
}

async fn wrapped_keys(server: &Server) -> Vec<WrappedKey> {
    let keys = server
        .store
        .wrapped_keys(&server.workspace.id)
        .await
        .unwrap();
    assert_eq!(keys.len(), 2);
    keys
}

/// Whether the master key unwraps these keys.
fn opens(server: &Server, keys: &[WrappedKey]) -> bool {
    let vault = Vault::new(MasterKeys::from(&*server.database.master_key));
    vault.open_workspace(&server.workspace.id, keys).is_ok()
}

/// Whether the files contain any of the keys. On SQLite this reads all files, on PostgreSQL that of the table.
async fn holds(server: &Server, keys: &[WrappedKey]) -> bool {
    let files = match server.engine {
        Engine::Sqlite => {
            let folder = server.database.folder.as_ref().unwrap();
            let entries = std::fs::read_dir(folder.path()).unwrap();
            entries
                .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
                .collect()
        }
        Engine::Postgres => vec![file_of_keys(server).await],
    };
    let contains = |file: &Vec<u8>, key: &WrappedKey| {
        file.windows(key.bytes.len()).any(|part| part == key.bytes)
    };
    files
        .iter()
        .any(|file| keys.iter().any(|key| contains(file, key)))
}

async fn file_of_keys(server: &Server) -> Vec<u8> {
    let mut connection = AnyConnection::connect(&server.database.url).await.unwrap();
    connection.execute("checkpoint").await.unwrap();
    let file = "select pg_read_binary_file(pg_relation_filepath('workspace_key'))";
    sqlx::query(file)
        .fetch_one(&mut connection)
        .await
        .unwrap()
        .get(0)
}

/// Returns the number of rows of the workspace in a table.
async fn rows(server: &Server, table: &str) -> i64 {
    let mut connection = AnyConnection::connect(&server.database.url).await.unwrap();
    let sql = format!("select count(*) from {table} where workspace_id = $1");
    let count = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(server.workspace.id.clone());
    count.fetch_one(&mut connection).await.unwrap().get(0)
}
