//! Lists of any length.
#![allow(clippy::unwrap_used, reason = "helpers fail the test that calls them")]

mod support;

use std::{collections::BTreeMap, io::Write};

use serde_json::{Value, json};
use support::{Api, example};
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
        support::answer(200).set_body_json(json!({
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
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
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
        "120 of 412 · more: konektor leads list --since 7d --limit 412\n"
    );
    assert_eq!(note("konektor leads list --all"), "");
    assert_eq!(
        note("konektor leads list --page 2 --limit 20"),
        "21–40 of 412 · more: konektor leads list --limit 20 --page 3\n"
    );
}

#[test]
fn a_page_of_more_than_a_page_is_refused() {
    let api = Api::responding(Leads(412));
    let ran = api.run("konektor leads list --page 2 --limit 150");
    assert_eq!(ran.code, 2);
    insta::assert_snapshot!(ran.stderr, @r"
    error: --page counts pages of at most 100 rows, and --limit wants 150
      leave one of them out, or go on with --cursor
    ");
    assert!(api.requests().is_empty());
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
        let api = Api::responding(Leads(1));
        assert_eq!(api.run(line).code, 0);
        assert_eq!(asked(&api), [query]);
    }
    let api = Api::documented("analytics_funnel");
    api.run("konektor analytics funnel --since 2w");
    assert_eq!(
        api.request().url.query(),
        Some("from=2025-01-01T10%3A33%3A00.000Z")
    );
}

#[test]
fn pending_conversions_are_a_list_too() {
    let mut page = example("conversions_pending");
    page["pagination"]["nextCursor"] = "more".into();
    let api = Api::responding(support::answer(200).set_body_json(page));
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
    error: --jq is for answers; an export writes the leads themselves
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
