//! The behavior of the command line when the rate limit is exceeded.

use std::{process::Stdio, time::Duration};

use konektor_tests::{Options, both_engines, signal};
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::{konektor, must_fail, output_of, stderr};

both_engines! {
    options: Options { requests_per_minute: Some(60), ..Options::default() };

    async fn it_says_how_long_it_waits_and_goes_on(server) {
        while server.get("/workspace").await.status == 200 {}
        let mut list = konektor(&server, &["leads", "list"]);
        let mut list = list.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = BufReader::new(list.stderr.take().unwrap()).lines();
        let line = told.next_line().await.unwrap().unwrap();
        assert!(line.starts_with("retrying in 1 s: rate limit of 60 requests a minute reached"), "{line}");
        server.clock.advance(Duration::from_secs(2));
        let done = list.wait_with_output().await.unwrap();
        assert_eq!(done.status.code(), Some(0));
    }

    async fn zero_never_waits(server) {
        while server.get("/workspace").await.status == 200 {}
        let refused = output_of(&server, &["leads", "list", "--max-wait", "0"]).await;
        must_fail(&refused, 7);
        assert!(!stderr(&refused).contains("retrying"), "{}", stderr(&refused));
    }

    async fn a_wait_can_be_broken_off(server) {
        while server.get("/workspace").await.status == 200 {}
        let mut list = konektor(&server, &["leads", "export", "-", "--max-wait", "5m"]);
        let mut list = list.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut told = BufReader::new(list.stderr.take().unwrap()).lines();
        told.next_line().await.unwrap().unwrap();
        signal(&list, Signal::INT);
        assert_eq!(list.wait().await.unwrap().code(), Some(130));
    }
}

both_engines! {
    options: Options { requests_per_minute: Some(1), ..Options::default() };

    async fn a_wait_that_is_too_long_is_none(server) {
        assert_eq!(output_of(&server, &["workspace", "show"]).await.status.code(), Some(0));
        let refused = output_of(&server, &["workspace", "show", "--max-wait", "59s"]).await;
        must_fail(&refused, 7);
        assert!(stderr(&refused).contains("--max-wait 60s"), "{}", stderr(&refused));
    }
}
