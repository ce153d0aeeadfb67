//! What holds for every request, over a real connection.

use std::{io, panic, sync::Arc};

use jiff::Timestamp;
use konektor_spec::Spec;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tracing::subscriber::set_default;

use crate::{
    clock::Clock,
    domain::{
        api_key::ApiKey,
        id,
        workspace::{NameIndex, Workspace},
    },
    panics,
    randomness::Randomness,
    server::Server,
    settings::Settings,
    store::{SchemaPolicy, Store, api_keys::StoredKey},
    vault::{MasterKey, MasterKeys, Vault},
};

/// The document with an operation whose code panics.
fn with_a_panic() -> Spec {
    let mut document = Spec::builtin().document().clone();
    document["paths"]["/workspace"]["get"]["description"] = json!("panics");
    Spec::from_value(document).expect("a document")
}

/// A key that may read the workspace.
async fn key(store: &Store) -> String {
    let now = Timestamp::constant(1_736_937_000, 0);
    let workspace = Workspace {
        id: id::workspace(now, &mut Randomness::system()),
        name: "Toko Uji".into(),
        plan: "pro".into(),
        requests_per_minute: None,
        leads_per_day: None,
        timezone: "Asia/Jakarta".into(),
        currency: "IDR".into(),
        language: "id".into(),
        date_format: "DD/MM/YYYY".into(),
        tracking_code: id::tracking_code(&mut Randomness::system()),
        name_index: NameIndex::On,
        created_at: now,
    };
    store.create_workspace(&workspace).await.expect("made");
    let tenant = store.tenant(&workspace).await.expect("opened");
    let key = ApiKey::generate(&mut Randomness::system());
    let stored = StoredKey {
        id: key.id().to_owned(),
        workspace_id: workspace.id,
        name: "test".into(),
        secret_hash: tenant.keys().api_key_hash(&key).to_vec(),
        scopes: vec!["agent.workspace.read".into()],
        ip_allow: Vec::new(),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        created_at: now,
    };
    store.create_api_key(&stored).await.expect("made");
    key.text().to_string()
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        let log = self.0.lock();
        String::from_utf8_lossy(&log).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut log = self.0.lock();
        io::Write::write(&mut *log, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The status, the request id and the body of the answer to a request on this connection.
async fn get(connection: &mut TcpStream, path: &str, key: &str) -> (u16, String, Value) {
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n");
    connection
        .write_all(request.as_bytes())
        .await
        .expect("sent");
    let mut bytes = vec![0; 65_536];
    let length = connection.read(&mut bytes).await.expect("an answer");
    let answer = String::from_utf8_lossy(&bytes[..length]).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
    let id = head
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "));
    (
        head.split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status"),
        id.expect("a request id").to_owned(),
        serde_json::from_str(body).expect("JSON"),
    )
}

#[tokio::test]
async fn a_panic_is_500_with_a_log_line_without_its_words_and_the_connection_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("k.db").display());
    let vault = Vault::new(MasterKeys::from(&MasterKey::generate()));
    let store = Store::open(&url, vault, SchemaPolicy::Migrate)
        .await
        .expect("a database");
    let key = key(&store).await;
    let server = Server::new(
        Settings::default(),
        with_a_panic(),
        store,
        Clock::system(),
        Randomness::system(),
        "http://localhost",
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();

    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true);
    let _logging = set_default(subscriber.with_writer(move || writer.clone()).finish());
    let hook = panic::take_hook();
    panics::log_locations();

    let serving = tokio::spawn(server.expect("a server").serve(listener, async {
        stopped.await.ok();
    }));
    let mut connection = TcpStream::connect(address).await.expect("connected");
    for path in ["/api/v2/agent/workspace", "/panic"] {
        let (status, id, body) = get(&mut connection, path, &key).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (500, &json!("INTERNAL_ERROR"))
        );
        assert_eq!(body["error"]["message"], "Something went wrong on our side");
        let lines = log.text();
        let lines: Vec<_> = lines.lines().filter(|line| line.contains(&id)).collect();
        let failed = lines
            .iter()
            .find(|line| line.contains("\"failed\""))
            .expect("a cause");
        assert!(
            failed.contains("panicked at ") && failed.contains(".rs:"),
            "{failed}"
        );
        assert!(
            lines
                .iter()
                .any(|line| line.contains("\"answered\"") && line.contains("500"))
        );
    }
    assert_eq!(get(&mut connection, "/healthz", &key).await.0, 200);
    panic::set_hook(hook);
    assert!(!log.text().contains("budi@example.com"), "{}", log.text());
    drop(stop);
    serving.await.expect("no panic");
}
