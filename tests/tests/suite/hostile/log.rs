//! A log whose reader is blocked.

use std::{process::Stdio, time::Duration};

use konektor_tests::{both_engines, program, signal};
use rustix::process::Signal;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    time::timeout,
};

/// The number of requests whose log lines exceed the buffer of a pipe.
const REQUESTS: usize = 800;

both_engines! {
    async fn a_log_that_nobody_reads_holds_up_no_request_and_not_the_end(server) {
        let start = || {
            let mut serve = program("konektor-server");
            serve
                .args(["serve", "--json", "--listen", "127.0.0.1:0", "--log-format", "json"])
                .args(["--database-url", &server.database.url])
                .env("KONEKTOR_MASTER_KEY", &*server.database.master_key.to_base64())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            serve.spawn().unwrap()
        };
        for read_later in [true, false] {
            let mut child = start();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            let line: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
            let url = format!("http://{}/healthz", line["listen"].as_str().unwrap());
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            for _ in 0..REQUESTS {
                let answer = timeout(Duration::from_secs(5), http.get(&url).send()).await;
                assert_eq!(answer.expect("an answer").unwrap().status(), 200);
            }
            let mut stderr = child.stderr.take().unwrap();
            let log = tokio::spawn(async move {
                let mut log = String::new();
                if read_later {
                    stderr.read_to_string(&mut log).await.unwrap();
                } else {
                    // Keep the pipe open without reading it.
                    std::future::pending::<()>().await;
                }
                log
            });
            signal(&child, Signal::TERM);
            let status = timeout(Duration::from_secs(10), child.wait()).await;
            assert!(status.expect("it ends").unwrap().success());
            if read_later {
                let log = log.await.unwrap();
                let answered = log.lines().filter(|line| line.contains("\"answered\"")).count();
                assert_eq!(answered, REQUESTS, "what was queued is written before the end");
            } else {
                log.abort();
            }
        }
    }
}
