//! `--dry-run`: what would be sent or written, and nothing is.

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

/// The request of an operation, without the key.
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
    shown(request, idempotency_key)
}

/// Why the value of an upsert's match is not valid for the field that it matches by.
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

/// A request in words. An idempotency key is shown if somebody typed it: the client makes another one each time.
pub(crate) fn shown<'b>(
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

/// A body without a key that somebody has typed into it.
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
    /// What would be done to it, as an imperative.
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

/// What would be written where.
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
