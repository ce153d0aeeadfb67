//! Where the key goes, and where it never shows.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails the test")]

mod support;

use std::process::Command;

use konektor_sdk::{Client, ErrorKind, Retries, Retry};
use konektor_testing::{KEY, documented};
use support::{Api, builder};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use wiremock::{MockServer, ResponseTemplate};

#[tokio::test]
async fn the_key_is_sent_as_a_bearer_token() {
    let api = Api::answering(documented("workspace_show")).await;

    api.client.workspace().show().send().await.unwrap();

    let request = api.request().await;
    assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
    assert!(!request.url.as_str().contains(KEY));
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_the_other_host_never_sees_the_key() {
    let elsewhere = MockServer::start().await;
    for status in [301, 302, 303, 307, 308] {
        let to = format!("{}/{KEY}", elsewhere.uri());
        let api =
            Api::answering(ResponseTemplate::new(status).insert_header("location", to.as_str()))
                .await;

        let error = api.client.workspace().show().send().await.unwrap_err();

        assert_eq!(
            (error.kind(), error.status()),
            (ErrorKind::UnexpectedResponse, Some(status))
        );
        assert!(error.message().contains("redirect"), "{error}");
        assert!(!format!("{error} {error:?}").contains(KEY));
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn the_key_does_not_show_anywhere() {
    let api = Api::answering(ResponseTemplate::new(401)).await;
    let list = api.client.leads().list();
    let stream = list.clone().stream();
    let error = list.clone().send().await.unwrap_err();

    let shown = format!(
        "{:?} {:?} {list:?} {stream:?} {error:?} {error}",
        api.client,
        builder(&api.server.uri())
    );

    assert!(!shown.contains("secret"), "{shown}");
    assert!(
        !format!("{error:?} {error}").contains("http://"),
        "{error:?}"
    );
}

#[test]
fn a_key_that_cannot_be_sent_is_refused_without_being_shown() {
    for key in ["", "  ", "kna_a\nb_secret", "kna_ä_secret\0"] {
        let error = Client::builder().api_key(key).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(
            !format!("{error} {error:?}").contains("secret"),
            "{error:?}"
        );
    }
    assert!(
        Client::builder().api_key("kna_a_b\n").build().is_ok(),
        "as read from a file"
    );
}

#[test]
fn a_key_travels_unencrypted_only_within_this_machine() {
    for url in [
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://[::1]:8080/api/v2/agent/",
    ] {
        assert!(builder(url).build().is_ok(), "{url}");
    }
    for url in [
        "http://konektor.id",
        "http://10.0.0.1",
        "http://localhost.evil.example",
    ] {
        let error = builder(url).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.message().contains("https://"), "{error}");
        assert!(
            builder(url).allow_insecure_http(true).build().is_ok(),
            "{url}"
        );
    }
}

#[tokio::test]
async fn a_server_without_trusted_tls_gets_no_key_and_is_not_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection
            .write_all(b"HTTP/1.1 200 OK\r\n\r\n")
            .await
            .unwrap();
        let mut received = Vec::new();
        let _ = connection.read_to_end(&mut received).await;
        received
    });

    let client = builder(&url).retries(Retries::default()).build().unwrap();
    let error = client.workspace().show().send().await.unwrap_err();

    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Network, 1));
    assert_eq!(error.retry(), Retry::Never);
    let received = String::from_utf8_lossy(&server.await.unwrap()).into_owned();
    assert!(!received.contains("secret"), "{received}");
}

#[test]
fn a_base_url_that_is_none_is_refused() {
    for url in [
        "konektor.id",
        "ftp://konektor.id",
        "https://",
        "https://user:hunter2@konektor.id",
        "https://konektor.id?key=hunter2",
        "https://konektor.id/#hunter2",
    ] {
        let error = builder(url).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{url}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn the_path_of_the_api_is_added_to_the_base_url_when_it_is_not_there() {
    let api = Api::answering(documented("workspace_show")).await;

    for suffix in [
        "",
        "/",
        "/api/v2/agent",
        "/api/v2/agent/",
        "/behind/a/proxy/",
    ] {
        let url = format!("{}{suffix}", api.server.uri());
        builder(&url)
            .build()
            .unwrap()
            .workspace()
            .show()
            .send()
            .await
            .unwrap();
    }

    let paths = api
        .requests()
        .await
        .into_iter()
        .map(|it| it.url.path().to_owned());
    let plain = "/api/v2/agent/workspace";
    assert_eq!(
        paths.collect::<Vec<_>>(),
        [
            plain,
            plain,
            plain,
            plain,
            "/behind/a/proxy/api/v2/agent/workspace"
        ]
    );
}

#[tokio::test]
async fn a_program_may_say_what_it_is_called() {
    let api = Api::answering(documented("workspace_show")).await;
    let named = builder(&api.server.uri())
        .user_agent("toko-budi/1.0")
        .build()
        .unwrap();

    named.workspace().show().send().await.unwrap();
    api.client.workspace().show().send().await.unwrap();

    let requests = api.requests().await;
    assert_eq!(requests[0].headers["user-agent"], "toko-budi/1.0");
    assert!(
        requests[1].headers["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("konektor-sdk/")
    );
    assert_eq!(
        builder("https://konektor.id")
            .user_agent("a\nb")
            .build()
            .unwrap_err()
            .kind(),
        ErrorKind::Config
    );
}

#[test]
fn a_client_for_the_real_server_needs_nothing_but_a_key() {
    assert!(Client::builder().api_key(KEY).build().is_ok());
}

/// Runs `says_what_the_environment_makes` in a process of its own: the environment is one for all.
fn in_environment(variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "says_what_the_environment_makes", "--nocapture"])
        .env_remove("KONEKTOR_API_KEY")
        .env_remove("KONEKTOR_BASE_URL")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn says_what_the_environment_makes() {
    match Client::from_env() {
        Ok(_) => println!("a client"),
        Err(error) => println!("{:?}: {error}", error.kind()),
    }
}

#[test]
fn the_environment_gives_key_and_base_url() {
    let without_key = in_environment(&[]);
    assert!(
        without_key.contains("Config: set KONEKTOR_API_KEY"),
        "{without_key}"
    );
    assert!(in_environment(&[("KONEKTOR_API_KEY", "")]).contains("Config: set KONEKTOR_API_KEY"));

    let key = ("KONEKTOR_API_KEY", KEY);
    assert!(in_environment(&[key]).contains("a client"));
    assert!(in_environment(&[key, ("KONEKTOR_BASE_URL", "")]).contains("a client"));
    let wrong = in_environment(&[key, ("KONEKTOR_BASE_URL", "konektor")]);
    assert!(wrong.contains("Config: invalid base URL"), "{wrong}");
    assert!(!wrong.contains(KEY), "{wrong}");
}
