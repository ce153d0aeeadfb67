//! Bodies: how large, of which type, and what is no JSON.

use konektor_tests::{Answer, Server, both_engines};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

async fn post(server: &Server, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let mut request = server
        .request("POST", "/leads")
        .bearer_auth(&server.key)
        .body(body);
    if !content_type.is_empty() {
        request = request.header("content-type", content_type);
    }
    server.finish(request).await
}

/// A lead in JSON of exactly so many bytes.
fn of_bytes(bytes: usize) -> String {
    let empty = json!({"firstName": "Budi", "notes": ""}).to_string();
    format!("{}{}", " ".repeat(bytes - empty.len()), empty)
}

/// Sends these bytes as they are, and reads until the status line is there.
async fn raw(server: &Server, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://"))
        .await
        .unwrap();
    let head = format!(
        "POST /api/v2/agent/leads HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
        content-type: application/json\r\n{head}\r\n\r\n{body}",
        server.key
    );
    // The server may answer and close before it has read everything.
    drop(stream.write_all(head.as_bytes()).await);
    let mut answer = vec![0; 4096];
    let length = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

both_engines! {
    async fn a_body_of_64_kib_is_read_and_one_byte_more_is_not(server) {
        assert_eq!(post(&server, "application/json", of_bytes(65_536)).await.status, 201);
        let answer = post(&server, "application/json", of_bytes(65_537)).await;
        assert_eq!((answer.status, answer.code()), (413, "VALIDATION_ERROR"));
        assert_eq!(server.get("/leads").await.total(), 1);
    }

    async fn an_announced_size_is_refused_before_it_comes(server) {
        let answer = raw(&server, "content-length: 10000000000", "").await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        assert!(answer.to_lowercase().contains("x-request-id"));
    }

    async fn a_chunked_body_that_grows_too_large_is_refused(server) {
        let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
        let answer = raw(&server, "transfer-encoding: chunked", &chunk.repeat(5)).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
        let whole = format!("{:x}\r\n{1}\r\n0\r\n\r\n", of_bytes(500).len(), of_bytes(500));
        let answer = raw(&server, "transfer-encoding: chunked", &whole).await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    }

    async fn only_json_is_taken(server) {
        let body = json!({"firstName": "Budi"}).to_string();
        for taken in [
            "application/json",
            "application/json; charset=utf-8",
            "Application/JSON",
            "application/json;charset=UTF-8",
        ] {
            assert_eq!(post(&server, taken, body.clone()).await.status, 201, "{taken}");
        }
        for other in [
            "",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/jsonx",
            "text/json",
            "application/vnd.api+json",
            "json",
            "application/json, text/plain",
        ] {
            let answer = post(&server, other, body.clone()).await;
            assert_eq!((answer.status, answer.code()), (415, "VALIDATION_ERROR"), "{other}");
        }
    }

    async fn malformed_json_is_a_bad_request(server) {
        for body in [
            "",
            "{",
            "{}{}",
            "{\"firstName\":}",
            "{'firstName':'B'}",
            "\u{feff}{\"firstName\":\"B\"}",
            "{\"firstName\":\"\\ud800\"}",
            "NaN",
            "{\"firstName\":\"B\",}",
            "{\"firstName\":\"B\",\"estimatedValue\":1e999}",
            "{\"firstName\":\"a\nb\"}",
        ] {
            let answer = post(&server, "application/json", body).await;
            assert_eq!((answer.status, answer.code()), (400, "VALIDATION_ERROR"), "{body}");
        }
        let answer = post(&server, "application/json", b"{\"firstName\":\"\xff\"}".to_vec()).await;
        assert_eq!(answer.status, 400);
        let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        assert_eq!(post(&server, "application/json", deep).await.status, 400);
    }

    async fn a_body_has_to_be_an_object(server) {
        for body in ["null", "[]", "\"Budi\"", "1", "true", "[{\"firstName\":\"B\"}]"] {
            for path in ["/leads", "/leads/upsert", "/support/tickets"] {
                let request = server
                    .request("POST", path)
                    .bearer_auth(&server.key)
                    .header("content-type", "application/json")
                    .body(body);
                let answer = server.finish(request).await;
                assert_eq!(
                    (answer.status, answer.bad_fields()),
                    (400, vec!["body"]),
                    "{path} {body}: {}",
                    answer.text
                );
            }
        }
    }

    async fn refusals_repeat_nothing_that_was_sent(server) {
        let secret = "s3cr3t-budi";
        let answer = server
            .post(
                "/leads",
                json!({
                    "firstName": secret.repeat(10), "email": secret, "phone": secret, "status": secret,
                    "assignedTo": secret, "source": [secret],
                }),
            )
            .await;
        assert_eq!(answer.bad_fields().len(), 6);
        assert!(!answer.text.contains("s3cr3t"), "{}", answer.text);
        let broken = post(&server, "application/json", format!("{{\"firstName\": \"{secret}\"")).await;
        assert!(!broken.text.contains("s3cr3t"), "{}", broken.text);
    }

    async fn a_body_beside_a_get_does_not_matter(server) {
        let request = server.request("GET", "/leads").bearer_auth(&server.key).body("nonsense");
        assert_eq!(server.finish(request).await.status, 200);
    }
}
