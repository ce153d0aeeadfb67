//! Malicious or broken clients, and overload.

mod bodies;
mod connections;
mod input;
mod load;
mod log;
mod lost;
mod ready;
mod stop;

use konektor_spec::Spec;
use konektor_tests::{Options, Server};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A raw TCP client.
struct Raw(TcpStream);

impl Raw {
    async fn connect(server: &Server) -> Self {
        let address = server.url.trim_start_matches("http://");
        Self(TcpStream::connect(address).await.unwrap())
    }

    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads one response.
    async fn answer(&mut self) -> String {
        let mut text = String::new();
        while !is_whole(&text) {
            let mut bytes = vec![0; 65_536];
            let length = self.0.read(&mut bytes).await.unwrap();
            assert_ne!(length, 0, "the answer broke off: {text}");
            text.push_str(&String::from_utf8_lossy(&bytes[..length]));
        }
        text
    }

    /// Reads until the server closes or resets the connection.
    async fn rest(&mut self) -> Vec<u8> {
        let mut all = Vec::new();
        drop(self.0.read_to_end(&mut all).await);
        all
    }
}

fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.parse().unwrap())
    });
    body.len() >= length.unwrap_or(0)
}

/// The headers of a POST of a lead, without the final blank line.
fn header_of_a_lead(server: &Server, body: &str) -> String {
    format!(
        "POST /api/v2/agent/leads HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
        content-type: application/json\r\ncontent-length: {}\r\n",
        server.key,
        body.len()
    )
}

/// Options with a request timeout of one second, of which the request may take 0.6 to arrive, and a keep-alive
/// timeout of four seconds.
fn in_a_hurry() -> Options {
    let mut document = Spec::builtin().document().clone();
    document["x-konektor-limits"]["requestSeconds"] = json!(1);
    document["x-konektor-limits"]["arrivalSeconds"] = json!(0.6);
    document["x-konektor-limits"]["keepAliveSeconds"] = json!(4);
    Options {
        spec: Spec::from_value(document).unwrap(),
        ..Options::default()
    }
}
