//! One answer in every format.
#![allow(clippy::unwrap_used, reason = "helpers fail the test that calls them")]

mod support;

use konektor_testing::{example, success};
use serde_json::{Value, json};
use support::{Api, shortest};

/// Two leads with what is hard to write.
fn leads() -> Api {
    let mut body = example("leads_list");
    let mut second = body["data"][0].clone();
    second["firstName"] = "=HYPERLINK(\"x\")".into();
    second["lastName"] = Value::Null;
    second["notes"] = "two\nlines, a \"quote\", a\ttab".into();
    second["estimatedValue"] = json!(1234.5);
    body["data"].as_array_mut().unwrap().push(second);
    Api::answering(success("leads_list", &body))
}

const COLUMNS: &str = "--columns firstName,lastName,phone,estimatedValue,notes,createdAt";

fn printed(flags: &str) -> String {
    let ran = leads().run(&format!("konektor leads list {COLUMNS} {flags}"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{flags}");
    ran.stdout
}

#[test]
fn csv() {
    insta::assert_snapshot!(printed("-o csv"));
}

#[test]
fn tsv_is_what_a_pipe_gets() {
    insta::assert_snapshot!(printed("-o tsv"));
    assert_eq!(printed(""), printed("-o tsv"));
}

#[test]
fn markdown() {
    insta::assert_snapshot!(printed("-o markdown"));
}

#[test]
fn yaml() {
    insta::assert_snapshot!(printed("-o yaml"));
}

#[test]
fn ndjson() {
    insta::assert_snapshot!(printed("-o ndjson"));
}

#[test]
fn json_with_columns() {
    insta::assert_snapshot!(printed("-o json"));
}

#[test]
fn table_in_a_pipe_is_as_wide_as_it_likes() {
    insta::assert_snapshot!(printed("-o table"));
}

#[test]
fn columns_on_a_terminal() {
    let api = leads().on_a_terminal(60);
    insta::assert_snapshot!(api.run(&format!("konektor leads list {COLUMNS}")).stdout);
    let ran = api.run("konektor leads list --columns unique-code,status");
    insta::assert_snapshot!(ran.stdout, @r"
     uniqueCode    status
     KNK-7GQ2M9XD  new
     KNK-7GQ2M9XD  new
    ");
}

#[test]
fn wide_tables_have_every_field() {
    let ran = leads().on_a_terminal(60).run("konektor leads list --wide");
    let headings: Vec<_> = ran
        .stdout
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    assert!(headings.starts_with(&["NAME", "PHONE", "STATUS"]));
    for field in ["id", "email", "notes", "actualValue", "updatedAt"] {
        assert!(headings.contains(&field), "{headings:?}");
    }
    assert!(!headings.contains(&"firstName"));
}

#[test]
fn names_of_columns_can_be_left_out() {
    for format in ["csv", "tsv", "table"] {
        let line = format!("konektor analytics funnel --no-headers -o {format}");
        let text = Api::documented("analytics_funnel").run(&line).stdout;
        assert_eq!(text.lines().count(), 11, "{format}");
        assert!(text.trim_start().starts_with("pageview"), "{text}");
    }
}

#[test]
fn no_rows_still_have_columns() {
    let mut body = example("leads_list");
    body["data"] = json!([]);
    body["pagination"]["total"] = json!(0);
    let api = Api::answering(success("leads_list", &body));
    let csv = api
        .run("konektor leads list -o csv --columns id,phone")
        .stdout;
    assert_eq!(csv, "id,phone\n");
    assert_eq!(api.run("konektor leads list -o ndjson").stdout, "");
    let json: Value = serde_json::from_str(&api.run("konektor leads list -o json").stdout).unwrap();
    assert_eq!(json["data"], json!([]));
}

#[test]
fn one_thing_is_one_row() {
    let csv = Api::documented("workspace_show")
        .run("konektor workspace show -o csv")
        .stdout;
    let mut lines = csv.lines();
    let names: Vec<_> = lines.next().unwrap().split(',').collect();
    let values: Vec<_> = lines.next().unwrap().split(',').collect();
    let at = names
        .iter()
        .position(|name| *name == "subscription.plan")
        .unwrap();
    assert_eq!(values[at], "pro");
    assert_eq!(lines.next(), None);

    let tsv = Api::documented("leads_upsert")
        .run(&format!(
            "{} --columns id,created",
            shortest("leads_upsert")
        ))
        .stdout;
    assert!(tsv.starts_with("id\tcreated\nlead_"), "{tsv}");
}

#[test]
fn the_guide_is_text_in_every_format_that_has_rows() {
    let guide = example("skill_show");
    for format in ["table", "csv", "tsv", "markdown"] {
        let ran = Api::documented("skill_show").run(&format!("konektor skill show -o {format}"));
        assert_eq!(ran.stdout, guide.as_str().unwrap());
    }
}

fn filtered(flags: &str) -> String {
    let ran = leads().run(&format!("konektor leads list {flags}"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{flags}");
    ran.stdout
}

#[test]
fn a_filter_gives_text_as_it_is_and_everything_else_as_json() {
    assert_eq!(filtered("--jq '.data[0].firstName'"), "Budi\n");
    assert_eq!(filtered("--jq '.data | length'"), "2\n");
    assert_eq!(
        filtered("--jq '.data[0] | {status, source}'"),
        "{\"status\":\"new\",\"source\":\"whatsapp\"}\n"
    );
    assert_eq!(filtered("-o json --jq '.data[0].firstName'"), "\"Budi\"\n");
    assert_eq!(filtered("--jq empty"), "");
}

#[test]
fn what_a_filter_makes_can_be_rows() {
    assert_eq!(
        filtered("-o csv --jq '[.data[] | {name: .firstName, value: .estimatedValue}]'"),
        "name,value\nBudi,5000000\n\"'=HYPERLINK(\"\"x\"\")\",1234.5\n"
    );
    assert_eq!(
        filtered("-o tsv --no-headers --jq '.data[] | {status, source}'"),
        "new\twhatsapp\nnew\twhatsapp\n"
    );
    assert_eq!(
        filtered("-o ndjson --jq 'select(.lastName) | .lastName'"),
        "\"Santoso\"\n"
    );
}

#[test]
fn a_filter_that_does_not_fit_is_wrong_usage() {
    let ran = leads().run("konektor leads list --jq '.data.id'");
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.starts_with("error: --jq: "), "{}", ran.stderr);
}

#[test]
fn a_filter_cannot_read_the_environment() {
    for filter in ["env", "$ENV", "env.KONEKTOR_API_KEY"] {
        let ran = leads().run(&format!("konektor leads list --jq '{filter}'"));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{filter}");
    }
}

/// `source <(konektor completion bash)`, whatever the profile says.
#[test]
fn a_setting_leaves_text_as_it_is_and_a_flag_does_not() {
    let guide = example("skill_show");
    for line in ["konektor skill show", "konektor completion bash"] {
        let usual = Api::documented("skill_show").run(line).stdout;
        for setting in ["json", "ndjson", "yaml", "csv", "table"] {
            let api = Api::documented("skill_show").with("KONEKTOR_OUTPUT", setting);
            assert_eq!(api.run(line).stdout, usual, "{line}, {setting}");
            let json: Value =
                serde_json::from_str(&api.run(&format!("{line} -o json")).stdout).unwrap();
            assert_eq!(json, usual, "{line}, {setting}");
        }
    }
    assert_eq!(
        Api::documented("skill_show")
            .run("konektor skill show")
            .stdout,
        guide
    );
}
