//! Lists of any length.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers fail the test that calls them"
)]

mod support;

use std::{
    collections::BTreeMap,
    io::Write,
    sync::atomic::{AtomicUsize, Ordering},
};

use konektor_testing::example;
use serde_json::{Value, json};
use support::{Api, Ran};
use wiremock::{Request, Respond, ResponseTemplate};

/// A workspace with so many leads, read page by page.
struct Leads(usize);

impl Respond for Leads {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let query: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
        let number = |name: &str| query.get(name).map(|text| text.parse::<usize>().unwrap());
        let limit = number("limit").unwrap_or(50);
        assert!((1..=100).contains(&limit), "the server refuses {limit}");
        let from = number("cursor").unwrap_or_else(|| (number("page").unwrap_or(1) - 1) * limit);
        let to = self.0.min(from + limit);
        let lead = example("leads_list")["data"][0].clone();
        let data: Vec<_> = (from..to)
            .map(|at| {
                let mut lead = lead.clone();
                lead["id"] = format!("lead_{at}").into();
                lead
            })
            .collect();
        konektor_testing::answer(200).set_body_json(json!({
            "success": true,
            "data": data,
            "pagination": {
                "page": from / limit + 1, "limit": limit, "total": self.0,
                "totalPages": self.0.div_ceil(limit),
                "nextCursor": (to < self.0).then(|| to.to_string()),
            },
        }))
    }
}

/// What each request asked for.
fn asked(api: &Api) -> Vec<String> {
    let requests = api.requests();
    let queries = requests.iter().map(|request| request.url.query());
    queries
        .map(|query| query.unwrap_or("").to_owned())
        .collect()
}

fn ids(text: &str) -> Vec<String> {
    let document: Value = serde_json::from_str(text).unwrap();
    let rows = document["data"].as_array().unwrap();
    rows.iter()
        .map(|row| row["id"].as_str().unwrap().to_owned())
        .collect()
}

fn first(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("lead_{at}")).collect()
}

#[test]
fn a_limit_is_the_total_and_pages_are_fetched_behind_it() {
    let api = Api::responding(Leads(412));
    let ran = api.run("konektor leads list --status new --limit 250 -o json");
    assert_eq!(ran.code, 0);
    assert_eq!(ids(&ran.stdout), first(250));
    assert_eq!(
        asked(&api),
        [
            "limit=100&status=new",
            "cursor=100&limit=100&status=new",
            "cursor=200&limit=50&status=new"
        ]
    );
}

#[test]
fn what_fits_a_page_costs_one_request() {
    for line in [
        "konektor leads list",
        "konektor leads list --limit 5",
        "konektor leads list --limit 100",
        "konektor leads list --page 3 --limit 20",
    ] {
        let api = Api::responding(Leads(412)).on_a_terminal(100);
        assert_eq!(api.run(line).code, 0);
        assert_eq!(api.requests().len(), 1, "{line}");
    }
}

#[test]
fn all_of_it_is_read_to_the_last_page() {
    for format in ["json", "ndjson", "yaml", "csv", "tsv", "markdown", "table"] {
        let api = Api::responding(Leads(230));
        let ran = api.run(&format!("konektor leads list --all -o {format}"));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{format}");
        assert_eq!(asked(&api).len(), 3);
        assert_eq!(ran.stdout.matches("Budi").count(), 230, "{format}");
    }
}

#[test]
fn a_list_that_ends_early_is_all_there_is() {
    let api = Api::responding(Leads(120));
    let ran = api.run("konektor leads list --limit 5000 -o json");
    assert_eq!(ids(&ran.stdout), first(120));
    assert_eq!(asked(&api), ["limit=100", "cursor=100&limit=100"]);
}

