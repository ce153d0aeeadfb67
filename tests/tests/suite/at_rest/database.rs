//! What an attacker with a copy of the database can read.

use std::fs;

use konektor_server::domain::api_key::ApiKey;
use konektor_tests::{Database, Server, both_engines};
use serde_json::json;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use super::{
    CAMPAIGN, E164_PHONE, EMAIL, FIRST_NAME, LAST_NAME, LOCAL_PHONE, MESSAGE, NOTES, bad_keys,
    lead, must_be_refused, ticket,
    traces::{contains, found, key_found},
};

both_engines! {
    async fn nothing_personal_is_readable_in_the_database(server) {
        write_everything(&server).await;
        must_hold_nothing_personal(&server.database).await;
    }

    async fn nothing_personal_is_readable_after_the_server_has_stopped(server) {
        let mut server = server;
        write_everything(&server).await;
        server.stop().await;
        must_hold_nothing_personal(&server.database).await;
    }

    async fn two_workspaces_store_one_idempotency_key_in_two_ways(server) {
        let ids = async || {
            let rows = columns(&server.database).await;
            let of_answers = rows.into_iter().filter(|(place, _)| place == "idempotency.id");
            of_answers.map(|(_, bytes)| bytes).collect::<Vec<_>>()
        };
        server.post_under(EMAIL, "/support/tickets", &ticket()).await;
        let other = server.another_workspace(&konektor_tests::Options::default()).await;
        let key = server.key_with(&other, &["agent.support.write"], |_| ()).await;
        let request = server.request("POST", "/support/tickets").bearer_auth(&key);
        let request = request.header("Idempotency-Key", EMAIL).json(&ticket());
        assert_eq!(server.documented("POST", "/support/tickets", request).await.status, 201);
        let ids = ids().await;
        assert_eq!(ids.len(), 2);
        assert_ne!(ids[0], ids[1]);
    }

    async fn no_presented_key_is_in_the_database_good_or_bad(server) {
        let bad = bad_keys(&server).await;
        for key in &bad {
            must_be_refused(&server, &server.url, key).await;
        }
        let request = server.request("POST", "/leads").bearer_auth(&server.key).header("idempotency-key", &server.key);
        let notes = json!({"firstName": "Budi", "notes": server.key});
        assert_eq!(server.finish(request.json(&notes)).await.status, 201);
        let mut server = server;
        let mut places = columns(&server.database).await;
        server.stop().await;
        places.extend(columns(&server.database).await);
        places.extend(files(&server.database));
        let id = ApiKey::parse(&server.key).unwrap().id().to_owned();
        assert!(places.iter().any(|(_, bytes)| contains(bytes, id.as_bytes())));
        for (place, bytes) in places {
            for key in bad.iter().chain([&server.key]) {
                assert_eq!(key_found(&bytes, key), [""; 0], "{place}");
            }
        }
    }

    async fn two_workspaces_store_one_phone_in_two_ways(server) {
        let indexes = async || {
            let rows = columns(&server.database).await;
            let of_phones = rows.into_iter().filter(|(place, _)| place == "lead.phone_index");
            of_phones.map(|(_, bytes)| bytes).collect::<Vec<_>>()
        };
        server.lead(lead()).await;
        let other = server.another_workspace(&konektor_tests::Options::default()).await;
        let key = server.key_with(&other, &["agent.leads.write"], |_| ()).await;
        assert_eq!(server.send("POST", "/leads", Some(&key), Some(lead())).await.status, 201);
        let indexes = indexes().await;
        assert_eq!(indexes.len(), 2);
        assert_ne!(indexes[0], indexes[1]);
    }

    async fn a_record_that_was_changed_beside_the_server_is_an_error_that_says_nothing(server) {
        let mut leads = Vec::new();
        for name in ["Budi", "Siti"] {
            leads.push(server.lead(json!({"firstName": name})).await["id"].as_str().unwrap().to_owned());
        }
        // Move the sealed record of one lead to another.
        server.database.execute(&format!(
            "update lead set sealed = (select sealed from lead where id = '{}') where id = '{}'", leads[0], leads[1],
        )).await;
        let moved = server.get(&format!("/leads/{}", leads[1])).await;
        assert_eq!(moved.status, 500);
        assert_eq!(moved.json["error"]["message"], "Something went wrong on our side");
        assert_eq!(server.get(&format!("/leads/{}", leads[0])).await.status, 200);
    }
}

