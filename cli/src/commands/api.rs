//! `konektor api`: any request, with the key of the profile.

use std::{fs::File, io::Read as _};

use clap::{Arg, ArgAction, builder::ValueHint};
use konektor_sdk::RawResponse;
use konektor_spec::{Access, Operation, Spec};
use serde_json::{Value, json};

use crate::{
    args::json,
    commands::{LocalCommand, described},
    config::{BASE_URL, MAX_WAIT, OUTPUT},
    error::Failure,
    render::{Answer, View, readable_json},
    session::{Context, dry_run, explain},
};

const ABOUT: &str = "Send any request with the key of the profile, and show the answer.";
const EXAMPLES: &str = "  konektor api GET /workspace
  konektor api GET /leads -f status=new -f limit=10
  konektor api PATCH /leads/CRM-1024 -f status=won -f actualValue=4500000
  echo '{\"firstName\": \"Budi\"}' | konektor api POST /leads --input -";

pub(crate) static API: LocalCommand = LocalCommand {
    path: &["api"],
    noun: "",
    needs: &[&BASE_URL, &OUTPUT],
    shape: |command| {
        described(command, ABOUT, EXAMPLES)
            .arg(
                Arg::new("method")
                    .required(true)
                    .value_name("METHOD")
                    .help("GET, POST, PATCH …"),
            )
            .arg(
                Arg::new("path")
                    .required(true)
                    .value_name("PATH")
                    .help("Where, below the base path, e.g. /leads"),
            )
            .arg(
                Arg::new("field")
                    .short('f')
                    .long("field")
                    .value_name("NAME=VALUE")
                    .action(ArgAction::Append)
                    .value_parser(field)
                    .help(
                        "A field of the body (nested ones with dots), or a parameter of a GET; \
                         a number where the API has one",
                    ),
            )
            .arg(
                Arg::new("input")
                    .long("input")
                    .value_name("FILE")
                    .value_hint(ValueHint::FilePath)
                    .conflicts_with("field")
                    .help("The body: a file with JSON, or - for stdin"),
            )
            .arg(dry_run::flag())
    },
    run: |context| Box::pin(run(context)),
};

fn field(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE"),
    }
}

async fn run<'a>(context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
    let method = context.required("method")?.to_uppercase();
    let path = context.required("path")?;
    let path = path
        .strip_prefix(Spec::builtin().base_path())
        .unwrap_or(path);
    if !path.starts_with('/') {
        return Err(Failure::usage("the path begins with /, e.g. /leads"));
    }
    let operation = documented(Spec::builtin(), &method, path);
    let fields: Vec<&(String, String)> = context
        .matches
        .get_many("field")
        .into_iter()
        .flatten()
        .collect();
    let (query, body) = if method == "GET" || method == "HEAD" {
        if context.argument("input").is_some() {
            return Err(Failure::usage(format!(
                "--input cannot be used with {method}, which has no body"
            ))
            .hint("give parameters with: -f NAME=VALUE"));
        }
        (fields, None)
    } else {
        (Vec::new(), body(context, operation, &fields)?)
    };
    let is_dry_run = dry_run::is_wanted(context);
    let key = if is_dry_run {
        None
    } else {
        let access = operation.map_or(Access::AnyKey, |operation| operation.access.clone());
        context.settings.require(&MAX_WAIT)?;
        context.key_for(&access)?
    };
    let mut request = context.client(key.as_ref())?.request(method.as_str(), path);
    for (name, value) in query {
        request = request.query(name, value);
    }
    if let Some(body) = body {
        request = request.body(body);
    }
    if is_dry_run {
        let request = request
            .build()
            .map_err(|error| explain(&error, operation, context))?;
        return dry_run::shown(&request, None);
    }
    // What is typed into a path may be about a person.
    let place = operation.map_or("(undocumented)", |operation| operation.path.as_str());
    let (reply, _) = context
        .logged(&method, place, request.send_with_meta())
        .await
        .map_err(|error| explain(&error, operation, context))?;
    shown(&reply)
}

/// The operation that a request goes to.
fn documented<'a>(spec: &'a Spec, method: &str, path: &str) -> Option<&'a Operation> {
    let path = path.split('?').next().unwrap_or_default();
    spec.operation_at(method, path)
}

fn body(
    context: &Context<'_>,
    operation: Option<&Operation>,
    fields: &[&(String, String)],
) -> Result<Option<Value>, Failure> {
    let Some(input) = context.argument("input") else {
        let mut body = Value::Object(serde_json::Map::new());
        for (name, text) in fields {
            let mut place = &mut body;
            for part in name.split('.') {
                if !place.is_object() {
                    *place = json!({});
                }
                place = &mut place[part];
            }
            *place = json::field(operation, name, text);
        }
        return Ok((!fields.is_empty()).then_some(body));
    };
    let most = Spec::builtin().limits().body_bytes;
    let bytes = if input == "-" {
        context.read_all(most as u64)?
    } else {
        read_file(input, most as u64)?
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        Failure::usage(format!(
            "the body is not JSON (line {}, column {})",
            error.line(),
            error.column()
        ))
    })
}

/// All of a file, if it is not more than this many bytes, for which a device could be read for ever.
fn read_file(name: &str, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(name)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::from_file("read", name.as_ref(), &error))?;
    if bytes.len() as u64 > most {
        return Err(Failure::usage(format!("{name} has more than {most} bytes")));
    }
    Ok(bytes)
}

/// JSON is shown as such, all else as it is.
fn shown<'b>(reply: &RawResponse) -> Result<Answer<'b>, Failure> {
    if let Ok(json) = serde_json::from_slice::<Value>(&reply.body) {
        let text = readable_json(&json)?;
        return Answer::new(&json, View::Text(text));
    }
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    Answer::new(&text, View::Text(text.clone()))
}
