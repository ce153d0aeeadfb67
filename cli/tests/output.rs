//! What people and programs see.
#![allow(clippy::unwrap_used, reason = "helpers fail the test that calls them")]

mod support;

use konektor_spec::Spec;
use serde_json::{Value, json};
use support::{Api, answer, example, failure, operation, shortest, success};

/// The help of every command, one golden file each.
#[test]
fn help() {
    let api = Api::silent();
    let mut lines = vec!["konektor".to_owned()];
    for operation in Spec::builtin().operations() {
        let words: Vec<_> = operation.id.split('_').collect();
        for count in 1..=words.len() {
            lines.push(format!("konektor {}", words[..count].join(" ")));
        }
    }
    lines.sort();
    lines.dedup();
    for line in lines {
        let ran = api.run(&format!("{line} --help"));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{line}");
        insta::assert_snapshot!(format!("help {line}").replace(' ', "_"), ran.stdout);
    }
}

/// The document's examples, as tables on a terminal of 100 columns.
#[test]
fn tables() {
    for operation in Spec::builtin().operations() {
        let api = Api::documented(&operation.id)
            .at(
                "/workspace",
                success("workspace_show", &example("workspace_show")),
            )
            .on_a_terminal(100);
        let ran = api.run(shortest(&operation.id));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        insta::assert_snapshot!(format!("table_{}", operation.id), ran.stdout);
    }
}

#[test]
fn json_is_the_apis_data() {
    for operation in Spec::builtin().operations() {
        let api = Api::documented(&operation.id);
        let ran = api.run(&format!("{} -o json", shortest(&operation.id)));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));

        let mut answered = example(&operation.id);
        let wanted = match answered.as_object_mut() {
            None => answered,
            Some(answer) if answer.len() == 2 => answer["data"].take(),
            Some(answer) => {
                answer.shift_remove("success");
                answered
            }
        };
        let json: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(json, wanted, "{}", operation.id);
        assert_eq!(ran.stdout, format!("{wanted}\n"), "{}", operation.id);
    }
}

#[test]
fn json_keeps_what_a_newer_server_says_and_is_indented_for_eyes() {
    let mut body = example("leads_list");
    body["data"][0]["mood"] = json!({"now": ["sunny"]});
    body["notice"] = "maintenance at noon".into();
    let api = Api::answering(success("leads_list", &body)).on_a_terminal(80);

    let ran = api.run("konektor leads list -o json");

    body.as_object_mut().unwrap().shift_remove("success");
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json, body);
    assert_eq!(
        ran.stdout,
        format!("{}\n", serde_json::to_string_pretty(&body).unwrap())
    );
    assert_eq!(ran.stderr, "");
}

fn leads(count: i64, page: i64, total: i64) -> Value {
    let mut body = example("leads_list");
    let lead = body["data"][0].clone();
    body["data"] = (0..count).map(|_| lead.clone()).collect();
    let pages = (total + 49) / 50;
    body["pagination"] = json!({
        "page": page, "limit": 50, "total": total, "totalPages": pages,
        "nextCursor": (page < pages).then(|| format!("cursor-{page}")),
    });
    body
}

fn note(body: &Value, line: &str) -> String {
    let api = Api::answering(success("leads_list", body)).on_a_terminal(100);
    let ran = api.run(line);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran.stderr
}

#[test]
fn a_list_says_how_to_go_on() {
    assert_eq!(
        note(
            &leads(50, 1, 2013),
            "konektor leads list --status new --search 'budi d'\\''amore'"
        ),
        "50 of 2,013 · more: konektor leads list --status new --search \"budi d'amore\" --page 2\n"
    );
    assert_eq!(
        note(
            &leads(50, 2, 412),
            "konektor leads list --limit 50 --page=2"
        ),
        "51–100 of 412 · more: konektor leads list --limit 50 --page 3\n"
    );
    assert_eq!(
        note(&leads(50, 2, 412), "konektor leads list --cursor cursor-1"),
        "51–100 of 412 · more: konektor leads list --cursor cursor-2\n"
    );
}

#[test]
fn the_last_page_says_so_and_a_single_one_says_nothing() {
    assert_eq!(
        note(&leads(12, 9, 412), "konektor leads list --page 9"),
        "401–412 of 412\n"
    );
    assert_eq!(note(&leads(12, 1, 12), "konektor leads list"), "");
    assert_eq!(
        note(&leads(0, 1, 0), "konektor leads list"),
        "nothing found\n"
    );
    assert_eq!(
        note(&leads(0, 99, 412), "konektor leads list --page 99"),
        "nothing on this page; 412 in all\n"
    );
}

/// What `more:` says is what a shell makes of it: the next page with the same filters.
#[test]
fn the_way_on_can_be_copied() {
    let api = Api::answering(success("leads_list", &leads(50, 1, 412))).on_a_terminal(100);
    let base_url = api.server.uri();
    let ran = api.run(&format!(
        "konektor leads list --search 'it'\\''s $HOME;' --base-url {base_url}/ --page 1"
    ));
    let line = ran
        .stderr
        .trim_end()
        .split_once("more: ")
        .unwrap()
        .1
        .to_owned();

    api.run(&line);

    let query = |at: usize| {
        let request = api.requests().remove(at);
        let mut query: Vec<_> = request.url.query_pairs().into_owned().collect();
        query.retain(|(name, _)| name != "page");
        query
    };
    assert_eq!(query(0), query(1));
    assert!(api.requests()[1].url.query().unwrap().contains("page=2"));
}

