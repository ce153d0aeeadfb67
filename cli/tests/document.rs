//! The command line says what the document says: no more, no less.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers fail the test that calls them"
)]

mod support;

use std::collections::BTreeMap;

use clap::Command;
use konektor_cli::command;
use konektor_spec::{Body, Kind, Location, Operation, Schema, Spec};
use konektor_testing::{KEY, success};
use serde_json::{Map, Value, json};
use support::{Api, commands, shortest};

/// The command of every operation; a new one fails here until someone gives it a command.
fn path(id: &str) -> Vec<&'static str> {
    shortest(id)
        .split_whitespace()
        .skip(1)
        .take(id.split('_').count())
        .collect()
}

/// The command line with all its arguments, which are read for a command that is run or asked about alone.
fn whole() -> Command {
    let mut root = command();
    root.build();
    root
}

fn find<'a>(root: &'a Command, path: &[&str]) -> &'a Command {
    path.iter().fold(root, |command, word| {
        command
            .find_subcommand(word)
            .unwrap_or_else(|| panic!("there is no command {path:?}"))
    })
}

/// How a field is spelled as a flag, from the path of its names.
fn spelling(path: &[&str]) -> String {
    let path = match path {
        ["lead", rest @ ..] => rest,
        path => path,
    };
    let mut flag = String::from("--");
    for letter in path.join("-").chars() {
        if letter.is_uppercase() && !flag.ends_with('-') {
            flag.push('-');
        }
        flag.extend(letter.to_lowercase());
    }
    flag
}

/// The names that lead to every field of a body, with its schema.
fn fields(schema: &Schema) -> Vec<(Vec<&str>, &Schema)> {
    schema
        .properties()
        .flat_map(|(name, field)| {
            let below = fields(field);
            if below.is_empty() {
                return vec![(vec![name], field)];
            }
            below
                .into_iter()
                .map(|(rest, field)| ([vec![name], rest].concat(), field))
                .collect()
        })
        .collect()
}

fn body_fields(body: Option<&Body>) -> Vec<(Vec<&str>, &Schema)> {
    body.map(|body| fields(&body.schema)).unwrap_or_default()
}

/// A value that no default is, as it is typed and as it is sent.
fn sample(schema: &Schema, name: &str) -> (String, Value) {
    if let Some(word) = schema.values().last() {
        return (word.to_owned(), word.into());
    }
    match schema.kind() {
        Some(Kind::Integer) => ("7".to_owned(), json!(7)),
        Some(Kind::Number) => ("12.5".to_owned(), json!(12.5)),
        Some(Kind::Boolean) => ("false".to_owned(), json!(false)),
        _ if schema.format() == Some("uuid") => {
            let id = "7b0f3c52-5f6e-4b8e-9d3a-2f1c4e5a6b7c";
            (id.to_owned(), id.into())
        }
        _ if schema.is_time() => ("2025-01-15".to_owned(), "2025-01-15".into()),
        _ => {
            let text = format!("a {name} of & to '?");
            (text.clone(), text.into())
        }
    }
}

#[test]
fn every_operation_has_a_command_with_help_and_examples() {
    let root = whole();
    for operation in Spec::builtin().operations() {
        let command = find(&root, &path(&operation.id));
        let help = command.clone().render_long_help().to_string();
        assert!(help.contains("Examples:\n  konektor "), "{}", operation.id);
        assert_eq!(
            command.get_about().unwrap().to_string(),
            operation.summary,
            "{}",
            operation.id
        );
    }
}

/// Every command that is no operation of the document and leads to no others, without the program's name.
fn others(root: &Command) -> Vec<(String, &Command)> {
    let mut others: Vec<_> = commands(root)
        .into_iter()
        .filter(|(_, command)| !command.has_subcommands())
        .filter_map(|(words, command)| Some((words.split_once(' ')?.1.to_owned(), command)))
        .filter(|(words, _)| {
            Spec::builtin()
                .operation(&words.replace(' ', "_"))
                .is_none()
        })
        .collect();
    others.sort_by(|(words, _), (other, _)| words.cmp(other));
    others
}

fn can_be_tried(command: &Command) -> bool {
    command
        .get_arguments()
        .any(|flag| flag.get_long() == Some("dry-run"))
}

#[test]
fn every_other_command_is_the_programs_own() {
    let root = whole();
    let others: Vec<_> = others(&root).into_iter().map(|(words, _)| words).collect();
    assert_eq!(
        others,
        [
            "api",
            "auth login",
            "auth logout",
            "auth status",
            "completion",
            "config get",
            "config list",
            "config path",
            "config set",
            "doctor",
            "help",
            "leads export",
            "leads import",
            "man",
            "skill check",
            "skill install",
            "version",
        ]
    );
}

