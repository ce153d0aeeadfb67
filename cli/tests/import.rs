//! Imports through servers and proxies of all kinds.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers fail the test that calls them"
)]

mod support;

use std::{
    collections::HashMap,
    fmt::Write as _,
    net::TcpListener,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use konektor_testing::{example, failure};
use serde_json::{Value, json};
use support::{Api, Ran};
use tempfile::TempDir;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::any};

/// A folder with a file to import in it.
fn file(bytes: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.csv");
    std::fs::write(&file, bytes).unwrap();
    (folder, file)
}

fn rows(count: usize) -> String {
    let mut text = "firstName,email\n".to_owned();
    for number in 0..count {
        writeln!(text, "Lead {number},lead{number}@example.com").unwrap();
    }
    text
}

fn import(api: &Api, file: &std::path::Path, flags: &str) -> Ran {
    let words = format!(
        "konektor leads import {} -y -o json {flags}",
        file.display()
    );
    api.run(&words)
}

fn answer(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran:?}"))
}

fn created() -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(example("leads_create"))
}

fn name(request: &Request) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    body["firstName"].as_str().unwrap().to_owned()
}

/// Neither answers nor refusals say anything of the rate limit.
#[test]
fn an_import_needs_no_rate_headers() {
    let api = Api::responding(|request: &Request| {
        if name(request) == "Lead 2" {
            ResponseTemplate::new(400).set_body_json(json!({"success": false, "error": {
                "code": "VALIDATION_ERROR", "message": "1 field is not valid",
                "details": {"email": "Not from here"},
            }}))
        } else {
            created()
        }
    });
    let (folder, file) = file(rows(40));
    let ran = import(&api, &file, "");
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let answer = answer(&ran);
    assert_eq!([&answer["created"], &answer["rejected"]], [39, 1]);
    assert_eq!(
        std::fs::read_to_string(folder.path().join("leads.rejects.csv")).unwrap(),
        "firstName,email,importLine,importError\nLead 2,lead2@example.com,4,email: Not from here\n"
    );
    assert_eq!(api.requests().len(), 40);
}

/// A page of a proxy is no word of the API about the row.
#[test]
fn a_proxys_refusal_is_not_the_rows() {
    let page = ResponseTemplate::new(400).set_body_raw("<html>no</html>", "text/html");
    let (folder, file) = file(rows(3));
    let ran = import(&Api::answering(page), &file, "--max-wait 0");
    assert_ne!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("nothing is lost"), "{}", ran.stderr);
    assert!(folder.path().join("leads.csv.checkpoint").exists());
}

/// Answers some rows 429 the first time, and remembers when which row came.
#[derive(Clone)]
struct Limited {
    headers: bool,
    limited: &'static [&'static str],
    came: Arc<Mutex<Vec<(String, Instant)>>>,
}

impl Respond for Limited {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let name = name(request);
        let mut came = self.came.lock().unwrap();
        let is_first = came.iter().all(|(known, _)| *known != name);
        came.push((name.clone(), Instant::now()));
        let answer = if is_first && self.limited.contains(&name.as_str()) {
            failure("leads_create", 429).insert_header("retry-after", "1")
        } else {
            let answer = if self.headers {
                konektor_testing::answer(201)
            } else {
                ResponseTemplate::new(201)
            };
            answer.set_body_json(example("leads_create"))
        };
        answer.set_delay(Duration::from_millis(20))
    }
}

