//! The program itself, with its own environment and streams.
#![allow(clippy::unwrap_used, reason = "helpers fail the test that calls them")]

mod support;

use std::{
    io::Read as _,
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use konektor_testing::{KEY, example, failure, success};
use support::Api;
use wiremock::{Request, ResponseTemplate};

fn konektor(api: &Api) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_konektor"));
    program
        .env_remove("NO_COLOR")
        // Nothing is remembered from one test to the next.
        .env_remove("HOME")
        .env_remove("XDG_CACHE_HOME")
        .env("KONEKTOR_CONFIG_DIR", "/nowhere/konektor")
        .env("TZ", "UTC")
        .env("KONEKTOR_API_KEY", KEY)
        .env("KONEKTOR_BASE_URL", api.server.uri())
        .stdin(Stdio::null());
    program
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).unwrap()
}

#[test]
fn settings_come_from_the_environment() {
    let api = Api::documented("leads_list");
    let Output {
        status,
        stdout,
        stderr,
    } = konektor(&api).args(["leads", "list"]).output().unwrap();
    assert_eq!(status.code(), Some(0), "{}", text(&stderr));
    assert!(
        text(&stdout).contains("\tBudi\tSantoso\tbudi@example.com\t+6281234567890\tnew\t"),
        "{}",
        text(&stdout)
    );
    assert_eq!(text(&stderr), "");

    let request = api.request();
    let key = request.headers.get("authorization").unwrap();
    assert_eq!(key, &format!("Bearer {KEY}"));
    let agent = request.headers.get("user-agent").unwrap();
    assert!(agent.to_str().unwrap().starts_with("konektor-cli/"));
}

#[test]
fn a_flag_wins_over_the_environment() {
    let api = Api::documented("workspace_show");
    let status = konektor(&api)
        .env("KONEKTOR_BASE_URL", "http://127.0.0.1:1")
        .args(["--base-url", &api.server.uri(), "workspace", "show"])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn the_guide_needs_no_key() {
    let api = Api::documented("skill_show");
    let output = konektor(&api)
        .env_remove("KONEKTOR_API_KEY")
        .args(["skill", "show"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stdout),
        example("skill_show").as_str().unwrap()
    );
}

#[test]
fn failures_are_seen_by_the_shell() {
    let api = Api::silent();
    let code = |words: &[&str]| {
        let output = konektor(&api)
            .env_remove("KONEKTOR_API_KEY")
            .args(words)
            .output()
            .unwrap();
        output.status.code()
    };
    assert_eq!(code(&["--version"]), Some(0));
    assert_eq!(code(&["leads", "lst"]), Some(2));
    assert_eq!(code(&["leads", "list"]), Some(4));
}

/// They are told without reading the document, and say the same.
#[test]
fn help_of_the_program_is_told_fast_and_whole() {
    let api = Api::silent();
    for words in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["-V"],
        &["help"],
        &[],
    ] {
        let output = konektor(&api).args(words).output().unwrap();
        let line = std::iter::once("konektor").chain(words.iter().copied());
        let whole = api.run_words(line.map(str::to_owned));
        assert_eq!(output.status.code(), Some(whole.code.into()));
        assert_eq!(text(&output.stdout), whole.stdout, "{words:?}");
        assert_eq!(text(&output.stderr), whole.stderr, "{words:?}");
    }
}

/// `konektor leads list | head -c 10`, with more than a pipe holds.
#[test]
fn a_closed_pipe_is_silent() {
    let mut body = example("leads_list");
    let mut lead = body["data"][0].clone();
    lead["notes"] = "x".repeat(5000).into();
    body["data"] = (0..100).map(|_| lead.clone()).collect();
    let api = Api::answering(success("leads_list", &body));
    let lists = [
        "json",
        "ndjson",
        "yaml",
        "csv",
        "tsv",
        "markdown",
        "table --wide --columns notes",
    ]
    .map(|format| format!("leads list -o {format}"));
    let exports = ["json", "ndjson", "yaml", "csv", "tsv", "markdown"]
        .map(|format| format!("leads export - -o {format}"));
    for line in lists.iter().chain(&exports) {
        let mut program = konektor(&api)
            .args(line.split(' '))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();

        let mut stdout = program.stdout.take().unwrap();
        stdout.read_exact(&mut [0; 10]).unwrap();
        drop(stdout);

        let output = program.wait_with_output().unwrap();
        assert_eq!(text(&output.stderr), "", "{line}");
        assert_eq!(output.status.code(), Some(0), "{line}");
    }
}

/// `konektor leads list > /dev/full`
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let api = Api::documented("leads_list");
    for words in [
        &["leads", "list"][..],
        &["leads", "list", "-o", "csv"],
        &["--help"],
    ] {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = konektor(&api).args(words).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        let told = text(&output.stderr);
        assert!(
            told.starts_with("error: cannot write the output: "),
            "{told}"
        );
    }
}