#[test]
fn all_that_writes_can_be_tried_without() {
    let root = whole();
    for operation in Spec::builtin().operations() {
        let command = find(&root, &path(&operation.id));
        let writes = operation.method != "GET";
        assert_eq!(can_be_tried(command), writes, "{}", operation.id);
    }
    let readers: Vec<_> = others(&root)
        .into_iter()
        .filter(|(_, command)| !can_be_tried(command))
        .map(|(words, _)| words)
        .collect();
    assert_eq!(
        readers,
        [
            "auth status",
            "completion",
            "config get",
            "config list",
            "config path",
            "doctor",
            "help",
            "skill check",
            "version",
        ]
    );
}

#[test]
fn every_parameter_and_field_has_its_flag() {
    let root = whole();
    for operation in Spec::builtin().operations() {
        let command = find(&root, &path(&operation.id));
        let flags: Vec<_> = command
            .get_arguments()
            .filter_map(|flag| flag.get_long())
            .map(|long| format!("--{long}"))
            .collect();
        let parameters = operation.parameters.iter();
        let parameters = parameters.filter(|parameter| parameter.location != Location::Path);
        let names = parameters.map(|parameter| spelling(&[&parameter.name]));
        let wanted = names.chain(
            body_fields(operation.body.as_ref())
                .into_iter()
                .map(|(path, _)| spelling(&path)),
        );
        for flag in wanted {
            assert!(flags.contains(&flag), "{} lacks {flag}", operation.id);
        }
        assert_eq!(
            command.get_positionals().count(),
            operation.parameters_in(Location::Path).count(),
            "{}",
            operation.id
        );
    }
}

/// The operation's command with every flag it has, and what must come of it.
struct Everything {
    words: Vec<String>,
    query: BTreeMap<String, String>,
    headers: Vec<(String, String)>,
    body: Value,
}

fn everything(operation: &Operation) -> Everything {
    let mut words: Vec<String> = vec!["konektor".into(), "-ojson".into()];
    words.extend(path(&operation.id).into_iter().map(str::to_owned));
    words.extend(
        operation
            .parameters_in(Location::Path)
            .map(|_| "CRM-1024".to_owned()),
    );
    let mut query = BTreeMap::new();
    for parameter in operation.parameters_in(Location::Query) {
        let (typed, _) = sample(&parameter.schema, &parameter.name);
        words.extend([spelling(&[&parameter.name]), typed.clone()]);
        query.insert(parameter.name.clone(), typed);
    }
    let mut body = Map::new();
    for (path, schema) in body_fields(operation.body.as_ref()) {
        let (typed, value) = sample(schema, path[path.len() - 1]);
        words.extend([spelling(&path), typed]);
        match path.as_slice() {
            [name] => body.insert((*name).to_owned(), value),
            [above, name] => body
                .entry(*above)
                .or_insert_with(|| json!({}))
                .as_object_mut()
                .unwrap()
                .insert((*name).to_owned(), value),
            path => panic!("{path:?} is nested deeper than any field"),
        };
    }
    let mut headers = Vec::new();
    for parameter in operation.parameters_in(Location::Header) {
        let typed = format!("{}-1024", parameter.name);
        words.extend([spelling(&[&parameter.name]), typed.clone()]);
        headers.push((parameter.name.clone(), typed));
    }
    Everything {
        words,
        query,
        headers,
        body: Value::Object(body),
    }
}

#[test]
fn every_flag_arrives_at_the_server() {
    for operation in Spec::builtin().operations() {
        let api = Api::documented(&operation.id);
        let Everything {
            words,
            query,
            headers,
            body,
        } = everything(operation);

        let ran = api.run_words(words);

        assert_eq!(ran.code, 0, "{}: {}", operation.id, ran.stderr);
        let request = api.request();
        assert_eq!(request.method.as_str(), operation.method);
        assert_eq!(
            request.url.path(),
            format!("/api/v2/agent{}", operation.path.fill(|_| "CRM-1024"))
        );
        let sent: BTreeMap<_, _> = request.url.query_pairs().into_owned().collect();
        assert_eq!(sent, query, "{}", operation.id);
        let sent: Value = serde_json::from_slice(&request.body).unwrap_or(json!({}));
        assert_eq!(sent, body, "{}", operation.id);
        for (name, value) in headers {
            assert_eq!(request.headers[&*name], value, "{}", operation.id);
        }
        let key = request.headers.get("authorization");
        assert_eq!(key.unwrap(), &format!("Bearer {KEY}"));
    }
}

