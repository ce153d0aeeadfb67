//! What happens when something goes wrong.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers fail the test that calls them"
)]

mod support;

use std::io::{self, Write};

use konektor_spec::Spec;
use konektor_testing::{KEY, REQUEST_ID, answer, failure};
use serde_json::Value;
use support::{Api, shortest};

/// A 409 that names candidates is for the caller to mend, any other one passes by itself.
fn exit_code(status: u16, example: &Value) -> u8 {
    let is_ambiguous = status == 409 && example["error"]["details"]["id"].is_string();
    match status {
        409 if is_ambiguous => 6,
        401 | 403 => 4,
        404 => 5,
        400 | 413 | 415 | 422 => 6,
        429 => 7,
        408 | 409 | 500 | 503 | 504 => 8,
        other => panic!("no exit code for {other}"),
    }
}

#[test]
fn every_documented_failure_has_its_exit_code_and_says_what_to_do() {
    for operation in Spec::builtin().operations() {
        for response in operation.responses.iter().filter(|it| it.status >= 400) {
            let status = response.status;
            let api = Api::answering(failure(&operation.id, status));
            let ran = api.run(shortest(&operation.id));
            let what = format!("{} {status}: {}", operation.id, ran.stderr);
            assert_eq!(ran.code, exit_code(status, &response.example), "{what}");
            assert_eq!(ran.stdout, "", "{what}");
            let lines: Vec<_> = ran.stderr.lines().collect();
            assert!(
                lines.len() >= 3 && lines[0].starts_with("error: "),
                "{what}"
            );
            assert_eq!(
                lines[lines.len() - 1],
                format!("  request {REQUEST_ID}"),
                "{what}"
            );
        }
    }
}

#[test]
fn the_exit_codes_are_in_the_help() {
    let help = Api::silent().run("konektor help exit-codes");
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
    let codes: Vec<_> = help
        .stdout
        .lines()
        .filter_map(|line| line.split_whitespace().next()?.parse::<u8>().ok())
        .collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 130]);
}

fn told(operation: &str, status: u16) -> String {
    Api::answering(failure(operation, status))
        .run(shortest(operation))
        .stderr
}

