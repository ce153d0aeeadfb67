//! Incomplete bodies of unauthenticated clients.

use futures::future::join_all;
use konektor_server::domain::api_key::ApiKey;
use konektor_tests::{both_engines, start_server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const STRANGERS: usize = 500;

/// The announced and the sent length of each body.
const ANNOUNCED: usize = 65_536;
const SENT: usize = ANNOUNCED / 2;

/// Less than a third of the memory that buffering every body would take.
const MOST_KIB: u64 = 64 * 1024;

both_engines! {
    async fn half_bodies_of_strangers_take_little_memory(server) {
        let program = start_server(&server.database, "warn");
        let address = program.url.trim_start_matches("http://").to_owned();
        let before = program.peak_memory();
        for known_form in [false, true] {
            let key = if known_form { ApiKey::generate(&mut rand::rng()).text().to_string() } else { "none".into() };
            let request = format!(
                "POST /api/v2/agent/leads HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
                content-type: application/json\r\ncontent-length: {ANNOUNCED}\r\n\r\n{}",
                " ".repeat(SENT)
            );
            let strangers = join_all((0..STRANGERS).map(async |_| {
                let mut stream = TcpStream::connect(&address).await.unwrap();
                stream.write_all(request.as_bytes()).await.unwrap();
                stream
            }))
            .await;
            // Other requests with bodies are served.
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let lead = http.post(format!("{}/api/v2/agent/leads", program.url)).bearer_auth(&server.key);
            let answer = server.finish(lead.json(&serde_json::json!({"firstName": "Budi"}))).await;
            assert_eq!(answer.status, 201, "{}", answer.text);
            // Wait until the server has read the partial bodies.
            for mut stream in strangers {
                if !known_form {
                    // The connection may be closed already.
                    drop(stream.read(&mut [0; 1024]).await);
                }
            }
            let more = program.peak_memory() - before;
            assert!(more < MOST_KIB, "{more} KiB more than {before}");
        }
        program.stop();
    }
}