#[test]
fn what_is_not_given_is_not_sent() {
    let api = Api::documented("leads_list");
    api.run("konektor leads list");
    assert_eq!(api.request().url.query(), None);

    let api = Api::documented("leads_update");
    api.run("konektor leads update CRM-1024");
    assert_eq!(api.request().body, b"{}");
}

#[test]
fn fields_are_emptied_by_clear() {
    let api = Api::documented("leads_update");
    let ran = api.run(
        "konektor leads update CRM-1024 --status won --clear Email,last-name --clear adplatform",
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let body: Value = serde_json::from_slice(&api.request().body).unwrap();
    assert_eq!(
        body,
        json!({"status": "won", "lastName": null, "email": null, "adPlatform": null})
    );
}

#[test]
fn only_fields_that_may_be_null_can_be_emptied() {
    let api = Api::documented("leads_update");
    let ran = api.run("konektor leads update CRM-1024 --clear status");
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr
            .starts_with("error: invalid value 'status' for '--clear <FIELD>'\n"),
        "{}",
        ran.stderr
    );

    let ran = api.run("konektor leads update CRM-1024 --email a@example.com --clear email");
    assert_eq!(ran.code, 2);
    assert_eq!(
        ran.stderr,
        "error: --email and --clear email cannot be used together\n"
    );
    assert!(api.requests().is_empty());
}

#[test]
fn columns_are_the_fields_of_the_documented_answer() {
    let root = whole();
    for operation in Spec::builtin().operations() {
        let mut flags = find(&root, &path(&operation.id)).get_arguments();
        let columns = flags.find(|flag| flag.get_long() == Some("columns"));
        let allowed = columns.map(clap::Arg::get_possible_values);
        let allowed: Vec<_> = allowed.into_iter().flatten().collect();
        let envelope = &operation.responses[0].schema;
        let mut columns = Vec::new();
        if let Some(data) = envelope.property("data") {
            let rows = fields(data.items().unwrap_or(data));
            columns.extend(rows.into_iter().map(|(path, _)| path.join(".")));
            let beside = envelope.properties().map(|(name, _)| name);
            let beside =
                beside.filter(|name| data.items().is_none() && !["success", "data"].contains(name));
            columns.extend(beside.map(str::to_owned));
        }
        let allowed: Vec<_> = allowed
            .iter()
            .map(clap::builder::PossibleValue::get_name)
            .collect();
        assert_eq!(allowed, columns, "{}", operation.id);
    }
}

#[test]
fn a_word_may_be_typed_in_any_case() {
    let api = Api::documented("leads_list");
    let ran = api.run("konektor leads list --status WON --sort-by UpdatedAt --sort-order Desc");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(
        api.request().url.query(),
        Some("sortBy=updatedAt&sortOrder=desc&status=won")
    );

    let ran = api.run("konektor leads list --status wonn");
    assert_eq!(ran.code, 2);
    assert!(
        ran.stderr.starts_with(
            "error: invalid value 'wonn' for '--status <VALUE>'\n  [possible values: pageview, new,"
        ) && ran
            .stderr
            .contains("\n  tip: a similar value exists: 'won'"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_apis_own_spelling_is_understood() {
    let api = Api::documented("leads_upsert");
    let ran = api.run(
        "konektor leads upsert --match-by external-ref --match-value CRM-1024 --firstName Budi",
    );
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let body: Value = serde_json::from_slice(&api.request().body).unwrap();
    assert_eq!(
        body,
        json!({"match": {"by": "externalRef", "value": "CRM-1024"}, "lead": {"firstName": "Budi"}})
    );
}

#[test]
fn an_unknown_value_of_a_newer_server_is_shown() {
    let mut body = konektor_testing::example("leads_get");
    body["data"]["status"] = "of-tomorrow".into();
    body["data"]["mood"] = "sunny".into();
    let api = Api::answering(success("leads_get", &body)).on_a_terminal(100);

    let table = api.run("konektor leads get CRM-1024").stdout;
    assert!(
        table.contains("of-tomorrow") && table.contains("sunny"),
        "{table}"
    );
    let json: Value =
        serde_json::from_str(&api.run("konektor leads get CRM-1024 -o json").stdout).unwrap();
    assert_eq!(json, body["data"]);
}
