//! Reads openapi.yaml, and rewrites it in memory into a form that progenitor supports.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use konektor_spec::{Body, Schema, Spec};

use super::text;

/// Schemas that have another name in the SDK.
pub(crate) const RENAMED: [(&str, &str); 1] = [("LeadCreate", "NewLead")];

/// The prefix of references to schemas.
const SCHEMAS: &str = "#/components/schemas/";

/// Reads the document.
pub(crate) fn read(path: &Path) -> Result<Spec> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let document = serde_saphyr::from_str(&text);
    let document = document.with_context(|| format!("{} is not valid YAML", path.display()))?;
    Ok(Spec::from_value(document)?)
}

/// Resolves a local reference such as `#/components/schemas/Lead`.
fn resolve<'a>(document: &'a Value, reference: &str) -> Result<&'a Value> {
    document
        .pointer(reference.trim_start_matches('#'))
        .with_context(|| format!("{reference} does not exist"))
}

/// Resolves the value if it is a reference.
fn follow<'a>(document: &'a Value, value: &'a Value) -> Result<&'a Value> {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => resolve(document, reference),
        None => Ok(value),
    }
}

/// Returns the document without anything that progenitor does not support.
pub(crate) fn for_progenitor(document: &Value) -> Result<Value> {
    let mut prepared = document.clone();
    for item in object_mut(&mut prepared, "/paths")?.values_mut() {
        for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
            prepare_operation(document, operation)?;
        }
    }

    let mut schemas = Map::new();
    add_schemas_of(document, &prepared["paths"], &mut schemas)?;
    prepared["components"] = json!({ "schemas": schemas });
    Ok(prepared)
}

/// Adds the schemas that `value` refers to, directly or indirectly.
fn add_schemas_of(document: &Value, value: &Value, schemas: &mut Map<String, Value>) -> Result<()> {
    if let Some(name) = schema_name(value) {
        if !schemas.contains_key(name) {
            let schema = rewritten(document, follow(document, value)?)?;
            schemas.insert(name.to_owned(), schema.clone());
            add_schemas_of(document, &schema, schemas)?;
        }
        return Ok(());
    }
    let parts: Box<dyn Iterator<Item = &Value>> = match value {
        Value::Object(object) => Box::new(object.values()),
        Value::Array(array) => Box::new(array.iter()),
        _ => return Ok(()),
    };
    for part in parts {
        add_schemas_of(document, part, schemas)?;
    }
    Ok(())
}

/// Removes error responses and headers, which the SDK handles itself.
///
/// The SDK parses errors more leniently than a schema would.
fn prepare_operation(document: &Value, operation: &mut Value) -> Result<()> {
    if let Some(responses) = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut)
    {
        responses.retain(|status, _| status.starts_with('2'));
        for response in responses.values_mut().filter_map(Value::as_object_mut) {
            response.remove("headers");
        }
    }
    if let Some(parameters) = operation
        .get_mut("parameters")
        .and_then(Value::as_array_mut)
    {
        for parameter in parameters.iter_mut() {
            let mut whole = follow(document, parameter)?.clone();
            whole["schema"] = rewritten(document, &whole["schema"])?;
            *parameter = whole;
        }
        parameters.retain(|parameter| parameter["in"] != "header");
    }
    Ok(())
}

/// Rewrites a schema for progenitor.
///
/// - Alternatives with null become `nullable`.
/// - Values that `x-konektor-enum` refers to become a reference.
/// - Named strings and numbers are inlined without their limits. The server checks limits, and each
///   schema would become a type.
/// - Defaults are removed, so that unset fields are not sent.
/// - Responses keep unknown fields.
fn rewritten(document: &Value, schema: &Value) -> Result<Value> {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = resolve(document, reference)?;
        return Ok(if is_inlined(target) {
            without_limits(target)
        } else {
            schema.clone()
        });
    }
    if let Some(alternatives) = schema.get("anyOf").and_then(Value::as_array) {
        return Ok(match non_null(alternatives) {
            Some(inner) => nullable(rewritten(document, inner)?),
            None => schema.clone(),
        });
    }
    if let Some(name) = schema.get("x-konektor-enum").and_then(Value::as_str) {
        let known = json!({ "$ref": format!("{SCHEMAS}{name}") });
        let is_nullable = schema["nullable"] == true;
        return Ok(if is_nullable { nullable(known) } else { known });
    }
    if let Some([part]) = schema
        .get("allOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    {
        return rewritten(document, part);
    }

    let mut schema = schema.clone();
    remove_limits(&mut schema);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for property in properties.values_mut() {
            *property = rewritten(document, property)?;
        }
        let schema = schema.as_object_mut().context("a schema is an object")?;
        schema
            .entry("additionalProperties")
            .or_insert_with(|| json!({}));
    }
    if let Some(items) = schema.get_mut("items") {
        *items = rewritten(document, items)?;
    }
    Ok(schema)
}

