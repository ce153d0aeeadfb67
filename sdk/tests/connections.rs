//! Connections that the server has closed, and proxies on the way to it.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails the test")]

mod support;

use std::{
    net::SocketAddr,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use konektor_sdk::{Client, Retries, Retry};
use konektor_testing::{KEY, example};
use support::builder;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// A server that answers the first request of each connection, when `together` of them are open, and
/// resets the connection at the next one. Returns its address and counts the resets.
async fn server_that_resets_idle_connections(together: usize) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let resets = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&resets);
    tokio::spawn(async move {
        let open = Arc::new(AtomicUsize::new(0));
        while let Ok((connection, _)) = listener.accept().await {
            open.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(serve(
                connection,
                Arc::clone(&open),
                together,
                Arc::clone(&counter),
            ));
        }
    });
    (address, resets)
}

async fn serve(
    mut connection: TcpStream,
    open: Arc<AtomicUsize>,
    together: usize,
    resets: Arc<AtomicUsize>,
) {
    let mut request = [0; 8192];
    if connection.read(&mut request).await.unwrap_or_default() == 0 {
        return;
    }
    while open.load(Ordering::Relaxed) < together {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let body = example("workspace_show").to_string();
    let length = body.len();
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
    connection.write_all(answer.as_bytes()).await.unwrap();
    if connection.read(&mut request).await.unwrap_or_default() > 0 {
        resets.fetch_add(1, Ordering::Relaxed);
        // Closing with something unread would be a reset as well; this one is certain.
        connection.set_zero_linger().unwrap();
    }
}

#[tokio::test]
async fn a_try_after_a_reset_has_a_new_connection() {
    const POOL: usize = 8;

    let (address, resets) = server_that_resets_idle_connections(POOL).await;
    let client = builder(&format!("http://{address}"))
        .retries(Retries::default().base_delay(Duration::from_millis(10)))
        .build()
        .unwrap();
    // A burst fills the pool with connections, each of which breaks when it is used again.
    let burst = (0..POOL).map(|_| client.workspace().show().send_with_meta());
    for answer in join_all(burst).await {
        assert_eq!(answer.unwrap().1.attempts, 1);
    }

    for _ in 0..POOL {
        let (_, meta) = client.workspace().show().send_with_meta().await.unwrap();
        assert!(meta.attempts <= 2, "{}", meta.attempts);
    }

    assert_eq!(
        resets.load(Ordering::Relaxed),
        POOL,
        "all of the pool was used"
    );
}

/// Makes one call of <https://konektor.test> in a process of its own, since the environment is one for
/// all, and returns what it says of its failure.
fn call_with(variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "says_how_a_call_fails", "--nocapture"]);
    for name in ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn says_how_a_call_fails() {
    let client = Client::builder()
        .api_key(KEY)
        .base_url("https://konektor.test:8443")
        .retries(Retries::default().base_delay(Duration::ZERO))
        .build();
    let error = match client {
        Ok(client) => {
            println!("through {:?}", client.proxy());
            client.leads().create("Budi").send().await.unwrap_err()
        }
        Err(error) => error,
    };
    let retry = match error.retry() {
        Retry::Never => "never",
        Retry::Safe(_) => "safe",
        Retry::WithKey(..) => "with key",
    };
    println!("{:?}, {retry}: {error}", error.kind());
}

/// A proxy that says this to everybody.
async fn proxy(answer: &'static str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let read = connection.read(&mut request).await.unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..read]).into_owned();
            assert!(
                request.starts_with("CONNECT konektor.test:8443 "),
                "{request}"
            );
            assert!(!request.contains(KEY), "{request}");
            counter.fetch_add(1, Ordering::Relaxed);
            let _ = connection.write_all(answer.as_bytes()).await;
        }
    });
    (address, asked)
}

async fn call_through(address: SocketAddr) -> String {
    let proxy = format!("http://budi:hunter2@{address}");
    let call = move || call_with(&[("HTTPS_PROXY", &proxy)]);
    let told = tokio::task::spawn_blocking(call).await.unwrap();
    assert!(!told.contains("hunter2") && !told.contains(KEY), "{told}");
    let proxy = format!("through Some(\"{address} (HTTPS_PROXY)\")");
    assert!(told.contains(&proxy), "{told}");
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_wants_a_password_is_told_once_and_not_blamed_on_the_server() {
    let (address, asked) = proxy("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;

    let told = call_through(address).await;

    let expected = format!(
        "Proxy, never: leads.create at konektor.test:8443: the proxy {address} (HTTPS_PROXY) asks \
         for a user name and password"
    );
    assert!(told.contains(&expected), "{told}");
    assert!(told.contains("(1 attempt, "), "{told}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_does_not_connect_may_do_so_later() {
    for answer in [
        "HTTP/1.1 502 Bad Gateway\r\n\r\n",
        "HTTP/1.1 403 No\r\n\r\n",
        "",
    ] {
        let (address, asked) = proxy(answer).await;

        let told = call_through(address).await;

        let expected = format!("the proxy {address} (HTTPS_PROXY) does not connect to the server");
        assert!(told.contains("Proxy, safe: "), "{told}");
        assert!(told.contains(&expected), "{told}");
        assert_eq!(asked.load(Ordering::Relaxed), 3, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_not_there_is_named() {
    let address = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();

    let told = call_through(address).await;

    let expected =
        format!("the proxy {address} (HTTPS_PROXY) cannot be reached: Connection refused");
    assert!(told.contains("Proxy, safe: "), "{told}");
    assert!(told.contains(&expected), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_with_a_certificate_that_nobody_trusts_is_told_once() {
    let (address, asked) = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut connection, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let _ = connection.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
            }
        });
        (address, asked)
    };
    let url = format!("https://{address}");
    let call = move || call_with(&[("ALL_PROXY", &url)]);
    let told = tokio::task::spawn_blocking(call).await.unwrap();

    assert!(told.contains("Proxy, never: "), "{told}");
    let expected = format!("there is no trusted connection to the proxy {address} (ALL_PROXY): ");
    assert!(told.contains(&expected), "{told}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[test]
fn a_proxy_that_cannot_be_used_is_never_gone_around() {
    for value in [
        "socks://127.0.0.1:1080",
        "socks5h://127.0.0.1:1080",
        "\"http://127.0.0.1:18494\"",
        "htttp://127.0.0.1:18494",
        "http:/127.0.0.1:18494",
        "foo://127.0.0.1",
    ] {
        for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            let told = call_with(&[(variable, value)]);
            assert!(
                told.contains(&format!("Config, never: {variable} ")),
                "{told}"
            );
        }
    }
}

#[test]
fn a_host_that_needs_no_proxy_is_asked_directly() {
    let told = call_with(&[
        ("HTTPS_PROXY", "socks://127.0.0.1:1080"),
        ("NO_PROXY", "konektor.test"),
    ]);

    assert!(told.contains("Network, safe: "), "{told}");
    assert!(told.contains("through None"), "{told}");
}
