//! `--dry-run`: shows what would be sent or written.

use std::{collections::BTreeMap, fmt};

use konektor_sdk::PreparedRequest;
use konektor_spec::{
    Operation, Spec,
    rule::{Rule, match_schema},
};
use serde_json::{Value, json};

use crate::{
    base::secret::without_keys,
    error::Failure,
    render::{Answer, View, readable_json},
};

/// Checks the request of an operation against the document, and shows it without the key.
pub(crate) fn answer<'b>(
    operation: &Operation,
    request: &PreparedRequest,
    idempotency_key: Option<&str>,
) -> Result<Answer<'b>, Failure> {
    if let (Some(documented), Some(body)) = (&operation.body, &body(request)?) {
        let mut bad = BTreeMap::new();
        Rule::new(&documented.schema)
            .map_err(|error| Failure::other(error.to_string()))?
            .check(body, &mut bad);
        if let Some(why) = match_complaint(body)? {
            bad.entry("match.value".to_owned()).or_insert(why);
        }
        if !bad.is_empty() {
            return Err(Failure::not_valid(bad));
        }
    }
    show(request, idempotency_key)
}

/// Checks the match value of an upsert against the schema of the field it matches by.
fn match_complaint(body: &Value) -> Result<Option<String>, Failure> {
    let by = body.pointer("/match/by").and_then(Value::as_str);
    let schema = by
        .and_then(match_schema)
        .and_then(|name| Spec::builtin().schema(name));
    let (Some(schema), Some(value)) = (schema, body.pointer("/match/value")) else {
        return Ok(None);
    };
    let mut bad = BTreeMap::new();
    Rule::new(schema)
        .map_err(|error| Failure::other(error.to_string()))?
        .check(value, &mut bad);
    Ok(bad.into_values().next())
}

fn body(request: &PreparedRequest) -> Result<Option<Value>, Failure> {
    Ok(request.body().map(serde_json::from_str).transpose()?)
}

/// Shows a request. An idempotency key is shown only if it was typed, because the client generates a new one each time.
pub(crate) fn show<'b>(
    request: &PreparedRequest,
    idempotency_key: Option<&str>,
) -> Result<Answer<'b>, Failure> {
    let (method, url) = (request.method(), without_keys(request.url()));
    let body = body(request)?.as_ref().map(harmless);
    let key = idempotency_key.map(without_keys);
    let mut lines = vec![format!("{method} {url}")];
    let mut json = json!({"dryRun": true, "method": method, "url": url});
    if let Some(key) = key {
        lines.push(format!("Idempotency-Key: {key}"));
        json["idempotencyKey"] = key.into();
    }
    if let Some(body) = &body {
        lines.push(readable_json(body)?);
    }
    json["body"] = body.into();
    Ok(Answer::new(&json, View::Text(lines.join("\n")))?.with_note("nothing was sent"))
}

/// Redacts API keys that were typed into a body.
fn harmless(value: &Value) -> Value {
    match value {
        Value::String(text) => without_keys(text).into(),
        Value::Array(values) => values.iter().map(harmless).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, field)| (without_keys(name), harmless(field)))
            .collect(),
        value => value.clone(),
    }
}

/// A change on this machine.
pub(crate) struct Change {
    /// A file, or the keyring.
    place: String,
    /// What would happen to it, as an imperative.
    what: String,
}

impl Change {
    pub(crate) fn new(place: impl fmt::Display, what: impl Into<String>) -> Self {
        Self {
            place: place.to_string(),
            what: what.into(),
        }
    }
}

/// Shows changes on this machine.
pub(crate) fn changes<'b>(
    changes: impl IntoIterator<Item = Change>,
) -> Result<Answer<'b>, Failure> {
    let (mut lines, mut json) = (Vec::new(), Vec::new());
    for Change { place, what } in changes {
        let (place, what) = (without_keys(&place), without_keys(&what));
        lines.push(format!("{place}: {what}"));
        json.push(json!({"place": place, "change": what}));
    }
    let answer = Answer::new(
        &json!({"dryRun": true, "changes": json}),
        View::Text(lines.join("\n")),
    )?;
    Ok(answer.with_note("nothing was written"))
}
