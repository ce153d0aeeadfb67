//! SKILL.md says everything that the document says, follows it, and stays short.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that fails fails its test"
)]

use std::collections::HashSet;

use konektor_skill::skill_md;
use konektor_spec::{Location, Schema, Spec};
use serde_json::{Value, json};

const URL: &str = "http://127.0.0.1:8080";
const LONG_URL: &str = "https://konektor-agent-api.internal.toko-budi-online.example.com:8443";

fn guide() -> String {
    skill_md(Spec::builtin(), URL).unwrap()
}

/// The guide of a document in which the value at `pointer` is another one.
fn guide_with(pointer: &str, value: Value) -> String {
    let mut document = Spec::builtin().document().clone();
    *document.pointer_mut(pointer).unwrap() = value;
    skill_md(&Spec::from_value(document).unwrap(), URL).unwrap()
}

fn words(text: &str) -> HashSet<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .collect()
}

fn line<'a>(guide: &'a str, call: &str) -> &'a str {
    guide
        .lines()
        .find(|line| {
            line.strip_prefix(call)
                .is_some_and(|rest| rest.starts_with(' '))
        })
        .unwrap_or_else(|| panic!("no line for {call}"))
}

/// The lines of the calls that a scope opens.
fn section(guide: &str, scope: &str) -> String {
    guide
        .lines()
        .skip_while(|line| *line != format!("# {scope}"))
        .skip(1)
        .take_while(|line| !line.is_empty() && !line.starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n")
}

fn property_names<'a>(schema: &'a Schema, names: &mut Vec<&'a str>) {
    for (name, property) in schema.properties() {
        names.push(name);
        property_names(property, names);
    }
}

#[test]
fn the_committed_copy_is_what_the_document_says() {
    let spec = Spec::builtin();
    let now = skill_md(spec, spec.server_url()).unwrap();
    assert!(
        now == include_str!("../SKILL.md"),
        "skill/SKILL.md is outdated; run `cargo xtask generate`"
    );
}

#[test]
fn it_stays_within_1800_tokens() {
    let tokenizer = tiktoken_rs::o200k_base().unwrap();
    for url in [Spec::builtin().server_url(), URL, LONG_URL] {
        let guide = skill_md(Spec::builtin(), url).unwrap();
        let tokens = tokenizer.encode_ordinary(&guide).len();
        println!("{tokens} tokens for {url}");
        assert!(tokens <= 1800, "{tokens} tokens for {url}");
    }
}

#[test]
fn every_call_stands_under_its_scope_with_its_parameters_and_fields() {
    let guide = guide();
    for operation in Spec::builtin().operations() {
        let call = format!("{} {}", operation.method, operation.path);
        let Some(scope) = operation.scope() else {
            assert!(guide.contains(&call), "{call}");
            continue;
        };
        let section = section(&guide, scope);
        let line = words(line(&section, &call));
        for parameter in operation.parameters_in(Location::Query) {
            assert!(
                line.contains(parameter.name.as_str()),
                "{call} {}",
                parameter.name
            );
        }
        let mut names = Vec::new();
        if let Some(body) = &operation.body {
            property_names(&body.schema, &mut names);
        }
        for name in names {
            assert!(words(&guide).contains(name), "{call} {name}");
        }
    }
}

#[test]
fn every_header_that_may_be_sent_is_told() {
    let guide = guide();
    for operation in Spec::builtin().operations() {
        for header in operation.parameters_in(Location::Header) {
            let told = format!("with header {}", header.name);
            let line = guide.lines().find(|line| line.contains(&told));
            let line = line.unwrap_or_else(|| panic!("{told}"));
            let (methods, _) = line.split_once(&told).unwrap();
            let sentence = methods.rsplit(". ").next().unwrap();
            assert!(
                words(sentence).contains(operation.method.as_str()),
                "{} {told}",
                operation.method
            );
        }
    }
}

#[test]
fn every_allowed_value_plan_and_error_is_told() {
    let guide = guide();
    let words = words(&guide);
    let spec = Spec::builtin();
    for name in spec.document()["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        for value in spec.enum_values(name) {
            assert!(words.contains(value), "{name} {value}");
        }
    }
    for plan in spec.plans() {
        if let Some(quota) = plan.requests_per_minute {
            let told = format!("{} {quota}", plan.name);
            assert!(guide.contains(&told), "{told}");
        }
    }
    for response in spec
        .operations()
        .iter()
        .flat_map(|operation| &operation.responses)
    {
        let status = response.status.to_string();
        assert!(
            words.contains(status.as_str()) || response.status == 200,
            "{status}"
        );
    }
}

#[test]
fn every_limit_of_a_field_is_told_beside_it() {
    let guide = guide();
    for operation in Spec::builtin().operations() {
        let Some(body) = &operation.body else {
            continue;
        };
        for (name, schema) in body.schema.properties() {
            let Some(longest) = schema.max_length() else {
                continue;
            };
            let told = guide.lines().any(|line| {
                let words = words(line);
                words.contains(name) && words.contains(longest.to_string().as_str())
            });
            assert!(told, "{name} {longest}");
        }
    }
}

#[test]
fn a_changed_limit_shows() {
    assert!(guide().contains("\nfirstName: 1–100 chars\n"));
    let guide = guide_with("/components/schemas/FirstName/maxLength", json!(64));
    assert!(guide.contains("\nfirstName: 1–64 chars\n"));
}