/// Calls every operation that writes, and every operation that takes personal data.
async fn write_everything(server: &Server) {
    let id = server.lead(lead()).await["id"].as_str().unwrap().to_owned();
    server
        .patch(&format!("/leads/{id}"), json!({"lastName": FIRST_NAME}))
        .await;
    let body = json!({"match": {"by": "phone", "value": E164_PHONE}, "lead": {"notes": EMAIL, "status": "won"}});
    assert_eq!(server.post("/leads/upsert", body).await.status, 200);
    for search in [FIRST_NAME, EMAIL, E164_PHONE] {
        assert_eq!(
            server.list(&[("search", search)]).await.json["pagination"]["total"],
            1
        );
    }
    assert_eq!(server.find(E164_PHONE).await.status, 200);
    assert_eq!(server.post("/support/tickets", ticket()).await.status, 201);
    write_under_personal_keys(server).await;
}

/// Calls every operation that takes an `Idempotency-Key`, with personal data in the key: once, again, and with
/// another request.
async fn write_under_personal_keys(server: &Server) {
    let mut other = lead();
    other["phone"] = json!(null);
    let upsert = json!({"match": {"by": "phone", "value": E164_PHONE}, "lead": {"notes": NOTES}});
    let update = json!({"notes": MESSAGE});
    let path = format!("/leads/{E164_PHONE}");
    let requests = [
        (EMAIL, "POST", "/leads", other),
        (LOCAL_PHONE, "POST", "/leads/upsert", upsert),
        (LAST_NAME, "PATCH", path.as_str(), update),
        (FIRST_NAME, "POST", "/support/tickets", ticket()),
    ];
    for (key, method, path, body) in &requests {
        let first = server.send_under(key, method, path, body).await;
        assert!(first.status < 300, "{}", first.text);
        let again = server.send_under(key, method, path, body).await;
        assert_eq!(again.text, first.text);
    }
    for ((key, ..), (_, method, path, body)) in requests.iter().zip(requests.iter().skip(1)) {
        let reused = server.send_under(key, method, path, body).await;
        assert_eq!(reused.status, 422);
    }
}

async fn must_hold_nothing_personal(database: &Database) {
    let mut places = columns(database).await;
    places.extend(files(database));
    assert!(
        places
            .iter()
            .any(|(_, bytes)| contains(bytes, CAMPAIGN.as_bytes()))
    );
    for (place, bytes) in places {
        assert_eq!(found(&bytes), [""; 0], "{place}");
    }
}

/// The files of the database. On SQLite these include the write-ahead log and its index.
pub(super) fn files(database: &Database) -> Vec<(String, Vec<u8>)> {
    let Some(folder) = &database.folder else {
        return Vec::new();
    };
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.display().to_string(), fs::read(path).unwrap())
    };
    fs::read_dir(folder.path()).unwrap().map(read).collect()
}

/// Every value of every column of every table.
pub(super) async fn columns(database: &Database) -> Vec<(String, Vec<u8>)> {
    let mut connection = AnyConnection::connect(&database.url).await.unwrap();
    let sqlite = database.folder.is_some();
    let list = if sqlite {
        "select t.name, c.name, c.type from sqlite_schema t, pragma_table_info(t.name) c where t.type = 'table'"
    } else {
        "select table_name::text, column_name::text, data_type::text from information_schema.columns \
         where table_schema not in ('pg_catalog', 'information_schema')"
    };
    let mut values = Vec::new();
    for row in sqlx::query(list).fetch_all(&mut connection).await.unwrap() {
        let [table, column, kind]: [String; 3] = [0, 1, 2].map(|at| row.get(at));
        let in_hex = match (sqlite, kind.as_str()) {
            (true, _) => format!("hex({column})"),
            (false, "bytea") => format!("encode({column}, 'hex')"),
            (false, _) => format!("encode(convert_to({column}::text, 'UTF8'), 'hex')"),
        };
        let sql = format!("select {in_hex} from {table} where {column} is not null");
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        let place = format!("{table}.{column}");
        values.extend(rows.iter().map(|row| (place.clone(), unhex(row.get(0)))));
    }
    values
}

pub(super) fn unhex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}
