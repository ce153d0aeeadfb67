//! Graceful shutdown under load.

use std::time::Duration;

use futures::join;
use konektor_tests::both_engines;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep},
};

use super::{Raw, header_of_a_lead};

const BODY: &str = r#"{"firstName":"Budi"}"#;

both_engines! {
    async fn every_request_that_has_begun_is_still_answered(server) {
        let header = header_of_a_lead(&server, BODY);
        let (half_header, other_half) = header.split_at(header.len() / 2);
        let finish = format!("{other_half}\r\n{BODY}");

        let mut fresh = Raw::connect(&server).await;
        fresh.send(half_header).await;
        let mut used = Raw::connect(&server).await;
        used.send(&format!("{header}\r\n{BODY}")).await;
        assert!(used.answer().await.starts_with("HTTP/1.1 201 "));
        used.send(half_header).await;
        let mut in_body = Raw::connect(&server).await;
        in_body.send(&format!("{header}\r\n{{")).await;
        let mut just_sent = Raw::connect(&server).await;
        just_sent.send(&format!("{header}\r\n{BODY}")).await;

        let answers = async {
            sleep(Duration::from_millis(500)).await;
            fresh.send(&finish).await;
            used.send(&finish).await;
            in_body.send(&BODY[1..]).await;
            for raw in [&mut fresh, &mut used, &mut in_body, &mut just_sent] {
                let answer = raw.answer().await;
                assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
                assert!(answer.to_lowercase().contains("\r\nconnection: close\r\n"), "{answer}");
                assert_eq!(raw.rest().await, b"");
            }
        };
        let address = server.url.trim_start_matches("http://").to_owned();
        let mut server = server;
        let began = Instant::now();
        join!(server.stop(), answers);
        assert!(began.elapsed() < Duration::from_secs(5));
        assert!(TcpStream::connect(address).await.is_err());
    }

    async fn who_asks_for_nothing_delays_nobody(server) {
        let mut silent = Raw::connect(&server).await;
        let mut idle = Raw::connect(&server).await;
        idle.send("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        idle.answer().await;
        let mut server = server;
        let began = Instant::now();
        server.stop().await;
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        assert_eq!((silent.rest().await, idle.rest().await), (vec![], vec![]));
    }
}