/// Returns the alternative to null, if there are exactly two alternatives.
fn non_null(alternatives: &[Value]) -> Option<&Value> {
    match alternatives {
        [inner, null] if null["enum"] == json!([null]) => Some(inner),
        _ => None,
    }
}

fn nullable(mut schema: Value) -> Value {
    if schema.get("$ref").is_some() {
        return json!({ "allOf": [schema], "nullable": true });
    }
    schema["nullable"] = json!(true);
    schema
}

fn without_limits(schema: &Value) -> Value {
    let mut schema = schema.clone();
    remove_limits(&mut schema);
    if schema["type"] == "integer" {
        schema["format"] = json!("uint64");
    }
    schema
}

fn remove_limits(schema: &mut Value) {
    if let Some(schema) = schema.as_object_mut() {
        for limit in [
            "minLength",
            "maxLength",
            "pattern",
            "minimum",
            "maximum",
            "not",
            "x-default",
            "example",
        ] {
            schema.remove(limit);
        }
        // The only boolean with an enum is `success`, which the SDK does not read.
        if schema.get("type").is_some_and(|kind| kind == "boolean") {
            schema.remove("enum");
        }
        // These formats stay strings, although typify has types for some of them.
        if schema.get("format").is_some_and(|format| {
            ["email", "phone", "nonblank"]
                .iter()
                .any(|text| format == text)
        }) {
            schema.remove("format");
        }
    }
}

/// Whether a schema is a string or number, which gets no type.
fn is_inlined(schema: &Value) -> bool {
    matches!(
        schema["type"].as_str(),
        Some("string" | "integer" | "number")
    ) && schema.get("enum").is_none()
        && schema.get("x-extensible-enum").is_none()
        && schema["format"] != "time-or-date"
}

fn object_mut<'a>(document: &'a mut Value, pointer: &str) -> Result<&'a mut Map<String, Value>> {
    document
        .pointer_mut(pointer)
        .and_then(Value::as_object_mut)
        .with_context(|| format!("openapi.yaml has no object at {pointer}"))
}

/// Returns the name of the referenced schema.
fn schema_name(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()?.strip_prefix(SCHEMAS)
}

/// Returns a component schema.
pub(crate) fn schema<'a>(spec: &'a Spec, name: &str) -> Result<&'a Schema> {
    spec.schema(name)
        .with_context(|| format!("no schema {name}"))
}

/// Returns the description of a schema, or its name in words.
pub(crate) fn description(name: &str, schema: &Schema) -> String {
    let description = schema.description();
    description.map_or_else(|| text::words(name), str::to_owned)
}

/// Returns the names of all enum schemas, in the order of the document.
pub(crate) fn enums(spec: &Spec) -> impl Iterator<Item = (&str, &Schema)> {
    spec.schemas()
        .filter(|(_, schema)| schema.component().is_none() && schema.has_values())
}

/// Returns the value of a property in the example of any request body.
pub(crate) fn body_example<'a>(spec: &'a Spec, property: &str) -> Option<&'a Value> {
    bodies(spec).find_map(|body| body.example.get(property))
}

/// Returns all request bodies.
fn bodies(spec: &Spec) -> impl Iterator<Item = &Body> {
    let operations = spec.operations().iter();
    operations.filter_map(|operation| operation.body.as_ref())
}

/// Returns the schemas of changes, in which an absent field differs from null: the bodies of PATCH operations.
pub(crate) fn changes(spec: &Spec) -> impl Iterator<Item = (&str, &Schema)> {
    let operations = spec.operations().iter();
    let patches = operations.filter(|operation| operation.method == "PATCH");
    patches.filter_map(|operation| {
        let schema = &operation.body.as_ref()?.schema;
        Some((schema.component()?, schema))
    })
}

/// Returns the name of the type of changes: `LeadChanges` for `LeadUpdate`.
pub(crate) fn changes_name(schema: &str) -> String {
    format!("{}Changes", schema.trim_end_matches("Update"))
}

/// Whether a component schema consists of changes.
pub(crate) fn is_change(spec: &Spec, component: Option<&str>) -> bool {
    changes(spec).any(|(name, _)| Some(name) == component)
}

/// Whether a component schema is a request body.
pub(crate) fn is_body(spec: &Spec, name: &str) -> bool {
    bodies(spec).any(|body| body.schema.component() == Some(name))
}