#[test]
fn colours_can_be_forced_into_a_pipe() {
    let api = Api::documented("leads_list");
    let print = |force: &str| {
        let output = konektor(&api)
            .env("CLICOLOR_FORCE", force)
            .args(["leads", "list", "-o", "table"])
            .output()
            .unwrap();
        text(&output.stdout).to_owned()
    };
    assert!(print("1").contains("\u{1b}["));
    assert!(!print("0").contains('\u{1b}'));
}

/// Into a pipe a watched answer is written again and again, and Ctrl-C ends it.
#[cfg(unix)]
#[test]
fn watching_into_a_pipe_goes_on_until_it_is_interrupted() {
    use std::io::{BufRead as _, BufReader};

    let api = Api::documented("conversions_status");
    let mut program = konektor(&api)
        .args(["conversions", "status", "--watch", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let three: Vec<_> = lines.by_ref().take(3).map(Result::unwrap).collect();
    assert_eq!(three[0], "pending\tsynced\tpartial\tfailed\tnone");
    assert_eq!(three[1], three[2]);

    let pid = program.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let output = program.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(text(&output.stderr), "");
}

/// The first row tells how many requests are left; the next eight are sent at once, and come too late all the same.
#[test]
fn requests_that_wait_for_the_same_are_told_of_once() {
    let sent = AtomicUsize::new(0);
    let api = Api::responding(move |_: &Request| -> ResponseTemplate {
        match sent.fetch_add(1, Ordering::Relaxed) {
            // All eight are under way before the first is answered.
            1..=8 => failure("leads_create", 429)
                .insert_header("retry-after", "1")
                .set_delay(Duration::from_millis(700)),
            _ => success("leads_create", &example("leads_create")),
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.csv");
    std::fs::write(&file, format!("First Name{}", "\nBudi".repeat(9))).unwrap();

    let output = konektor(&api)
        .args(["leads", "import"])
        .arg(&file)
        .output()
        .unwrap();
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert_eq!(api.requests().len(), 17);
    let waits = told.lines().filter(|line| line.starts_with("retrying in "));
    assert_eq!(waits.count(), 1, "{told}");
}

#[test]
fn a_proxy_that_cannot_be_read_is_an_error_that_names_its_variable() {
    let api = Api::documented("leads_list");
    for line in ["leads list", "leads list -o json", "doctor"] {
        for proxy in [
            "socks://somebody:s3cr3t@127.0.0.1:1080",
            "http://somebody:s3cr3t@",
        ] {
            let mut program = konektor(&api);
            let program = program
                .args(line.split(' '))
                .env("KONEKTOR_BASE_URL", "https://127.0.0.1:1")
                .env_remove("NO_PROXY")
                .env_remove("no_proxy")
                .env("HTTPS_PROXY", proxy);
            let output = program.output().unwrap();
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8_lossy(&text);
            assert_eq!(output.status.code(), Some(2), "{line}: {text}");
            assert!(text.contains("HTTPS_PROXY"), "{line}: {text}");
            for secret in ["somebody", "s3cr3t", KEY] {
                assert!(!text.contains(secret), "{line}: {text}");
            }
        }
    }
}

#[test]
fn doctor_names_the_proxy_without_its_credentials() {
    let api = Api::documented("leads_list");
    let mut program = konektor(&api);
    let program = program
        .args(["doctor", "-o", "json"])
        .env("KONEKTOR_BASE_URL", "https://127.0.0.1:1")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env("HTTPS_PROXY", "http://somebody:s3cr3t@127.0.0.1:1");
    let output = program.output().unwrap();
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let rows = findings.as_array().unwrap();
    let proxy = rows.iter().find(|row| row["check"] == "proxy").unwrap();
    assert_eq!(proxy["message"], "127.0.0.1:1 (HTTPS_PROXY)");
    assert!(!text(&output.stdout).contains("s3cr3t"), "{findings}");
    assert!(!text(&output.stderr).contains("s3cr3t"), "{findings}");
}

#[test]
fn a_dry_run_needs_neither_certificates_nor_a_usable_proxy() {
    let api = Api::silent();
    for line in [
        "leads update CRM-1024 --status won --dry-run",
        "api POST /leads -f firstName=Budi --dry-run",
    ] {
        let mut program = konektor(&api);
        let program = program
            .args(line.split(' '))
            .env("KONEKTOR_BASE_URL", "https://127.0.0.1:1")
            .env_remove("NO_PROXY")
            .env_remove("no_proxy")
            .env("HTTPS_PROXY", "socks://127.0.0.1:1080")
            .env("SSL_CERT_FILE", "/nonexistent")
            .env("SSL_CERT_DIR", "/nonexistent");
        let output = program.output().unwrap();
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{line}: {told}");
        assert!(
            text(&output.stdout).contains("https://127.0.0.1:1/"),
            "{line}"
        );
    }
}