#[test]
fn json_of_many_pages_is_one_document_that_says_where_it_ends() {
    let ran = Api::responding(Leads(300)).run("konektor leads list --limit 150 -o json");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["data"].as_array().unwrap().len(), 150);
    assert_eq!(document["pagination"]["total"], 300);
    assert_eq!(document["pagination"]["nextCursor"], "150");

    let api = Api::responding(Leads(300));
    let ran = api.run("konektor leads list --limit 150 --cursor 150 -o json");
    assert_eq!(ids(&ran.stdout).last().unwrap(), "lead_299");
}

#[test]
fn rows_are_written_before_the_next_page_is_asked_for() {
    /// Stops at the first line of a second page.
    struct Reader(usize);

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.split(|byte| *byte == b'\n').count() - 1;
            if self.0 > 100 {
                return Err(std::io::ErrorKind::BrokenPipe.into());
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let api = Api::responding(Leads(10_000));
    let mut stderr = Vec::new();
    let words = "konektor leads list --all -o ndjson".split(' ');
    let code = api.run_into(words.map(str::to_owned), &mut Reader(0), &mut stderr);
    assert_eq!((code, stderr.as_slice()), (0, &b""[..]));
    assert_eq!(asked(&api).len(), 2);
}

#[test]
fn a_person_is_told_how_many_there_are() {
    let note = |line: &str| {
        let ran = Api::responding(Leads(412)).on_a_terminal(100).run(line);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stderr
    };
    assert_eq!(
        note("konektor leads list --since 7d --limit 120"),
        "120 of 412 · all: konektor leads list --since 7d --all\n"
    );
    assert_eq!(note("konektor leads list --all"), "");
    assert_eq!(
        note("konektor leads list --page 2 --limit 20"),
        "21–40 of 412 · more: konektor leads list --limit 20 --page 3\n"
    );
}

/// A list that has so many rows, and fails once so many pages were read.
struct Broken {
    operation: &'static str,
    rows: usize,
    pages: usize,
    read: AtomicUsize,
}

impl Respond for Broken {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let page = self.read.fetch_add(1, Ordering::Relaxed);
        if page >= self.pages {
            return konektor_testing::failure(self.operation, 503);
        }
        let limit = request.url.query_pairs().find(|(name, _)| name == "limit");
        let limit = limit.map_or(50, |(_, limit)| limit.parse().unwrap());
        let row = example(self.operation)["data"][0].clone();
        let data = vec![row; limit.min(self.rows - page * limit)];
        let next = (self.rows > (page + 1) * limit).then_some("next");
        konektor_testing::answer(200).set_body_json(json!({
            "success": true,
            "data": data,
            "pagination": {
                "page": page + 1, "limit": limit, "total": self.rows,
                "totalPages": self.rows.div_ceil(limit),
                "nextCursor": next.map(|next| format!("{next}-{page}")),
            },
        }))
    }
}

/// How many rows an output has; it panics at one that is not whole.
fn rows_in(format: &str, is_export: bool, text: &str) -> usize {
    let of_document = |document: Value| {
        if is_export {
            return document.as_array().unwrap().len();
        }
        assert!(document["pagination"]["total"].is_number(), "{document}");
        document["data"].as_array().unwrap().len()
    };
    let lines = text.lines().count();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    match format {
        "-o json" | "--jq ." => of_document(serde_json::from_str(text).unwrap()),
        "-o yaml" => of_document(serde_saphyr::from_str(text).unwrap()),
        "-o ndjson" | "-o ndjson --jq ." => {
            for line in text.lines() {
                assert!(serde_json::from_str::<Value>(line).unwrap().is_object());
            }
            lines
        }
        "-o csv" => {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            reader.records().map(Result::unwrap).count()
        }
        "-o markdown" => lines - 2,
        "-o tsv" => lines - 1,
        "-o table" => lines.saturating_sub(1),
        other => panic!("what is {other}?"),
    }
}

