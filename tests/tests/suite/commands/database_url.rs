//! No part of the password in a database URL is ever shown.

use std::process::Stdio;

use futures::{StreamExt as _, stream};
use konektor_tests::program;

/// A part of the password, which must not appear in any output.
const NEEDLE: &str = "xjvneedle";

/// URLs with passwords in many spellings. All of them are refused or point to no server.
fn urls() -> Vec<String> {
    let mut urls = Vec::new();
    let begins = [
        "", "1234", "12", "a", "0", "%", "%zz", "@", "a@b", "[", "[::1]", "a b", "\\", "p:", "&",
        "=",
    ];
    for scheme in ["postgres", "postgresql"] {
        for begin in begins {
            for sign in [
                "/", "?", "#", "@", "%", ":", "\\", "", "&", "?a=", "/?", "#?", "//", " ", "%2",
            ] {
                urls.push(format!(
                    "{scheme}://app:{begin}{sign}{NEEDLE}@127.0.0.1:1/k"
                ));
            }
        }
    }
    let behind = [
        "sslpassword=NEEDLE",
        "password=NEEDLE",
        "sslmode=NEEDLE",
        "sslmode=require;password=NEEDLE",
        "port=NEEDLE",
        "hostaddr=NEEDLE",
        "statement-cache-capacity=NEEDLE",
        "options=NEEDLE",
        "PASSWORD=NEEDLE",
        "passwd=NEEDLE",
        "connect_timeout=NEEDLE",
        "pass word=NEEDLE",
    ];
    for base in [
        "postgres://app@127.0.0.1:1/k",
        "postgres://127.0.0.1:1/k",
        "sqlite:/nowhere/k.db",
    ] {
        urls.extend(behind.map(|query| format!("{base}?{}", query.replace("NEEDLE", NEEDLE))));
    }
    urls.extend([
        format!("postgres://app:1234?{NEEDLE}"),
        format!("postgres://app:1234#{NEEDLE}"),
        format!("postgres:app:{NEEDLE}@127.0.0.1/k"),
        format!("postgres:/app:{NEEDLE}@127.0.0.1/k"),
        format!("Postgres://app:{NEEDLE}@127.0.0.1/k"),
        format!("mysql://app:{NEEDLE}@127.0.0.1/k"),
        format!("postgresql+ssl://app:{NEEDLE}@127.0.0.1/k"),
        format!("app:{NEEDLE}@127.0.0.1/k"),
        format!("sqlite://app:{NEEDLE}@127.0.0.1/k"),
        format!("sqlite://app:1/{NEEDLE}@127.0.0.1/k"),
        format!("sqlite:app:1/{NEEDLE}@127.0.0.1/k"),
        format!("'postgres://app:{NEEDLE}@127.0.0.1/k'"),
        format!(" postgres://app:{NEEDLE}@127.0.0.1:1/k"),
    ]);
    urls
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_part_of_a_password_is_shown_or_logged() {
    let runs = urls().into_iter().map(|url| async move {
        // From an option and from a variable, for a command and for a server with verbose logs.
        let mut command = program("konektor-server");
        command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", &url]);
        command.env("RUST_LOG", "debug");
        assert_kept(command, &url).await;
    });
    stream::iter(runs)
        .buffer_unordered(24)
        .collect::<Vec<()>>()
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_shows_a_part_of_a_password() {
    let shapes = [
        format!("postgres://app:1234/{NEEDLE}@127.0.0.1:1/k"),
        format!("postgres://app:/{NEEDLE}@127.0.0.1:1/k"),
        format!("postgres://app:1234?{NEEDLE}@127.0.0.1:1/k"),
        format!("postgres://app:{NEEDLE}@127.0.0.1:1/k?sslpassword={NEEDLE}"),
        format!("postgres://app:{NEEDLE}@127.0.0.1:1/k"),
        format!("sqlite://app:{NEEDLE}@127.0.0.1/k"),
    ];
    let commands = [
        "migrate",
        "workspace list",
        "workspace create --name Toko",
        "key create --workspace ws_1 --all-scopes",
        "key revoke aaaaaaaaaaaa",
        "encryption status",
        "encryption rotate-data --all",
        "seed --workspace ws_1 --leads 5",
        "serve --demo",
    ];
    let runs = shapes
        .iter()
        .flat_map(|url| commands.map(|words| (url.clone(), words)));
    let runs = runs.map(|(url, words)| async move {
        let mut given = program("konektor-server");
        given
            .args(words.split(' '))
            .env("KONEKTOR_DATABASE_URL", &url);
        assert_kept(given, &url).await;
        // Without its option, and with a misspelled option.
        for misplaced in [
            url.clone(),
            format!("--databse-url={url}"),
            format!("--database-urls={url}"),
        ] {
            let mut mistaken = program("konektor-server");
            mistaken.args(words.split(' ')).arg(misplaced);
            assert_kept(mistaken, &url).await;
        }
    });
    stream::iter(runs)
        .buffer_unordered(24)
        .collect::<Vec<()>>()
        .await;
}

#[tokio::test]
async fn a_password_that_is_not_encoded_is_told_how_to_be() {
    for sign in ["/", "?", "#"] {
        for begin in ["", "1234", "secret"] {
            let url = format!("postgres://app:{begin}{sign}more@127.0.0.1:1/k");
            let mut command = program("konektor-server");
            command.args(["workspace", "list", "--database-url", &url]);
            let output = command.output().await.unwrap();
            let stderr = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1));
            assert!(
                stderr.contains("percent-encode # / ? @ %"),
                "{url}: {stderr}"
            );
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
    }
}

async fn assert_kept(mut command: tokio::process::Command, url: &str) {
    let output = command
        .env(
            "KONEKTOR_MASTER_KEY",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .await
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(!output.status.success(), "{url}: {said}");
    assert!(!said.contains(NEEDLE), "{url}: {said}");
    assert!(!said.is_empty());
}
