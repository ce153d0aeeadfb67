//! Request bodies: size, media type and malformed JSON.

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

/// A lead in JSON of exactly `length` bytes.
fn of_bytes(bytes: usize) -> String {
    let empty = json!({"firstName": "Budi", "notes": ""}).to_string();
    format!("{}{}", " ".repeat(bytes - empty.len()), empty)
}

/// Sends a raw request and reads the start of the response.
async fn raw(server: &Server, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://"))
        .await
        .unwrap();
    let head = format!(
        "POST /api/v2/agent/leads HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
        content-type: application/json\r\n{head}\r\n\r\n{body}",
        server.key
    );
    // The server may respond and close before it has read the whole body.
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
            "{",
            "{}{}",
            "{\"firstName\":}",
            "{'firstName':'B'}",
            "{\"firstName\":\"B\"}\u{feff}",
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

    async fn an_empty_body_is_told_to_be_empty(server) {
        for body in ["", " \r\n", "\u{feff}"] {
            let answer = post(&server, "application/json", body).await;
            assert_eq!((answer.status, answer.message()), (400, "The body is empty"), "{body:?}");
        }
    }

    async fn a_byte_order_mark_before_a_body_is_ignored(server) {
        let answer = post(&server, "application/json", "\u{feff}{\"firstName\":\"Budi\"}").await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(answer.data()["firstName"], "Budi");
    }

    async fn a_field_that_comes_twice_is_refused_by_name(server) {
        for (path, body, field) in [
            ("/leads", r#"{"firstName":"Budi","lastName":"A","firstName":"Siti"}"#, "firstName"),
            ("/leads", r#"{"firstName":"Budi","firstName":"Budi"}"#, "firstName"),
            (
                "/leads/upsert",
                r#"{"match":{"by":"phone","value":"081234567890"},"lead":{"firstName":"A","firstName":"B"}}"#,
                "lead.firstName",
            ),
            (
                "/leads/upsert",
                r#"{"match":{"by":"externalRef","value":"A","value":"B"},"lead":{"firstName":"A"}}"#,
                "match.value",
            ),
        ] {
            let request = server.request("POST", path).bearer_auth(&server.key);
            let answer = server.finish(request.header("content-type", "application/json").body(body)).await;
            assert_eq!((answer.status, answer.bad_fields()), (400, vec![field]), "{body}: {}", answer.text);
            assert_eq!(answer.complaint(field), "Given more than once");
        }
        assert_eq!(server.get("/leads").await.total(), 0);
    }

    async fn a_get_takes_no_body_that_says_something(server) {
        let lead = server.lead(json!({"firstName": "Budi"})).await;
        let one = format!("/leads/{}", lead["id"].as_str().unwrap());
        for method in ["GET", "HEAD"] {
            for path in ["/leads", one.as_str(), "/workspace", "/SKILL.md"] {
                let send = async |body: &str| {
                    let request = server.request(method, path).bearer_auth(&server.key).body(body.to_owned());
                    server.finish(request).await
                };
                for nothing in ["", "{}", "null", " { }\n"] {
                    assert_eq!(send(nothing).await.status, 200, "{method} {path} {nothing:?}");
                }
                let long = format!("{{\"search\":\"{}\"}}", "x".repeat(1000));
                for something in ["nonsense", r#"{"search":"budi"}"#, "[]", "0", long.as_str()] {
                    let answer = send(something).await;
                    assert_eq!(answer.status, 400, "{method} {path} {something:?}");
                    if method == "GET" {
                        assert_eq!(answer.complaint("body"), "This operation takes no body");
                    }
                }
            }
        }
    }

    async fn who_has_no_well_formed_key_is_refused_before_the_body_comes(server) {
        let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
        for (key, status) in [("", "401"), ("authorization: Bearer kna_bad\r\n", "401")] {
            let head = format!("POST /api/v2/agent/leads HTTP/1.1\r\nhost: localhost\r\n{key}content-length: 20\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            let mut answer = vec![0; 4096];
            let length = stream.read(&mut answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
            // The connection stays usable after the unread body.
            stream.write_all(&[b' '; 20]).await.unwrap();
        }
    }
}