#[test]
fn a_changed_default_shows() {
    assert!(guide().contains("\nlimit=50: integer 1–100\n"));
    let guide = guide_with("/components/schemas/PageLimit/x-default", json!(25));
    assert!(guide.contains("\nlimit=25: integer 1–100\n"));
}

#[test]
fn a_new_allowed_value_shows() {
    let guide = guide_with(
        "/components/schemas/AdPlatform/enum",
        json!(["meta", "snapchat"]),
    );
    assert!(guide.contains("\nadPlatform?: meta | snapchat\n"));
}

#[test]
fn a_changed_scope_moves_the_call() {
    let read = "agent.workspace.read";
    assert!(!section(&guide(), read).contains("GET /leads "));
    let guide = guide_with("/paths/~1leads/get/x-konektor-scope", json!(read));
    assert!(section(&guide, read).contains("GET /leads "));
}

#[test]
fn a_changed_quota_shows() {
    let quotas = "/components/schemas/Plan/x-konektor-requests-per-minute";
    let guide = guide_with(quotas, json!({"free": 7, "starter": 61}));
    assert!(guide.contains(": free 7, starter 61; trial, pro, enterprise, custom: none"));
}

#[test]
fn a_document_in_which_every_plan_has_a_quota_bars_none() {
    let mut document = Spec::builtin().document().clone();
    let plan = &mut document["components"]["schemas"]["Plan"];
    plan["x-extensible-enum"] = json!(["starter"]);
    plan["x-konektor-requests-per-minute"] = json!({"starter": 60});
    let guide = skill_md(&Spec::from_value(document).unwrap(), URL).unwrap();
    assert!(guide.contains("per workspace: starter 60. A bucket"));
}

#[test]
fn a_field_that_is_required_from_now_on_shows() {
    let required = json!(["firstName", "phone"]);
    let guide = guide_with("/components/schemas/LeadCreate/required", required);
    assert!(line(&guide, "POST /leads").contains("firstName! phone!?"));
}

#[test]
fn bodies_that_part_ways_are_told_apart() {
    let own = json!({"type": "string", "maxLength": 7});
    let guide = guide_with("/components/schemas/LeadUpdate/properties/firstName", own);
    assert!(guide.contains("\nLeadUpsert.lead:\n") && guide.contains("\nfirstName: ≤7 chars\n"));
    assert!(line(&guide, "PATCH /leads/{id}").contains("LeadUpsert.lead"));
    assert!(line(&guide, "POST /leads").contains("firstName!(1–100 chars)"));
}

#[test]
fn a_parameter_that_means_something_else_in_one_place_is_told_there() {
    let mut document = Spec::builtin().document().clone();
    let own = json!({"name": "limit", "in": "query", "schema": {"type": "integer", "maximum": 9}});
    document["paths"]["/conversions/pending"]["get"]["parameters"][1] = own;
    let guide = skill_md(&Spec::from_value(document).unwrap(), URL).unwrap();
    assert!(line(&guide, "GET /conversions/pending").contains("limit(integer ≤9)"));
    assert!(line(&guide, "GET /leads").contains("limit=50(integer 1–100)"));
}

#[test]
fn the_examples_are_whole_calls_with_the_documents_answers() {
    let guide = guide();
    let block = guide.split("```bash\n").nth(1).unwrap();
    let lines: Vec<_> = block.lines().take_while(|line| *line != "```").collect();
    let [base, read, read_answer, write, write_answer] = lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(base, "BASE=http://127.0.0.1:8080/api/v2/agent");
    for (call, answer) in [(read, read_answer), (write, write_answer)] {
        let authorization = r#"-H "Authorization: Bearer $KONEKTOR_API_KEY""#;
        assert!(
            call.starts_with("curl -s \"$BASE/") && call.contains(authorization),
            "{call}"
        );
        let (_, json) = answer.strip_prefix("# ").unwrap().split_once(' ').unwrap();
        let answer: Value = serde_json::from_str(json).unwrap();
        let mut examples = Spec::builtin()
            .operations()
            .iter()
            .flat_map(|one| &one.responses);
        assert!(
            examples.any(|response| response.example == answer),
            "{json}"
        );
    }
    assert!(write.contains(" -d '{"), "{write}");
}

#[test]
fn it_names_no_other_server() {
    let guide = guide();
    assert_eq!(guide.matches("://").count(), 1);
    assert_eq!(
        guide,
        skill_md(Spec::builtin(), &format!("{URL}/api/v2/agent/")).unwrap()
    );
}

#[test]
fn it_is_an_agent_skill() {
    let guide = guide();
    let header = guide
        .strip_prefix("---\n")
        .unwrap()
        .split("\n---\n")
        .next()
        .unwrap();
    let mut lines = header.lines();
    assert_eq!(lines.next(), Some("name: konektor-agent-api"));
    let description = lines.next().unwrap().strip_prefix("description: ").unwrap();
    assert!(description.contains("Use when") && description.len() <= 1024);
    assert!(!description.contains(": "), "YAML would read a mapping");
    assert_eq!(lines.next(), Some("metadata:"));
    let version = format!("  api-version: \"{}\"", Spec::builtin().version());
    assert_eq!(lines.next(), Some(version.as_str()));
    assert!(guide.ends_with(".\n") && !guide.contains("\n\n\n"));
}