#[test]
fn a_list_is_whole_in_every_format_or_says_that_it_is_not() {
    const LINES: [(&str, &str); 3] = [
        ("leads_list", "konektor leads list --all"),
        ("conversions_pending", "konektor conversions pending --all"),
        ("leads_list", "konektor leads export -"),
    ];
    const FORMATS: [&str; 9] = [
        "-o json",
        "-o yaml",
        "-o ndjson",
        "-o csv",
        "-o tsv",
        "-o markdown",
        "-o table",
        "--jq .",
        "-o ndjson --jq .",
    ];
    const ALWAYS: usize = usize::MAX;

    for (operation, line) in LINES {
        let is_export = line.contains("export");
        for format in FORMATS {
            if is_export && (format.contains("jq") || format.contains("table")) {
                continue;
            }
            let is_document = matches!(format, "-o json" | "-o yaml" | "--jq .");
            for (rows, pages) in [(0, ALWAYS), (3, ALWAYS), (230, ALWAYS), (230, 0), (230, 1)] {
                for on_terminal in [false, true] {
                    let mut api = Api::responding(Broken {
                        operation,
                        rows,
                        pages,
                        read: AtomicUsize::new(0),
                    });
                    if on_terminal {
                        api = api.on_a_terminal(300);
                    }
                    let Ran {
                        code,
                        stdout,
                        stderr,
                    } = api.run(&format!("{line} {format}"));
                    let what = format!("{line} {format}, {rows} rows, {pages} pages: {stderr}");
                    if pages == ALWAYS {
                        assert_eq!(code, 0, "{what}");
                        assert!(matches!(&*stderr, "" | "nothing found\n"), "{what}");
                        assert_eq!(rows_in(format, is_export, &stdout), rows, "{what}");
                        continue;
                    }
                    assert_eq!(code, 8, "{what}");
                    assert!(stderr.contains("not available"), "{what}");
                    if pages == 0 || is_document {
                        assert_eq!(stdout, "", "{what}");
                        assert!(!stderr.contains("what was written"), "{what}");
                    } else {
                        assert_eq!(rows_in(format, is_export, &stdout), 100, "{what}");
                        assert!(stderr.contains("the output is incomplete"), "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_list_that_was_cut_says_so_in_every_format() {
    let cases = [
        ("", ""),
        ("-o table", "--output table "),
        ("-o json", "--output json "),
        ("-o yaml", "--output yaml "),
        ("-o ndjson", "--output ndjson "),
        (
            "-o csv --columns id,unique-code",
            "--output csv --columns 'id,uniqueCode' ",
        ),
        ("-o tsv --no-headers", "--output tsv --no-headers "),
        ("-o markdown", "--output markdown "),
        ("--jq '.data | length'", "--jq '.data | length' "),
        ("-o ndjson --jq .id", "--output ndjson --jq .id "),
    ];
    for (typed, repeated) in cases {
        for on_terminal in [false, true] {
            let mut api = Api::responding(Leads(412));
            if on_terminal {
                api = api.on_a_terminal(100);
            }
            let cut = api.run(&format!("konektor leads list --status hot {typed}"));
            let all = format!("konektor leads list --status hot {repeated}--all");
            assert_eq!(
                (cut.code, cut.stderr),
                (0, format!("50 of 412 · all: {all}\n"))
            );
            let whole = api.run(&all);
            assert_eq!((whole.code, whole.stderr.as_str()), (0, ""), "{all}");
            let query = |at: usize| api.requests()[at].url.query().unwrap().to_owned();
            assert!(query(0).contains("status=hot") && query(1).contains("status=hot"));
        }
    }
    let ran = Api::responding(Leads(50)).run("konektor leads list -o csv");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
}

/// Whoever copies an example gets what it promises.
#[test]
fn the_examples_with_a_filter_see_every_row() {
    let help = Api::silent().run("konektor help formatting").stdout;
    let examples: Vec<_> = help
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("konektor leads list") && line.contains("--jq"))
        .collect();
    assert_eq!(examples.len(), 2);
    for example in examples {
        let ran = Api::responding(Leads(412)).run(example);
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{example}");
    }
}

/// What is watched is shown again when the server is back.
#[test]
fn a_watch_outlasts_a_server_that_is_away() {
    /// Leaves after so many answers.
    #[derive(Debug)]
    struct Reader(usize, Vec<u8>);

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.1.extend_from_slice(bytes);
            let text = String::from_utf8_lossy(&self.1);
            let answers = text
                .matches("Ctrl-C to stop")
                .count()
                .max(text.matches("\"data\"").count());
            if answers >= self.0 {
                return Err(std::io::ErrorKind::BrokenPipe.into());
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    for (line, on_terminal, answers) in [
        ("konektor conversions pending --watch 1 -o json", false, 3),
        ("konektor conversions pending --watch 1", true, 4),
    ] {
        let sent = AtomicUsize::new(0);
        let mut api =
            Api::responding(
                move |_: &Request| match sent.fetch_add(1, Ordering::Relaxed) {
                    1 | 2 => konektor_testing::failure("conversions_pending", 503),
                    _ => konektor_testing::success(
                        "conversions_pending",
                        &example("conversions_pending"),
                    ),
                },
            );
        if on_terminal {
            api = api.on_a_terminal(120);
        }
        let (mut stdout, mut stderr) = (Reader(answers, Vec::new()), Vec::new());
        let words = line.split(' ').map(str::to_owned);
        assert_eq!(
            api.run_into(words, &mut stdout, &mut stderr),
            0,
            "{stdout:?}"
        );
        let told = String::from_utf8(if on_terminal { stdout.1 } else { stderr }).unwrap();
        let times = told.matches("trying again").count();
        // A terminal is drawn anew each time, in a pipe it is said once.
        assert_eq!(times, if on_terminal { 2 } else { 1 }, "{told}");
        assert_eq!(api.requests().len(), if on_terminal { 4 } else { 5 });
    }
    let api = Api::answering(konektor_testing::failure("conversions_pending", 503));
    assert_eq!(api.run("konektor conversions pending --watch 1").code, 8);
}

/// Each answer into a pipe is a document of its own.
#[test]
fn watched_documents_are_told_apart() {
    struct Reader(Vec<u8>);

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            if self
                .0
                .split(|byte| *byte == b'\n')
                .filter(|line| line.starts_with(b"pending"))
                .count()
                == 2
            {
                return Err(std::io::ErrorKind::BrokenPipe.into());
            }
            self.0.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let api = Api::documented("conversions_status");
    let mut stdout = Reader(Vec::new());
    let words = "konektor conversions status --watch 1 -o yaml".split(' ');
    assert_eq!(
        api.run_into(words.map(str::to_owned), &mut stdout, &mut Vec::new()),
        0
    );
    let text = String::from_utf8(stdout.0).unwrap();
    let documents: Vec<_> = text.split("---\n").collect();
    assert_eq!(documents.len(), 2, "{text}");
    for document in documents {
        assert!(serde_saphyr::from_str::<Value>(document).unwrap()["pending"].is_number());
    }
}

#[test]
fn a_page_of_more_than_a_page_is_refused() {
    let api = Api::responding(Leads(412));
    let ran = api.run("konektor leads list --page 2 --limit 150");
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.stderr, @r"
    error: --page cannot be used with --limit 150: a page has at most 100 rows
      leave one of them out, or use --cursor
    ");
    assert!(api.requests().is_empty());
}

#[test]
fn a_limit_of_no_rows_is_refused() {
    for line in [
        "konektor leads list --limit 0",
        "konektor conversions pending --limit 0",
    ] {
        let api = Api::responding(Leads(412));
        let ran = api.run(line);
        assert_eq!(ran.code, 2, "{line}");
        assert_eq!(ran.stderr, "error: --limit must be at least 1\n", "{line}");
        assert!(api.requests().is_empty(), "{line}");
    }
}

#[test]
fn the_columns_of_later_pages_stand_under_those_of_the_first() {
    let ran = Api::responding(Leads(120))
        .on_a_terminal(100)
        .run("konektor leads list --all");
    assert_eq!(ran.stdout.matches("NAME").count(), 1);
    let column = |line: &str| line.find("whatsapp");
    let mut lines = ran.stdout.lines().skip(1).map(column);
    let first = lines.next().unwrap();
    assert!(first.is_some() && lines.all(|column| column == first));
}

#[test]
fn times_may_be_said_as_people_do() {
    // It is 10:33 in UTC on 2025-01-15.
    for (line, query) in [
        (
            "konektor leads list --since 7d",
            "createdFrom=2025-01-08T10%3A33%3A00.000Z",
        ),
        (
            "konektor leads list --since yesterday --until today",
            "createdFrom=2025-01-14&createdTo=2025-01-15",
        ),
        (
            "konektor leads list --created-from '90m ago'",
            "createdFrom=2025-01-15T09%3A03%3A00.000Z",
        ),
        (
            "konektor leads list --createdFrom 2025-01-01T00:00:00+07:00",
            "createdFrom=2025-01-01T00%3A00%3A00%2B07%3A00",
        ),
    ] {
        let api = Api::responding(Leads(1)).at("/workspace", workspace("Asia/Jakarta"));
        assert_eq!(api.run(line).code, 0);
        assert_eq!(asked(&api).last().unwrap(), query);
    }
    let api = Api::documented("analytics_funnel").at("/workspace", workspace("Asia/Jakarta"));
    api.run("konektor analytics funnel --since 2w");
    assert_eq!(
        asked(&api).last().unwrap(),
        "from=2025-01-01T10%3A33%3A00.000Z"
    );
}

/// The answer about a workspace in this time zone.
fn workspace(zone: &str) -> ResponseTemplate {
    let mut body = example("workspace_show");
    body["data"]["timezone"] = zone.into();
    konektor_testing::success("workspace_show", &body)
}

/// One word, one day: the server reads dates in the workspace's time zone, and so does the word.
#[test]
fn today_is_the_workspaces_day_wherever_the_reader_is() {
    const LISTS: [&str; 3] = ["leads list", "leads export -", "leads list --all -o json"];
    const PERIODS: [&str; 4] = [
        "analytics summary",
        "analytics funnel",
        "analytics campaigns",
        "conversions status",
    ];
    // Noon of the 15th in Greenwich, when it is the 16th in Kiritimati; and its first half hour, when it is the 14th
    // in New York.
    for (now, zone, yesterday, today, tomorrow) in [
        (
            "2025-01-15T12:00:00Z",
            "Pacific/Kiritimati",
            "2025-01-15",
            "2025-01-16",
            "2025-01-17",
        ),
        (
            "2025-01-15T12:00:00Z",
            "Asia/Jakarta",
            "2025-01-14",
            "2025-01-15",
            "2025-01-16",
        ),
        (
            "2025-01-15T00:30:00Z",
            "America/New_York",
            "2025-01-13",
            "2025-01-14",
            "2025-01-15",
        ),
        (
            "2025-01-15T00:30:00Z",
            "Asia/Jakarta",
            "2025-01-14",
            "2025-01-15",
            "2025-01-16",
        ),
        (
            "2025-01-15T17:30:00Z",
            "Asia/Jakarta",
            "2025-01-15",
            "2025-01-16",
            "2025-01-17",
        ),
    ] {
        let commands = LISTS
            .map(|command| (command, "createdFrom", "createdTo"))
            .into_iter();
        let commands = commands.chain(PERIODS.map(|command| (command, "from", "to")));
        for (command, from, to) in commands {
            for reader in ["UTC", "America/New_York", "Asia/Tokyo", "Pacific/Honolulu"] {
                let operation = match command {
                    "leads export -" | "leads list --all -o json" => "leads_list".to_owned(),
                    command => command.replace(' ', "_"),
                };
                let mut api = Api::documented(&operation).at("/workspace", workspace(zone));
                api.now = now;
                api.zone = reader;
                let asks = |words: &str| {
                    let ran = api.run(&format!("konektor {command} {words}"));
                    assert_eq!(
                        (ran.code, ran.stderr.as_str()),
                        (0, ""),
                        "{command} {words}"
                    );
                    let asked = asked(&api).pop().unwrap();
                    asked.replace("&limit=100", "").replace("limit=100&", "")
                };
                assert_eq!(asks("--since today"), format!("{from}={today}"));
                assert_eq!(
                    asks("--since yesterday --until ' today '"),
                    format!("{from}={yesterday}&{to}={today}")
                );
                assert_eq!(asks("--until tomorrow"), format!("{to}={tomorrow}"));
            }
        }
    }
}

#[test]
fn days_are_counted_back_in_the_workspaces_calendar() {
    // The clocks of New York went forward in between, those of Jakarta did not.
    for (zone, typed, query) in [
        (
            "America/New_York",
            "7d",
            "createdFrom=2025-03-04T17%3A00%3A00.000Z",
        ),
        (
            "Asia/Jakarta",
            "7d",
            "createdFrom=2025-03-04T16%3A00%3A00.000Z",
        ),
        (
            "America/New_York",
            "168h",
            "createdFrom=2025-03-04T16%3A00%3A00.000Z",
        ),
    ] {
        let mut api = Api::responding(Leads(1)).at("/workspace", workspace(zone));
        api.now = "2025-03-11T16:00:00Z";
        assert_eq!(
            api.run(&format!("konektor leads list --since {typed}"))
                .code,
            0
        );
        assert_eq!(asked(&api).last().unwrap(), query, "{zone} {typed}");
    }
}

#[test]
fn a_day_that_nobody_knows_is_told() {
    let mut api = Api::responding(Leads(1)).at(
        "/workspace",
        konektor_testing::failure("workspace_show", 403),
    );
    api.now = "2025-01-15T00:30:00Z";
    api.zone = "America/New_York";
    let ran = api.run("konektor leads list --since today");
    assert_eq!(ran.code, 0);
    assert_eq!(
        ran.stderr,
        "using this machine's date 2025-01-14 for today: the key may not read the workspace's time zone\n"
    );
    assert_eq!(asked(&api).last().unwrap(), "createdFrom=2025-01-14");
    // What is the same day everywhere is not asked for.
    let before = api.requests().len();
    assert_eq!(
        api.run("konektor leads list --since 2025-01-14 --until 90m")
            .stderr,
        ""
    );
    assert_eq!(api.requests().len(), before + 1);

    let api = Api::responding(Leads(1)).at(
        "/workspace",
        konektor_testing::failure("workspace_show", 503),
    );
    let ran = api.run("konektor leads list --since yesterday");
    assert_eq!((ran.code, ran.stdout.as_str()), (8, ""), "{}", ran.stderr);

    let api = Api::responding(Leads(1)).at("/workspace", workspace("Mars/Olympus"));
    let ran = api.run("konektor leads list --since today");
    assert!(ran.stderr.contains("Mars/Olympus"), "{}", ran.stderr);
}

#[test]
fn pending_conversions_are_a_list_too() {
    let mut page = example("conversions_pending");
    page["pagination"]["nextCursor"] = "more".into();
    let api = Api::responding(konektor_testing::answer(200).set_body_json(page));
    let ran = api.run("konektor conversions pending --limit 1 -o ndjson");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(asked(&api), ["limit=1"]);
}

#[test]
fn an_export_has_the_columns_that_are_asked_for_in_every_format() {
    let api = Api::responding(Leads(3));
    let export = |format: &str| {
        let ran = api.run(&format!(
            "konektor leads export - -o {format} --columns phone,id"
        ));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        ran.stdout
    };
    let rows: Vec<_> = (0..3)
        .map(|at| json!({"phone": "+6281234567890", "id": format!("lead_{at}")}))
        .collect();
    assert_eq!(export("json"), format!("{}\n", json!(rows)));
    let lines = rows
        .iter()
        .map(|row| row.to_string() + "\n")
        .collect::<Vec<_>>()
        .concat();
    assert_eq!(export("ndjson"), lines);
    let yaml: Value = serde_saphyr::from_str(&export("yaml")).unwrap();
    assert_eq!(yaml, json!(rows));
    assert!(export("csv").starts_with("phone,id\n"));
    assert!(export("tsv").starts_with("phone\tid\n"));
    assert!(export("markdown").starts_with("| phone | id |\n"));
}

#[test]
fn an_export_takes_no_filter_and_says_what_does() {
    let api = Api::responding(Leads(3));
    let ran = api.run("konektor leads export - --jq .id");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    insta::assert_snapshot!(ran.stderr, @r"
    error: --jq cannot be used with an export
      filter the list: konektor leads list --all -o ndjson --jq … > leads.ndjson
    ");
    assert!(api.requests().is_empty());
}

#[test]
fn an_export_is_what_its_name_says_or_the_flag_but_no_setting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("leads.csv");
    for setting in ["json", "table"] {
        let api = Api::responding(Leads(3)).with("KONEKTOR_OUTPUT", setting);
        let export = |flags: &str| {
            let ran = api.run(&format!("konektor leads export {flags}"));
            assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{setting}");
            ran.stdout
        };
        assert!(export("-").starts_with("id,"));
        export(&file.display().to_string());
        assert!(std::fs::read_to_string(&file).unwrap().starts_with("id,"));
        export(&format!("{} -o ndjson", file.display()));
        assert!(
            std::fs::read_to_string(&file)
                .unwrap()
                .starts_with("{\"id\"")
        );
    }
}

/// A server whose every page names a next one.
struct Endless {
    operation: &'static str,
    rows: usize,
    next: fn(usize) -> String,
    read: AtomicUsize,
}

impl Respond for Endless {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let page = self.read.fetch_add(1, Ordering::Relaxed);
        // Without a bound on the client's side the test is to fail, not to hang.
        let next = (page < 100).then(|| (self.next)(page));
        let row = example(self.operation)["data"][0].clone();
        konektor_testing::answer(200).set_body_json(json!({
            "success": true,
            "data": vec![row; self.rows],
            "pagination": {
                "page": 1, "limit": 100, "total": 1000, "totalPages": 10, "nextCursor": next,
            },
        }))
    }
}

#[test]
fn a_server_whose_pages_do_not_end_is_left() {
    let circle: fn(usize) -> String = |page| ["a", "b", "c"][page % 3].to_owned();
    let new: fn(usize) -> String = |page| format!("cursor {page}");
    let long: fn(usize) -> String = |_| "c".repeat(4_097);
    for (rows, next, requests, told) in [
        (1, circle, 4, "the same page again and again"),
        (0, new, 10, "page after page without a row"),
        (1, long, 1, "too long"),
    ] {
        for line in [
            "konektor leads list --all",
            "konektor leads list --all -o json",
            "konektor leads list --all --jq .data[].id",
            "konektor leads list --limit 500",
            "konektor leads export -",
            "konektor conversions pending --all",
        ] {
            let read = AtomicUsize::new(0);
            let operation = if line.contains("pending") {
                "conversions_pending"
            } else {
                "leads_list"
            };
            let api = Api::responding(Endless {
                operation,
                rows,
                next,
                read,
            });
            let ran = api.run(line);
            assert_eq!(ran.code, 1, "{line}: {}", ran.stderr);
            assert!(ran.stderr.contains(told), "{line}: {}", ran.stderr);
            assert_eq!(asked(&api).len(), requests, "{line}");
        }
    }
}