#[test]
fn a_row_that_waits_goes_before_new_ones() {
    for headers in [false, true] {
        let limited = Limited {
            headers,
            limited: &["Lead 0", "Lead 20", "Lead 21", "Lead 60"],
            came: Arc::default(),
        };
        let api = Api::responding(limited.clone());
        let (_folder, file) = file(rows(120));
        let ran = import(&api, &file, "");
        assert_eq!(
            (ran.code, answer(&ran)["created"].as_u64()),
            (0, Some(120)),
            "{ran:?}"
        );

        let came = limited.came.lock().unwrap();
        let mut tries: HashMap<&str, Vec<Instant>> = HashMap::new();
        for (name, at) in came.iter() {
            tries.entry(name).or_default().push(*at);
        }
        for name in limited.limited {
            let [first, second] = tries[name][..] else {
                panic!("{name} came {} times", tries[name].len());
            };
            assert!(
                second - first >= Duration::from_secs(1),
                "it waits as long as it was asked to"
            );
            // Those that were under way are answered meanwhile; nobody new comes in between.
            let between = tries.iter().filter(|(other, tries)| {
                !limited.limited.contains(other)
                    && tries[0] > first + Duration::from_millis(500)
                    && tries[0] < second
            });
            assert_eq!(between.count(), 0, "{name}");
        }
        assert_eq!(
            came.len(),
            120 + 4,
            "no row is sent more often than it must be"
        );
        let keys: std::collections::HashSet<_> = api
            .requests()
            .iter()
            .map(|request| {
                request.headers["idempotency-key"]
                    .to_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        assert_eq!(keys.len(), 120, "a row keeps its idempotency key");
    }
}

#[test]
fn a_limit_that_never_ends_stops_an_import() {
    let limited = failure("leads_create", 429).insert_header("retry-after", "1");
    let (_folder, file) = file(rows(3));
    let started = Instant::now();
    let ran = import(&Api::answering(limited), &file, "--max-wait 2s");
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(ran.stderr.contains("nothing is lost"), "{}", ran.stderr);
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_server_that_is_away_for_a_moment_ends_no_import() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (_folder, file) = file(rows(30));
    let server = thread::spawn(move || {
        thread::sleep(Duration::from_millis(1500));
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let server = runtime.block_on(async {
            let listener = TcpListener::bind(address).unwrap();
            let server = MockServer::builder().listener(listener).start().await;
            Mock::given(any())
                .respond_with(created())
                .mount(&server)
                .await;
            server
        });
        (runtime, server)
    });
    let api = Api::silent();
    let ran = import(&api, &file, &format!("--base-url http://{address}"));
    let (runtime, server) = server.join().unwrap();
    assert_eq!(
        (ran.code, answer(&ran)["created"].as_u64()),
        (0, Some(30)),
        "{ran:?}"
    );
    drop((server, runtime));

    let ran = import(
        &api,
        &file,
        &format!("--base-url http://{address} --max-wait 0"),
    );
    assert_eq!(ran.code, 8, "{ran:?}");
}

/// Rows that are no UTF-8 are in the rejects as they were, so that they can be mended there.
#[test]
fn rejects_keep_the_cells_of_rows_that_are_not_utf_8() {
    let (folder, file) =
        file(b"firstName;phone;notes\nRen\xe9;081200000110;jam 10 \x96 12\nAyu;081200000111;\n");
    let upserted = ResponseTemplate::new(201).set_body_json(example("leads_upsert"));
    let ran = import(&Api::answering(upserted.clone()), &file, "");
    assert_eq!(ran.code, 3, "{ran:?}");
    let rejects = folder.path().join("leads.rejects.csv");
    assert_eq!(
        std::fs::read(&rejects).unwrap(),
        b"firstName;phone;notes;importLine;importError\nRen\xe9;081200000110;jam 10 \x96 12;2;\"row: Not UTF-8; save the file as UTF-8\"\n"
    );
    // As an editor does that is told what the file is.
    let bytes = std::fs::read(&rejects).unwrap();
    let mended: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    std::fs::write(&rejects, mended).unwrap();
    let api = Api::answering(upserted);
    let ran = import(&api, &rejects, "");
    assert_eq!(ran.code, 0, "{ran:?}");
    let body: Value = serde_json::from_slice(&api.request().body).unwrap();
    assert_eq!(body["lead"]["firstName"], "René");
}