#[test]
fn people_are_told_what_to_do() {
    insta::assert_snapshot!(told("leads_create", 400), @r"
    error: 2 fields are not valid
      email: Invalid email
      first-name: Required
      see: konektor leads create --help
      request 5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f
    ");
    insta::assert_snapshot!(told("leads_get", 404), @r"
    error: No lead of this workspace has that id, uniqueCode, externalRef or phone
      find the lead with: konektor leads list --search …
      request 5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f
    ");
    insta::assert_snapshot!(told("leads_update", 403), @r"
    error: The key lacks the scope agent.leads.write
      use a key with the scope agent.leads.write, from an address that the key allows, on a plan with the Agent API
      request 5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f
    ");
    insta::assert_snapshot!(told("leads_create", 503), @r"
    error: The service is not available at the moment; try again
      try again in a moment
      request 5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f
    ");
}

#[test]
fn a_wait_is_told_in_words() {
    let told = |seconds: &str| {
        let limited = failure("leads_list", 429).insert_header("retry-after", seconds);
        Api::answering(limited).run("konektor leads list").stderr
    };
    for (seconds, words) in [
        (
            "1",
            "retry in 1 second, or pass --max-wait 1s to wait automatically",
        ),
        (
            "60",
            "retry in 60 seconds, or pass --max-wait 60s to wait automatically",
        ),
        // Nobody is to sit before a program until tomorrow.
        ("61", "try again in 61 seconds"),
        ("121", "try again in 3 minutes"),
        ("30000", "try again in 9 hours"),
    ] {
        let told = told(seconds);
        assert!(told.contains(&format!("\n  {words}\n")), "{told}");
    }
}

#[test]
fn one_bad_field_takes_one_line() {
    let body = serde_json::json!({"success": false, "error": {
        "code": "VALIDATION_ERROR", "message": "1 field is not valid",
        "details": {"lead.firstName": "Required"},
    }});
    let ran = Api::answering(answer(400).set_body_json(&body)).run(shortest("leads_upsert"));
    assert!(
        ran.stderr
            .starts_with("error: first-name: Required\n  see: "),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_dry_run_refuses_what_the_server_would() {
    for (arguments, why) in [
        (
            "create --first-name B --phone 60123000456",
            "write + and the country code",
        ),
        (
            "create --first-name B --phone 081234560009.0",
            "a spreadsheet has changed it",
        ),
        (
            "create --first-name B --phone '021-5550101/02'",
            "write one number",
        ),
        (
            "upsert --match-by phone --match-value 555123 --first-name B",
            "write + and the country code",
        ),
        ("create --first-name ' '", "Must not be blank"),
        ("update CRM-1 --first-name ' '", "Must not be blank"),
        (
            "create --first-name B --email 'Vivi <vivi@example.com>'",
            "Invalid email",
        ),
    ] {
        let api = Api::silent();
        let ran = api.run(&format!("konektor leads {arguments} --dry-run"));
        assert_ne!(ran.code, 0, "{arguments}");
        assert!(ran.stderr.contains(why), "{arguments}: {}", ran.stderr);
    }
    let same = "konektor leads upsert --match-by phone --match-value '+62 (0) 812-3456-0004' --first-name B --dry-run";
    assert_eq!(Api::silent().run(same).code, 0);
}

#[test]
fn programs_get_the_error_as_json() {
    let api = Api::answering(failure("leads_create", 400));
    let ran = api.run("konektor leads create --first-name Budi -o json");
    assert_eq!((ran.code, ran.stdout.as_str()), (6, ""));
    let error: Value = serde_json::from_str(&ran.stderr).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&error).unwrap(), @r#"
    {
      "code": "VALIDATION_ERROR",
      "message": "2 fields are not valid",
      "details": {
        "email": "Invalid email",
        "firstName": "Required"
      },
      "status": 400,
      "requestId": "5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f",
      "retryable": false,
      "retryAfter": null,
      "hint": "see: konektor leads create --help"
    }
    "#);

    let ran = api.run("konektor leads list --status qualifed --output=json");
    assert_eq!(ran.code, 2);
    let error: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(error["code"], "USAGE");
    assert_eq!(error["status"], Value::Null);
}

#[test]
fn a_word_that_is_not_allowed_comes_with_the_nearest_one() {
    let api = Api::silent();
    let ran = api.run("konektor leads update CRM-1024 --status qualifed");
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.stderr, @r"
    error: invalid value 'qualifed' for '--status <VALUE>'
      [possible values: pageview, new, contacted, responded, qualified, hot, proposal, negotiation, invoice, won, lost]
      tip: a similar value exists: 'qualified'
      see: konektor leads update --help
    ");
    assert!(api.requests().is_empty());
}

#[test]
fn wrong_usage_is_told_in_few_lines() {
    let told = |line: &str| {
        let ran = Api::silent().run(line);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{line}");
        ran.stderr
    };
    insta::assert_snapshot!(told("konektor lead list"), @r"
    error: unrecognized subcommand 'lead'
      tip: a similar subcommand exists: 'leads'
      see: konektor --help
    ");
    insta::assert_snapshot!(told("konektor leads lst"), @r"
    error: unrecognized subcommand 'lst'
      tip: a similar subcommand exists: 'list'
      see: konektor leads --help
    ");
    insta::assert_snapshot!(told("konektor help leads lst"), @r"
    error: unrecognized subcommand 'lst'
      tip: a similar subcommand exists: 'list'
      see: konektor leads --help
    ");
    insta::assert_snapshot!(told("konektor leads list --statsu new"), @r"
    error: unexpected argument '--statsu' found
      tip: a similar argument exists: '--status'
      see: konektor leads list --help
    ");
    insta::assert_snapshot!(told("konektor leads list new"), @r"
    error: unexpected argument 'new' found
      see: konektor leads list --help
    ");
    insta::assert_snapshot!(told("konektor leads list --limit ten"), @r"
    error: invalid value 'ten' for '--limit <NUMBER>': not a whole number
      see: konektor leads list --help
    ");
    insta::assert_snapshot!(told("konektor leads list --limit 5 --all"), @r"
    error: the argument '--limit <NUMBER>' cannot be used with '--all'
      see: konektor leads list --help
    ");
    insta::assert_snapshot!(told("konektor leads list --limit 5 --limit 6"), @r"
    error: the argument '--limit <NUMBER>' cannot be used multiple times
      see: konektor leads list --help
    ");
    insta::assert_snapshot!(told("konektor leads upsert"), @r"
    error: the following required arguments were not provided: --match-by <VALUE>, --match-value <TEXT>
      see: konektor leads upsert --help
    ");
    insta::assert_snapshot!(told("konektor leads list --columns phon"), @r"
    error: invalid value 'phon' for '--columns <FIELDS>'
      [possible values: id, uniqueCode, externalRef, firstName, lastName, email, phone, status, priority, source, adPlatform, assignedTo, estimatedValue, actualValue, notes, campaignName, conversionSyncStatus, createdAt, updatedAt]
      tip: a similar value exists: 'phone'
      see: konektor leads list --help
    ");
    insta::assert_snapshot!(told("konektor leads list --jq '.data['"), @r"
    error: invalid value '.data[' for '--jq <EXPRESSION>': invalid jq expression: it ends too early
      see: konektor leads list --help
    ");
}

#[test]
fn wrong_usage_is_2_and_sends_nothing() {
    let api = Api::silent();
    for line in [
        "konektor",
        "konektor leads",
        "konektor support ticket",
        "konektor leads lst",
        "konektor leads list --statsu new",
        "konektor leads list --limit ten",
        "konektor leads list --assigned-to me",
        "konektor leads list -o xml",
        "konektor leads list --page 2 --limit 101",
        "konektor analytics funnel --watch 0",
        "konektor help leads lst",
        "konektor completion csh",
        "konektor skill check --target everyone",
        "konektor leads get",
        "konektor leads create",
        "konektor leads create --first-name Budi --estimated-value NaN",
        "konektor leads upsert --match-by phone",
        "konektor leads list --base-url nowhere",
        "konektor leads list --base-url http://konektor.example",
    ] {
        let ran = api.run(line);
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (2, ""),
            "{line}: {}",
            ran.stderr
        );
        assert!(!ran.stderr.is_empty(), "{line}");
    }
    assert!(api.requests().is_empty());
}

#[test]
fn a_lead_that_would_be_another_path_is_not_valid() {
    for lead in ["''", "..", "."] {
        let api = Api::silent();
        assert_eq!(api.run(&format!("konektor leads get {lead}")).code, 6);
        assert!(api.requests().is_empty());
    }
}

#[test]
fn without_a_key_only_the_guide_can_be_read() {
    for key in [None, Some(""), Some(" ")] {
        for operation in Spec::builtin().operations() {
            let api = Api::documented(&operation.id).with_key(key);
            let ran = api.run(shortest(&operation.id));
            if operation.scope().is_none() {
                assert_eq!(ran.code, 0, "{}", ran.stderr);
                continue;
            }
            assert_eq!(ran.code, 4, "{}", operation.id);
            assert!(
                ran.stderr.contains("export KONEKTOR_API_KEY="),
                "{}",
                ran.stderr
            );
            assert!(api.requests().is_empty());
        }
    }
}

#[test]
fn a_server_that_is_not_there_is_8() {
    let api = Api::silent();
    let ran = api.run("konektor leads list --base-url http://127.0.0.1:1");
    assert_eq!(ran.code, 8);
    assert!(
        ran.stderr
            .contains("http://127.0.0.1:1 (--base-url, KONEKTOR_BASE_URL or the profile)"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_page_that_is_not_the_apis_asks_for_the_address() {
    let html = answer(404).set_body_raw("<html>nothing here</html>", "text/html");
    let ran = Api::answering(html).run("konektor leads get CRM-1024");
    assert_eq!(ran.code, 5);
    assert!(
        ran.stderr
            .contains("no Konektor API found at http://127.0.0.1:"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_proxys_page_is_the_status_it_came_with() {
    let html = answer(503).set_body_raw("<html>down</html>", "text/html");
    assert_eq!(Api::answering(html).run("konektor leads list").code, 8);
    let login = answer(200).set_body_raw("<html>login</html>", "text/html");
    assert_eq!(Api::answering(login).run("konektor leads list").code, 8);
}

#[test]
fn the_key_is_in_no_output() {
    let mut ran = Vec::new();
    for operation in Spec::builtin().operations() {
        let line = shortest(&operation.id);
        for status in operation.responses.iter().map(|response| response.status) {
            let api = if status < 400 {
                Api::documented(&operation.id)
            } else {
                Api::answering(failure(&operation.id, status))
            };
            let api = api.on_a_terminal(80);
            ran.push(api.run(line));
            ran.push(api.run(&format!("{line} -o json")));
        }
        ran.push(Api::silent().run(&format!("{line} --help")));
    }
    let api = Api::silent();
    ran.push(api.run("konektor --help"));
    ran.push(api.run("konektor leads list --base-url http://127.0.0.1:1 -o json"));
    ran.push(api.run("konektor leads list --base-url nowhere"));
    ran.push(
        Api::silent()
            .with_key(Some("kna_3fJxTest_\u{1}averysecretsecret"))
            .run("konektor leads list"),
    );
    for line in [
        "auth login KEY",
        "auth login --key KEY",
        "auth login --key=KEY",
        "KEY",
        "leads KEY",
        "help KEY",
        "leads list KEY",
        "leads list --KEY",
        "leads list --limit KEY",
        "leads list --status KEY",
        "leads list --columns KEY",
        "leads list --base-url KEY",
        "config get KEY",
        "config set output KEY",
        "completion KEY",
        "leads list --output KEY",
    ] {
        let line = format!("konektor {}", line.replace("KEY", KEY));
        for line in [format!("{line} -o json"), line] {
            let typed = api.run(&line);
            assert_eq!(typed.code, 2, "{line}: {}", typed.stderr);
            ran.push(typed);
        }
    }
    for line in [
        "leads create --first-name KEY --notes 'mine is KEY'",
        "leads update KEY --first-name Budi",
        "support ticket create --subject 'My key' --message 'It is KEY'",
        "api POST /KEY -f KEY=KEY",
        "api GET /leads -f search=KEY",
        "skill install --folder KEY",
        "leads export KEY.csv",
        "man KEY",
    ] {
        let line = format!("konektor {} --dry-run", line.replace("KEY", KEY));
        for line in [format!("{line} -o json"), line] {
            let tried = api.run(&line);
            assert_eq!(tried.code, 0, "{line}: {}", tried.stderr);
            assert!(tried.stdout.contains("kna_…"), "{}", tried.stdout);
            ran.push(tried);
        }
    }
    for ran in ran {
        let text = ran.stdout + &ran.stderr;
        assert!(
            !text.contains(KEY) && !text.contains("averysecret"),
            "{text}"
        );
    }
}

#[test]
fn a_line_break_in_a_value_does_not_end_the_message() {
    let api = Api::silent();
    for (line, message) in [
        (
            "konektor leads list --limit 'ten\nrows'",
            "error: invalid value 'ten rows' for '--limit <NUMBER>': not a whole number\n",
        ),
        (
            "konektor leads list 'new\nleads'",
            "error: unexpected argument 'new leads' found\n",
        ),
    ] {
        let ran = api.run(line);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.starts_with(message), "{}", ran.stderr);
    }
}

#[test]
fn a_key_is_not_typed_but_piped_in() {
    let ran = Api::silent().run(&format!("konektor auth login {KEY}"));
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.stderr, @r"
    error: unexpected argument 'kna_…' found
      the key is typed at a prompt, or piped in: pass show konektor | konektor auth login
    ");
}

#[test]
fn a_dry_run_of_any_request_shows_its_query() {
    let api = Api::silent();
    for (path, query) in [("/leads", "?"), ("/leads?page=2", "&")] {
        let ran = api.run(&format!(
            "konektor api GET {path} -f status=new -f 'search=budi & co' --dry-run"
        ));
        let url = format!("{}{}{path}", api.server.uri(), Spec::builtin().base_path());
        assert_eq!(
            ran.stdout,
            format!("GET {url}{query}status=new&search=budi+%26+co\n")
        );
    }
    assert!(api.requests().is_empty());
}

/// A stream that fails.
struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Err(self.0.into())
    }
}

fn into_broken(kind: io::ErrorKind, line: &str) -> (u8, String) {
    let api = Api::documented("leads_list");
    let mut stderr = Vec::new();
    let words = line.split_whitespace().map(str::to_owned);
    let code = api.run_into(words, &mut Broken(kind), &mut stderr);
    (code, String::from_utf8(stderr).unwrap())
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for line in ["konektor leads list", "konektor --help"] {
        assert_eq!(
            into_broken(io::ErrorKind::BrokenPipe, line),
            (0, String::new())
        );
    }
}

#[test]
fn a_full_disk_is_one() {
    for line in ["konektor leads list", "konektor --help"] {
        let (code, stderr) = into_broken(io::ErrorKind::StorageFull, line);
        assert_eq!(code, 1);
        assert!(
            stderr.starts_with("error: cannot write the output: "),
            "{stderr}"
        );
    }
}

#[test]
fn errors_that_nobody_can_read_keep_their_code() {
    let api = Api::answering(failure("leads_list", 429));
    let mut gone = Broken(io::ErrorKind::BrokenPipe);
    let words = ["konektor", "leads", "list"].map(str::to_owned);
    assert_eq!(api.run_into(words, &mut Vec::new(), &mut gone), 7);
}

/// Nobody knows whether the write happened; under the same key it happens once.
#[test]
fn a_write_may_be_run_again_under_its_own_key() {
    let api = Api::answering(answer(502));
    let failed = |line: &str| {
        let ran = api.run(line);
        assert_eq!(ran.code, 8, "{}", ran.stderr);
        let error: Value = serde_json::from_str(&ran.stderr).unwrap();
        (error["retryable"].clone(), error["hint"].clone())
    };
    let line = "konektor leads create --first-name Budi -o json";
    let look = "check whether it took effect before you try again";
    assert_eq!(failed(line), (false.into(), look.into()));
    let line = format!("{line} --idempotency-key order-1024");
    assert_eq!(failed(&line), (true.into(), "try again in a moment".into()));
    let keys: Vec<_> = api
        .requests()
        .iter()
        .map(|request| request.headers["idempotency-key"].clone())
        .collect();
    assert_ne!(keys[0], "order-1024");
    assert_eq!(keys[1], "order-1024");
}

#[test]
fn a_key_that_no_header_can_hold_is_refused() {
    let api = Api::silent();
    let ran = api.run("konektor leads create --first-name Budi --idempotency-key 'a b'");
    assert_ne!(ran.code, 0);
    assert!(
        ran.stderr.to_lowercase().contains("idempotency-key"),
        "{}",
        ran.stderr
    );
    assert!(api.requests().is_empty());
}

#[test]
fn a_dry_run_shows_the_idempotency_key_that_was_typed() {
    let api = Api::silent();
    let line = "konektor leads update CRM-1024 --clear notes --dry-run";
    let ran = api.run(line);
    assert!(!ran.stdout.contains("Key"), "{}", ran.stdout);
    let ran = api.run(&format!("{line} --idempotency-key order-1024"));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines[1], "Idempotency-Key: order-1024");
    let ran = api.run(&format!("{line} --idempotency-key order-1024 -o json"));
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["idempotencyKey"], "order-1024");
    assert!(api.requests().is_empty());
}

#[test]
fn a_request_that_cannot_be_built_leads_to_the_help() {
    let api = Api::silent();
    let ran = api.run("konektor api POST /leads/../workspace");
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.ends_with("\n  see: konektor api --help\n"),
        "{}",
        ran.stderr
    );
    assert!(api.requests().is_empty());
}
