//! Counts the messages from a server to PostgreSQL.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    task::JoinHandle,
};

use crate::Database;

/// The first message of a client that asks for TLS. The startup message follows, in the same form.
/// <https://www.postgresql.org/docs/current/protocol-message-formats.html>
const SSL_REQUEST: i32 = 80_877_103;

/// A proxy in front of PostgreSQL that counts messages. Dropping it stops it.
pub struct Wire {
    /// The database with the URL of the proxy.
    pub database: Database,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct Counts {
    statements: AtomicUsize,
    pings: AtomicUsize,
}

impl Wire {
    /// Starts a proxy in front of a PostgreSQL database.
    ///
    /// # Panics
    /// If the database is not PostgreSQL, or no port is free.
    #[expect(
        clippy::expect_used,
        reason = "without its database a test cannot go on"
    )]
    pub async fn before(database: &Database) -> Self {
        let url = reqwest::Url::parse(&database.url).expect("a URL");
        let behind = format!(
            "{}:{}",
            url.host_str().expect("a host"),
            url.port().unwrap_or(5432)
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let mut through = url;
        through.set_host(Some("127.0.0.1")).expect("a host");
        through.set_port(Some(port)).expect("a port");
        let mut database = database.clone();
        database.url = through.into();
        let counts = Arc::new(Counts::default());
        let counting = Arc::clone(&counts);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(&behind).await else {
                    continue;
                };
                let (mut from_server, to_server) = server.into_split();
                let (from_client, mut to_client) = client.into_split();
                tokio::spawn(async move {
                    // An error on one side closes both.
                    drop(copy(&mut from_server, &mut to_client).await);
                });
                tokio::spawn(pass_on(from_client, to_server, Arc::clone(&counting)));
            }
        });
        Self {
            database,
            counts,
            accepting,
        }
    }

    /// The numbers of statements (including `begin` and `commit`) and of pings since the last call.
    #[must_use]
    pub fn take(&self) -> (usize, usize) {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::Relaxed);
        (take(&self.counts.statements), take(&self.counts.pings))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn pass_on(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    counts: Arc<Counts>,
) -> std::io::Result<()> {
    loop {
        let message = read(&mut client, 0).await?;
        server.write_all(&message).await?;
        if message.get(4..8) != Some(&SSL_REQUEST.to_be_bytes()) {
            break;
        }
    }
    // A Sync without a message before it is a ping.
    let mut said_something = true;
    loop {
        let message = read(&mut client, 1).await?;
        match message.first() {
            Some(b'S') if !said_something => {
                counts.pings.fetch_add(1, Ordering::Relaxed);
            }
            // No Sync follows a password.
            Some(b'S' | b'p') => said_something = false,
            Some(b'E') => {
                counts.statements.fetch_add(1, Ordering::Relaxed);
                said_something = true;
            }
            // No Sync follows a simple query.
            Some(b'Q') => {
                counts.statements.fetch_add(1, Ordering::Relaxed);
                said_something = false;
            }
            _ => said_something = true,
        }
        server.write_all(&message).await?;
    }
}

/// Reads a message: its type (which the first messages lack), its length without the type, and its content.
async fn read(client: &mut OwnedReadHalf, type_length: usize) -> std::io::Result<Vec<u8>> {
    let mut message = vec![0; type_length + 4];
    client.read_exact(&mut message).await?;
    let mut length = [0; 4];
    length.copy_from_slice(&message[type_length..]);
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or_default();
    message.resize(type_length + length.max(4), 0);
    client.read_exact(&mut message[type_length + 4..]).await?;
    Ok(message)
}
