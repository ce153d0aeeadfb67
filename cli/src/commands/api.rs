//! `konektor api`: sends any request.

use std::{fs::File, io::Read as _};

use clap::{Args, ValueHint};
use konektor_sdk::RawResponse;
use konektor_spec::{Access, Operation, Spec};
use serde_json::{Value, json};

use crate::{
    args::{DryRun, json},
    commands::LocalCommand,
    config::{BASE_URL, MAX_WAIT, OUTPUT, Setting},
    error::Failure,
    render::{Answer, View, readable_json},
    session::{Context, dry_run, explain},
};

#[derive(Args)]
pub(crate) struct Api {
    #[arg(value_name = "METHOD", help = "GET, POST, PATCH …")]
    method: String,
    #[arg(
        value_name = "PATH",
        help = "The path below the base path, e.g. /leads"
    )]
    path: String,
    #[arg(
        short = 'f',
        long = "field",
        value_name = "NAME=VALUE",
        value_parser = field,
        help = "A field of the body (nested ones with dots), or a parameter of a GET; numbers are detected from the API's document"
    )]
    fields: Vec<(String, String)>,
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        conflicts_with = "fields",
        help = "The body: a file with JSON, or - for stdin"
    )]
    input: Option<String>,
    #[command(flatten)]
    dry_run: DryRun,
}

impl LocalCommand for Api {
    const PATH: &'static [&'static str] = &["api"];
    const ABOUT: &'static str = "Make an authenticated API request";
    const EXAMPLES: &'static str = "  konektor api GET /workspace
  konektor api GET /leads -f status=new -f limit=10
  konektor api PATCH /leads/CRM-1024 -f status=won -f actualValue=4500000
  echo '{\"firstName\": \"Budi\"}' | konektor api POST /leads --input -";
    const NEEDS: &'static [&'static Setting] = &[&BASE_URL, &OUTPUT];

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        run(context, self).await
    }
}

fn field(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as NAME=VALUE"),
    }
}

async fn run<'a>(context: &'a Context<'a>, args: &Api) -> Result<Answer<'a>, Failure> {
    let method = args.method.to_uppercase();
    let path = args
        .path
        .strip_prefix(Spec::builtin().base_path())
        .unwrap_or(&args.path);
    if !path.starts_with('/') {
        return Err(Failure::usage("the path must begin with /, e.g. /leads"));
    }
    let operation = documented(Spec::builtin(), &method, path);
    let (query, body) = if method == "GET" || method == "HEAD" {
        if args.input.is_some() {
            return Err(Failure::usage(format!(
                "--input cannot be used with {method}, which has no body"
            ))
            .hint("give parameters with: -f NAME=VALUE"));
        }
        (&*args.fields, None)
    } else {
        (&[][..], body(context, operation, args)?)
    };
    let is_dry_run = args.dry_run.dry_run;
    let client = if is_dry_run {
        context.dry_run_client()?
    } else {
        let access = operation.map_or(Access::AnyKey, |operation| operation.access.clone());
        context.settings.require(&MAX_WAIT)?;
        context.client(context.key_for(&access)?.as_ref())?
    };
    let mut request = client.request(method.as_str(), path);
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
        return dry_run::show(&request, None);
    }
    // A path may contain personal data, so the log has the path of the operation.
    let place = operation.map_or("(undocumented)", |operation| operation.path.as_str());
    let (reply, _) = context
        .send_logged(&method, place, request.send_with_meta())
        .await
        .map_err(|error| explain(&error, operation, context))?;
    show(&reply)
}

/// Finds the operation of a request.
fn documented<'a>(spec: &'a Spec, method: &str, path: &str) -> Option<&'a Operation> {
    let path = path.split('?').next().unwrap_or_default();
    spec.operation_at(method, path)
}

fn body(
    context: &Context<'_>,
    operation: Option<&Operation>,
    args: &Api,
) -> Result<Option<Value>, Failure> {
    let Some(input) = &args.input else {
        let mut body = Value::Object(serde_json::Map::new());
        for (name, text) in &args.fields {
            let mut place = &mut body;
            for part in name.split('.') {
                if !place.is_object() {
                    *place = json!({});
                }
                place = &mut place[part];
            }
            *place = json::field(operation, name, text);
        }
        return Ok((!args.fields.is_empty()).then_some(body));
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

/// Reads at most this many bytes of a file, because a device may not end.
fn read_file(name: &str, most: u64) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    File::open(name)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::from_file("read", name.as_ref(), &error))?;
    if bytes.len() as u64 > most {
        return Err(Failure::usage(format!("{name} exceeds {most} bytes")));
    }
    Ok(bytes)
}

/// Shows JSON indented, and other text as it is.
fn show<'b>(reply: &RawResponse) -> Result<Answer<'b>, Failure> {
    if let Ok(json) = serde_json::from_slice::<Value>(&reply.body) {
        let text = readable_json(&json)?;
        return Answer::new(&json, View::Text(text));
    }
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    Answer::new(&text, View::Text(text.clone()))
}
