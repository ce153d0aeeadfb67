//! Turns openapi.yaml into JSON at build time, so that nobody who reads it at run time needs a YAML parser,
//! and its operations into an enum, so that a match over them does not compile when one is missing.

use std::{env, error::Error, fs, path::Path};

use heck::ToUpperCamelCase as _;
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let source = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../openapi.yaml");
    println!("cargo::rerun-if-changed={}", source.display());
    let document: Value = serde_saphyr::from_str(&fs::read_to_string(&source)?)?;
    let target = env::var("OUT_DIR")?;
    let target = Path::new(&target);
    fs::write(
        target.join("openapi.json"),
        serde_json::to_string(&document)?,
    )?;
    fs::write(target.join("facts.rs"), facts(&document)?)?;
    Ok(())
}

/// What is known at compile time.
fn facts(document: &Value) -> Result<String, Box<dyn Error>> {
    let ids: Vec<_> = document["paths"]
        .as_object()
        .into_iter()
        .flat_map(|paths| paths.values())
        .filter_map(Value::as_object)
        .flat_map(|path| path.values())
        .filter_map(|operation| {
            let id = operation["operationId"].as_str()?;
            Some((id, id.to_upper_camel_case(), &operation["tags"][0]))
        })
        .collect();
    let each = |line: &dyn Fn(&str, &str) -> String| -> String {
        ids.iter().map(|(id, name, _)| line(id, name)).collect()
    };
    let server_url = &document["servers"][0]["url"];
    let version = &document["info"]["version"];
    let idempotency_hours = &document["x-konektor-limits"]["idempotencyHours"];
    let key_format = &document["components"]["securitySchemes"]["apiKey"]["bearerFormat"];
    let key_prefix = key_format
        .as_str()
        .and_then(|format| format.split_once('<'));
    let (key_prefix, _) = key_prefix.ok_or("bearerFormat has no prefix before its first <")?;
    let tag_of_each = lines(ids.iter().map(|(_, _, tag)| format!("            {tag},")));
    Ok(format!(
        "/// [`Spec::server_url`] of the built-in document, without parsing it.
pub const SERVER_URL: &str = {server_url};

/// [`Spec::version`] of the built-in document, without parsing it.
pub const API_VERSION: &str = {version};

/// [`Limits::idempotency_hours`] of the built-in document, without parsing it.
pub const IDEMPOTENCY_HOURS: u32 = {idempotency_hours};

/// The prefix of every API key.
pub const KEY_PREFIX: &str = \"{key_prefix}\";

/// The operations of the built-in document by their `operationId`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OperationId {{
{variants}}}

impl OperationId {{
    /// All of them, in the document's order.
    pub const ALL: [Self; {count}] = [{all}];

    /// The `operationId`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {{
        match self {{
{names}        }}
    }}

    /// The noun it belongs to, e.g. `Leads`.
    #[must_use]
    pub const fn tag(self) -> &'static str {{
        const TAGS: [&str; {count}] = [
{tag_of_each}        ];
        TAGS[self as usize]
    }}
}}
",
        variants = each(&|id, name| format!("    /// `{id}`\n    {name},\n")),
        count = ids.len(),
        all = each(&|_, name| format!("Self::{name}, ")),
        names = each(&|id, name| format!("            Self::{name} => \"{id}\",\n")),
    ))
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.flat_map(|line| [line, "\n".to_owned()]).collect()
}
