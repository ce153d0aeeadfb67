//! What people and programs see.
#![allow(clippy::unwrap_used, reason = "helpers fail the test that calls them")]

mod support;

use konektor_cli::command;
use konektor_sdk::jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use konektor_spec::Spec;
use konektor_testing::{answer, example, failure, operation, success};
use serde_json::{Value, json};
use support::{Api, commands, shortest};

/// The help of every command, one golden file each.
#[test]
fn help() {
    let api = Api::silent();
    for (line, _) in commands(&command()) {
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
        "50 of 2,013 · all: konektor leads list --status new --search \"budi d'amore\" --all\n"
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
        "this page is empty; 412 in total\n"
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
fn an_analysis_that_was_cut_says_so_too() {
    let mut body = example("analytics_campaigns");
    body["truncated"] = true.into();
    let api = Api::answering(success("analytics_campaigns", &body));
    for format in ["", "-o json", "-o csv", "--jq length"] {
        let ran = api.run(&format!("konektor analytics campaigns {format}"));
        assert_eq!(ran.code, 0);
        assert!(
            ran.stderr.contains("only the first"),
            "{format}: {}",
            ran.stderr
        );
    }
    let api = Api::documented("analytics_campaigns");
    assert_eq!(api.run("konektor analytics campaigns").stderr, "");
    body = example("analytics_campaigns");
    body["data"] = json!([]);
    let api = Api::answering(success("analytics_campaigns", &body)).on_a_terminal(80);
    assert_eq!(
        api.run("konektor analytics campaigns").stderr,
        "nothing found\n"
    );
}

#[test]
fn hints_are_for_people_only() {
    let api = Api::answering(success("leads_list", &leads(0, 1, 0)));
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
    let summary = || Api::documented("analytics_summary").on_a_terminal(100);
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

/// What one command has learned of the workspace spares the next one a request.
#[test]
fn a_list_knows_the_currency_from_an_earlier_command() {
    let cache = tempfile::tempdir().unwrap();
    let leads = |now: &'static str| {
        let mut api = Api::documented("leads_list")
            .on_a_terminal(120)
            .with("XDG_CACHE_HOME", cache.path());
        api.now = now;
        api
    };
    let soon = "2025-01-15T10:33:00Z";
    assert!(
        leads(soon)
            .run("konektor leads list")
            .stdout
            .contains(" 5,000,000")
    );

    // The key is known by its id, and the server by its address.
    let summary = Api::documented("analytics_summary")
        .at(
            "/workspace",
            success("workspace_show", &example("workspace_show")),
        )
        .on_a_terminal(120)
        .with("XDG_CACHE_HOME", cache.path());
    summary.run("konektor analytics summary");
    assert_eq!(summary.requests().len(), 2);
    let line = format!("konektor leads list --base-url {}", summary.server.uri());
    let again = summary.at("/leads", success("leads_list", &example("leads_list")));
    let table = again.run(&line).stdout;
    assert!(table.contains("Rp 5.000.000"), "{table}");
    assert_eq!(again.requests().len(), 3);
    assert!(
        leads(soon)
            .run("konektor leads list")
            .stdout
            .contains(" 5,000,000")
    );

    let kept: Vec<_> = std::fs::read_dir(cache.path().join("konektor"))
        .unwrap()
        .collect();
    assert_eq!(kept.len(), 1);
    let file = kept[0].as_ref().unwrap().path();
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("averysecret") && !file.to_str().unwrap().contains("averysecret"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    let mut tomorrow = again;
    tomorrow.now = "2025-01-16T10:34:00Z";
    assert!(tomorrow.run(&line).stdout.contains(" 5,000,000"));
}

#[test]
fn a_summary_by_day_asks_for_each_day_and_draws_them() {
    let api = Api::documented("analytics_summary")
        .at(
            "/workspace",
            success("workspace_show", &example("workspace_show")),
        )
        .on_a_terminal(100);
    let ran = api.run("konektor analytics summary --by-day");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    // The example's period is of 30 days, up to the end of today: its total so far is asked for too.
    assert_eq!(api.requests().len(), 3 + 30);
    let picture = ran
        .stdout
        .lines()
        .find(|line| line.contains("leads by day"))
        .unwrap();
    assert_eq!(picture.matches('█').count(), 30, "{picture}");
    assert!(
        picture.ends_with("156 to 156 a day, most on 2024-12-17"),
        "{picture}"
    );

    let api = Api::documented("analytics_summary").at(
        "/workspace",
        success("workspace_show", &example("workspace_show")),
    );
    let json: Value = serde_json::from_str(
        &api.run("konektor analytics summary --by-day -o json")
            .stdout,
    )
    .unwrap();
    assert_eq!(json["totalLeads"], 156);
    let days = json["days"].as_array().unwrap();
    assert_eq!(days.len(), 30);
    assert_eq!(days[29]["date"], "2025-01-15");
    assert_eq!(days[29]["totalLeads"], 156);
    let asked: Vec<_> = api
        .requests()
        .iter()
        .filter_map(|r| r.url.query().map(str::to_owned))
        .collect();
    assert!(
        asked.contains(&"from=2025-01-14&to=2025-01-14".to_owned()),
        "{asked:?}"
    );
    let rows = api.run("konektor analytics summary --by-day").stdout;
    assert_eq!(rows.lines().count(), 31, "{rows}");
}

/// A workspace with a lead every 47 minutes, as a server counts them.
struct Counted {
    zone: TimeZone,
    period: (Timestamp, Timestamp),
}

impl wiremock::Respond for Counted {
    fn respond(&self, request: &wiremock::Request) -> wiremock::ResponseTemplate {
        let query = |name: &str| {
            let mut pairs = request.url.query_pairs();
            pairs
                .find(|(known, _)| known == name)
                .map(|(_, text)| text.into_owned())
        };
        let midnight = |date: Date| {
            date.to_zoned_datetime(self.zone.clone())
                .unwrap()
                .timestamp()
        };
        let (from, to) = match (query("from"), query("to")) {
            (Some(from), Some(to)) => {
                let start = from
                    .parse()
                    .unwrap_or_else(|_| midnight(from.parse().unwrap()));
                let end = to.parse().unwrap_or_else(|_| {
                    midnight(to.parse::<Date>().unwrap().tomorrow().unwrap())
                        - SignedDuration::from_millis(1)
                });
                (start, end)
            }
            _ => self.period,
        };
        let leads = |time: Timestamp| time.as_millisecond().div_euclid(47 * 60 * 1000);
        let before = Timestamp::from_millisecond(from.as_millisecond() - 1).unwrap();
        let count = leads(to) - leads(before);
        let mut body = example("analytics_summary");
        body["data"]["totalLeads"] = json!(count);
        body["data"]["period"] = json!({"from": format!("{from:.3}"), "to": format!("{to:.3}")});
        success("analytics_summary", &body)
    }
}

#[test]
fn a_summary_by_day_adds_up_to_its_total() {
    for zone in [
        "Asia/Jakarta",
        "America/New_York",
        "Asia/Kathmandu",
        "Africa/Cairo",
    ] {
        let mut answer = example("workspace_show");
        answer["data"]["timezone"] = zone.into();
        let known = success("workspace_show", &answer);
        // A key that may not know the time zone has days of another one, which add up as well.
        for workspace in [known, failure("workspace_show", 403)] {
            for (from, to) in [
                ("2025-01-12T10:33:00Z", "2025-01-15T10:33:00Z"),
                ("2025-01-01T10:33:17.123Z", "2025-01-15T10:33:00Z"),
                ("2025-01-14T22:33:00Z", "2025-01-15T10:33:00Z"),
                ("2025-01-15T03:00:00Z", "2025-01-15T03:00:00.001Z"),
                ("2024-11-01T00:00:00Z", "2024-11-05T12:00:00Z"),
            ] {
                let period = (from.parse().unwrap(), to.parse().unwrap());
                let zone = TimeZone::get(zone).unwrap();
                let api =
                    Api::responding(Counted { zone, period }).at("/workspace", workspace.clone());
                let ran = api.run("konektor analytics summary --by-day -o json");
                assert_eq!(ran.code, 0, "{}", ran.stderr);
                let json: Value = serde_json::from_str(&ran.stdout).unwrap();
                let days = json["days"].as_array().unwrap().iter();
                let sum: i64 = days.map(|day| day["totalLeads"].as_i64().unwrap()).sum();
                assert_eq!(json["totalLeads"], sum, "{from} to {to}: {}", ran.stdout);
            }
        }
    }
}

/// A workspace that gets a lead now with every request.
struct Busy(std::sync::atomic::AtomicI64);

impl wiremock::Respond for Busy {
    fn respond(&self, request: &wiremock::Request) -> wiremock::ResponseTemplate {
        let came = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut body = example("analytics_summary");
        let to = request.url.query_pairs().find(|(name, _)| name == "to");
        let is_past = to.is_some_and(|(_, to)| {
            let end = to.parse::<Timestamp>();
            end.is_ok_and(|to| to <= "2025-01-15T10:33:00Z".parse().unwrap()) || *to < *"2025-01-15"
        });
        body["data"]["totalLeads"] = json!(if is_past { 5 } else { 5 + came });
        let from = request.url.query_pairs().find(|(name, _)| name == "from");
        let from = from.map_or("2025-01-14T17:00:00.000Z".to_owned(), |(_, from)| {
            from.into_owned()
        });
        body["data"]["period"] = json!({"from": from, "to": "2025-01-15T16:59:59.999Z"});
        if is_past {
            body["data"]["period"]["to"] = json!("2025-01-15T10:33:00.000Z");
        }
        success("analytics_summary", &body)
    }
}

#[test]
fn a_summary_by_day_adds_up_while_leads_come() {
    let known = success("workspace_show", &example("workspace_show"));
    let api = Api::responding(Busy(0.into())).at("/workspace", known);
    let ran = api.run("konektor analytics summary --timeframe today --by-day -o json");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["days"].as_array().unwrap().len(), 1);
    assert_eq!(json["totalLeads"], 5);
    assert_eq!(json["days"][0]["totalLeads"], 5);
    assert_eq!(json["period"]["to"], "2025-01-15T10:33:00.000Z");
    assert_eq!(
        json["timeframe"],
        example("analytics_summary")["data"]["timeframe"]
    );
}

#[test]
fn a_summary_by_day_of_a_long_period_is_refused() {
    for (field, value) in [
        ("from", json!("2024-01-01T00:00:00Z")),
        ("from", Value::Null),
    ] {
        let mut body = example("analytics_summary");
        body["data"]["period"][field] = value;
        let api = Api::answering(success("analytics_summary", &body));
        let ran = api.run("konektor analytics summary --by-day");
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        assert!(ran.stderr.contains("at most 31 days"), "{}", ran.stderr);
    }
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
fn a_pipe_gets_every_field_in_full() {
    let mut body = example("leads_list");
    let campaign = "A campaign with a very long name".repeat(9);
    body["data"][0]["campaignName"] = campaign.clone().into();
    body["data"][0]["estimatedValue"] = json!(4_500_000.25);
    let api = Api::answering(success("leads_list", &body));

    let ran = api.run("konektor leads list");

    assert_eq!(ran.stderr, "");
    let lines: Vec<Vec<_>> = ran
        .stdout
        .lines()
        .map(|line| line.split('\t').collect())
        .collect();
    let names: Vec<_> = body["data"][0].as_object().unwrap().keys().collect();
    assert_eq!(lines[0], names);
    let cell = |name: &str| lines[1][names.iter().position(|known| *known == name).unwrap()];
    assert_eq!(cell("campaignName"), campaign);
    assert_eq!(cell("estimatedValue"), "4500000.25");
    assert_eq!(cell("createdAt"), body["data"][0]["createdAt"]);
    assert_eq!(cell("phone"), body["data"][0]["phone"]);
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
            letter.is_control() && !matches!(letter, '\n' | '\t')
                || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                    | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        })
        .collect()
}

/// Puts something nasty into every text of an answer that a stranger may have written.
fn poison(value: &mut Value) {
    const NASTY: &str = "x\u{1b}]0;pwned\u{7}\u{9b}2J\u{7f}\u{202e}evil\u{2066}\r\n\u{8}\r\u{200b}\u{feff}\u{e0041}";
    match value {
        Value::String(text) if text.parse::<konektor_sdk::jiff::Timestamp>().is_err() => {
            text.push_str(NASTY);
        }
        Value::Array(values) => values.iter_mut().for_each(poison),
        Value::Object(fields) => fields.values_mut().for_each(poison),
        _ => {}
    }
}

/// Neither a terminal nor a pipe, behind which is one more often than not.
#[test]
fn control_characters_leave_in_no_format() {
    for (operation, on_terminal) in Spec::builtin()
        .operations()
        .iter()
        .flat_map(|operation| [(operation, false), (operation, true)])
    {
        // The guide is the server's own text, passed on byte by byte.
        if operation.id == "skill_show" && !on_terminal {
            continue;
        }
        let mut body = example(&operation.id);
        poison(&mut body);
        let mut api = Api::answering(success(&operation.id, &body));
        if on_terminal {
            api = api.on_a_terminal(100);
        }
        let formats = ["table", "json", "ndjson", "yaml", "csv", "tsv", "markdown"];
        let mut flags: Vec<_> = formats.iter().map(|name| format!("-o {name}")).collect();
        flags.push("--jq .".to_owned());
        flags.push("--jq '.. | strings'".to_owned());
        for format in ["csv", "tsv", "markdown", "yaml", "ndjson"] {
            flags.push(format!("--jq '[.. | strings | {{(.): .}}]' -o {format}"));
        }
        for flags in flags {
            let ran = api.run(&format!("{} {flags}", shortest(&operation.id)));
            assert_eq!(ran.code, 0, "{}: {}", operation.id, ran.stderr);
            let poisoned = body.to_string().contains("evil");
            assert_eq!(
                ran.stdout.contains("evil"),
                poisoned,
                "{} {flags}",
                operation.id
            );
            // A line end may be of two characters.
            let text = (ran.stdout + &ran.stderr).replace("\r\n", "\n");
            assert_eq!(obeyed(&text), "", "{} {flags}", operation.id);
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
fn control_characters_of_any_request_leave_in_no_format() {
    let mut body = example("leads_list");
    poison(&mut body);
    for api in [
        Api::answering(success("leads_list", &body)),
        Api::answering(success("leads_list", &body)).on_a_terminal(100),
    ] {
        for line in [
            "konektor api GET /leads",
            "konektor api GET /leads -o yaml",
            "konektor api GET /leads --jq '.data[].firstName'",
            "konektor leads export -",
            "konektor leads export - -o yaml",
            "konektor leads export - -o tsv",
            "konektor leads create --first-name 'x\u{1b}[2J\u{202e}' --dry-run",
            "konektor leads import 'x\u{1b}[2J\u{202e}.csv'",
        ] {
            let ran = api.run(line);
            let text = (ran.stdout + &ran.stderr).replace("\r\n", "\n");
            assert_eq!(obeyed(&text), "", "{line:?}");
            assert!(!text.is_empty(), "{line:?}");
        }
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