#[test]
fn hints_are_for_people_only() {
    let api = Api::answering(success("leads_list", &leads(50, 1, 412)));
    assert_eq!(api.run("konektor leads list").stderr, "");
    let api = api.on_a_terminal(80);
    assert_eq!(api.run("konektor leads list -o json").stderr, "");
}

#[test]
fn a_list_of_leads_costs_one_request() {
    let api = Api::documented("leads_list").on_a_terminal(80);
    api.run("konektor leads list");
    assert_eq!(api.requests().len(), 1);
}

#[test]
fn amounts_are_in_the_workspaces_currency_where_it_is_known() {
    let summary = || Api::documented("analytics_summary");
    let workspace = success("workspace_show", &example("workspace_show"));
    let table = summary()
        .at("/workspace", workspace)
        .run("konektor analytics summary")
        .stdout;
    assert!(table.contains("Rp 60.000.000"), "{table}");
    assert!(
        table.contains("2024-12-17 00:00 WIB to 2025-01-15 23:59 WIB"),
        "{table}"
    );

    let table = summary()
        .at("/workspace", failure("workspace_show", 403))
        .run("konektor analytics summary");
    assert_eq!(table.code, 0);
    assert!(table.stdout.contains(" 60,000,000"), "{}", table.stdout);
    assert!(
        table.stdout.contains("2024-12-16 17:00 UTC"),
        "{}",
        table.stdout
    );

    let api = summary();
    api.run("konektor analytics summary -o json");
    assert_eq!(api.requests().len(), 1);
}

#[test]
fn a_narrow_terminal_shows_what_matters_most() {
    let api = Api::documented("leads_list").on_a_terminal(44);
    insta::assert_snapshot!(api.run("konektor leads list").stdout, @r"
     NAME          PHONE              STATUS
     Budi Santoso  +62 812-3456-7890  new
    ");
}

#[test]
fn a_pipe_gets_every_column_in_full() {
    let mut body = example("leads_list");
    body["data"][0]["campaignName"] = "A campaign with a very long name".repeat(9).into();
    let api = Api::answering(success("leads_list", &body));
    let table = api.run("konektor leads list").stdout;
    assert!(table.contains(body["data"][0]["campaignName"].as_str().unwrap()));
    assert!(!table.contains('…'));
}

#[test]
fn colours_are_for_a_terminal_that_wants_them() {
    let table = Api::documented("leads_list")
        .on_a_terminal(100)
        .in_color()
        .run("konektor leads list")
        .stdout;
    assert_eq!(table.matches("\u{1b}[38;5;6m").count(), 1, "{table:?}");
    assert_eq!(
        table.replace("\u{1b}[38;5;6m", "").matches("new").count(),
        1
    );
}

/// What a terminal would obey: everything but printable text and line ends.
fn obeyed(text: &str) -> String {
    text.chars()
        .filter(|letter| {
            letter.is_control() && *letter != '\n'
                || ('\u{202a}'..='\u{202e}').contains(letter)
                || ('\u{2066}'..='\u{2069}').contains(letter)
        })
        .collect()
}

/// Puts something nasty into every text of an answer that a stranger may have written.
fn poison(value: &mut Value) {
    const NASTY: &str = "x\u{1b}]0;pwned\u{7}\u{9b}2J\u{7f}\u{202e}evil\u{2066}\r\n\u{8}";
    match value {
        Value::String(text) if text.parse::<konektor_sdk::jiff::Timestamp>().is_err() => {
            text.push_str(NASTY);
        }
        Value::Array(values) => values.iter_mut().for_each(poison),
        Value::Object(fields) => fields.values_mut().for_each(poison),
        _ => {}
    }
}

#[test]
fn control_characters_never_reach_a_terminal() {
    for operation in Spec::builtin().operations() {
        let mut body = example(&operation.id);
        poison(&mut body);
        let api = Api::answering(success(&operation.id, &body)).on_a_terminal(100);
        for format in ["", "-o json"] {
            let ran = api.run(&format!("{} {format}", shortest(&operation.id)));
            assert_eq!(ran.code, 0, "{}: {}", operation.id, ran.stderr);
            let poisoned = body.to_string().contains("evil");
            assert_eq!(ran.stdout.contains("evil"), poisoned, "{}", operation.id);
            assert_eq!(obeyed(&(ran.stdout + &ran.stderr)), "", "{}", operation.id);
        }
    }
}

#[test]
fn control_characters_of_errors_never_reach_a_terminal() {
    let mut body = operation("leads_create").responses[1].example.clone();
    poison(&mut body);
    let api = Api::answering(answer(400).set_body_json(&body)).on_a_terminal(100);
    for line in [
        "konektor leads create --first-name Budi",
        "konektor leads create --first-name Budi -o json",
        "konektor leads list --status 'x\u{1b}[2J\u{202e}'",
        "konektor leads list --limit 'x\u{1b}[2J\u{202e}'",
        "konektor '\u{1b}[2J\u{202e}'",
        "konektor leads list --base-url 'x\u{1b}[2J\u{202e}'",
    ] {
        let ran = api.run(line);
        assert_ne!(ran.code, 0);
        assert_eq!(obeyed(&(ran.stdout + &ran.stderr)), "", "{line:?}");
    }
}

#[test]
fn the_guide_is_passed_on_byte_by_byte_into_a_file() {
    let guide = json!("# Guide\r\n\ttext\u{200f}\n");
    let api = Api::answering(success("skill_show", &guide)).with_key(None);
    assert_eq!(
        api.run("konektor skill show").stdout,
        guide.as_str().unwrap()
    );
}
