//! Connections that send no request, an incomplete or an endless one, or that do not read the response.

use std::{io::ErrorKind, time::Duration};

use futures::{future::join_all, join};
use konektor_tests::both_engines;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, sleep, timeout},
};

use super::{Raw, header_of_a_lead, in_a_hurry};

const BODY: &str = r#"{"firstName":"Budi"}"#;

/// The request timeout of these servers is one second. The rest is a margin for busy machines.
const CLOSED_WITHIN: Duration = Duration::from_secs(3);

/// Sends a text byte by byte until the server closes the connection. Returns everything that it has sent.
async fn trickle(raw: &mut Raw, text: &str) -> String {
    let (mut reader, mut writer) = raw.0.split();
    let send = async {
        for byte in text.bytes().cycle() {
            if writer.write_all(&[byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let mut said = Vec::new();
    tokio::select! {
        () = send => {}
        _ = reader.read_to_end(&mut said) => {}
    }
    String::from_utf8_lossy(&said).into_owned()
}

both_engines! {
    options: in_a_hurry();

    async fn whoever_sends_no_whole_request_in_time_is_closed_and_others_are_served(server) {
        let silent = async {
            let mut raw = Raw::connect(&server).await;
            assert_eq!(raw.rest().await, b"");
        };
        let half_open = async {
            let mut raw = Raw::connect(&server).await;
            raw.send(&header_of_a_lead(&server, BODY)).await;
            assert_eq!(raw.rest().await, b"");
        };
        let slow_header = async {
            let mut raw = Raw::connect(&server).await;
            raw.send("GET /api/v2/agent/leads HTTP/1.1\r\nx-padding: ").await;
            assert_eq!(trickle(&mut raw, "x").await, "");
        };
        let half_body = async {
            let mut raw = Raw::connect(&server).await;
            let header = header_of_a_lead(&server, BODY);
            raw.send(&format!("{header}\r\n{{")).await;
            let said = raw.rest().await;
            assert!(said.starts_with(b"HTTP/1.1 408 "));
        };
        let slow_body = async {
            let mut raw = Raw::connect(&server).await;
            let header = header_of_a_lead(&server, &" ".repeat(10_000));
            raw.send(&format!("{header}\r\n")).await;
            let said = trickle(&mut raw, " ").await;
            assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
        };
        let slow_chunks = async {
            let mut raw = Raw::connect(&server).await;
            let header = header_of_a_lead(&server, "").replace("content-length: 0", "transfer-encoding: chunked");
            raw.send(&format!("{header}\r\n")).await;
            let said = trickle(&mut raw, "1\r\n \r\n").await;
            assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
        };
        let half_open_after_an_answer = async {
            let mut raw = Raw::connect(&server).await;
            raw.send(&format!("{}\r\n{BODY}", header_of_a_lead(&server, BODY))).await;
            assert!(raw.answer().await.starts_with("HTTP/1.1 201 "));
            raw.send(&header_of_a_lead(&server, BODY)).await;
            assert_eq!(raw.rest().await, b"");
        };
        let began = Instant::now();
        let hostile = async {
            join!(silent, half_open, slow_header, half_body, slow_body, slow_chunks, half_open_after_an_answer);
            assert!(began.elapsed() < CLOSED_WITHIN, "{:?}", began.elapsed());
        };
        let honest = async {
            while began.elapsed() < Duration::from_millis(500) {
                let served = timeout(Duration::from_secs(1), server.get("/leads")).await;
                assert_eq!(served.unwrap().status, 200);
            }
        };
        join!(hostile, honest);
    }

    async fn a_connection_is_kept_after_an_answer_for_longer_than_a_request_may_take(server) {
        let mut raw = Raw::connect(&server).await;
        let request = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
        for _ in 0..2 {
            raw.send(request).await;
            assert!(raw.answer().await.starts_with("HTTP/1.1 200 "));
            sleep(Duration::from_millis(2500)).await;
        }
        raw.send(request).await;
        assert!(raw.answer().await.starts_with("HTTP/1.1 200 "));
        let idle = Instant::now();
        assert_eq!(raw.rest().await, b"");
        let kept = idle.elapsed().as_secs_f64();
        assert!((3.5..7.0).contains(&kept), "{kept}");
    }

    async fn whoever_does_not_take_its_answers_is_closed(server) {
        const ANSWERS: usize = 500;
        let mut raw = Raw::connect(&server).await;
        let request = "GET /api/v2/agent/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n";
        raw.send(&request.repeat(ANSWERS)).await;
        sleep(CLOSED_WITHIN).await;
        let answer = server.page("/api/v2/agent/openapi.json").await.text.len();
        // Only what fits into the socket buffers was sent; the rest was dropped.
        let mut taken = Vec::new();
        let end = raw.0.read_to_end(&mut taken).await;
        assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
        let taken = taken.len();
        assert!(taken < ANSWERS * answer / 2, "{taken} of {ANSWERS} times {answer}");
    }

    async fn a_slow_client_gets_its_whole_answer_as_long_as_it_takes_it(server) {
        let mut raw = Raw::connect(&server).await;
        raw.send("GET /api/v2/agent/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        sleep(Duration::from_millis(500)).await;
        let answer = raw.answer().await;
        assert!(answer.ends_with(&server.page("/api/v2/agent/openapi.json").await.text));
    }

    async fn a_thousand_half_open_connections_keep_nobody_out(server) {
        let half_open = join_all((0..1000).map(async |_| {
            let mut raw = Raw::connect(&server).await;
            raw.send("GET /healthz HTTP/1.1\r\n").await;
            raw
        }))
        .await;
        assert_eq!(server.get("/leads").await.status, 200);
        assert_eq!(half_open.len(), 1000);
    }

    async fn a_header_that_never_ends_is_refused(server) {
        let mut raw = Raw::connect(&server).await;
        raw.send("GET /healthz HTTP/1.1\r\n").await;
        let line = format!("x-padding: {}\r\n", "x".repeat(1000));
        // The server closes while the client is still sending.
        for _ in 0..100 {
            if raw.0.write_all(line.as_bytes()).await.is_err() {
                break;
            }
        }
        let said = raw.rest().await;
        assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 431 "));
        assert_eq!(server.page("/healthz").await.status, 200);
    }
}
