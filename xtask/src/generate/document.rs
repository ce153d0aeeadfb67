//! Rewrites openapi.yaml in memory into a form that progenitor supports.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use konektor_spec::without_default;

use super::text;

/// Schemas that have another name in the SDK.
pub(crate) const RENAMED: [(&str, &str); 1] = [("LeadCreate", "NewLead")];

/// The prefix of references to schemas.
const SCHEMAS: &str = "#/components/schemas/";

/// Reads the document, preserving the order of its keys.
pub(crate) fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    serde_saphyr::from_str(&text).with_context(|| format!("{} is not valid YAML", path.display()))
}

/// Resolves a local reference such as `#/components/schemas/Lead`.
pub(crate) fn resolve<'a>(document: &'a Value, reference: &str) -> Result<&'a Value> {
    document
        .pointer(reference.trim_start_matches('#'))
        .with_context(|| format!("{reference} does not exist"))
}

/// Resolves the value if it is a reference.
pub(crate) fn follow<'a>(document: &'a Value, value: &'a Value) -> Result<&'a Value> {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => resolve(document, reference),
        None => Ok(value),
    }
}

/// Rewrites everything that progenitor does not support.
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
pub(crate) fn non_null(alternatives: &[Value]) -> Option<&Value> {
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
    ) && values(schema).is_none()
        && schema["format"] != "time-or-date"
}

/// Returns the known values of an enum schema.
pub(crate) fn values(schema: &Value) -> Option<&Vec<Value>> {
    let values = schema
        .get("enum")
        .or_else(|| schema.get("x-extensible-enum"));
    values.and_then(Value::as_array)
}

/// Returns the object at a JSON pointer.
pub(crate) fn object<'a>(document: &'a Value, pointer: &str) -> Result<&'a Map<String, Value>> {
    document
        .pointer(pointer)
        .and_then(Value::as_object)
        .with_context(|| format!("openapi.yaml has no object at {pointer}"))
}

fn object_mut<'a>(document: &'a mut Value, pointer: &str) -> Result<&'a mut Map<String, Value>> {
    document
        .pointer_mut(pointer)
        .and_then(Value::as_object_mut)
        .with_context(|| format!("openapi.yaml has no object at {pointer}"))
}

/// Returns the name of the referenced schema.
pub(crate) fn schema_name(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()?.strip_prefix(SCHEMAS)
}

/// Returns a schema without its null alternative.
pub(crate) fn bare(document: &Value, schema: &Value) -> Result<Value> {
    let mut schema = rewritten(document, schema)?;
    if let Some([part]) = schema
        .get("allOf")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
    {
        schema = part.clone();
    }
    Ok(schema)
}

/// Whether a property may be null.
pub(crate) fn is_nullable(document: &Value, schema: &Value) -> Result<bool> {
    Ok(rewritten(document, schema)?["nullable"] == json!(true))
}

/// Returns the properties of an object schema, in the order of the document.
pub(crate) fn properties(schema: &Value) -> Result<Vec<(&str, &Value)>> {
    let properties = schema["properties"]
        .as_object()
        .context("the schema has no properties")?;
    Ok(properties
        .iter()
        .map(|(name, schema)| (name.as_str(), schema))
        .collect())
}

/// Returns the schema that a property refers to, directly or as an alternative to null; otherwise its own.
pub(crate) fn target<'a>(document: &'a Value, schema: &'a Value) -> Result<&'a Value> {
    let inner = match (schema["anyOf"].as_array(), schema["allOf"].as_array()) {
        (Some(alternatives), _) => non_null(alternatives).unwrap_or(schema),
        (_, Some(parts)) => parts.first().unwrap_or(schema),
        _ => schema,
    };
    follow(document, inner)
}

/// Returns a keyword of a property. One beside a reference overrides the one of the referenced schema.
pub(crate) fn keyword<'a>(
    document: &'a Value,
    schema: &'a Value,
    name: &str,
) -> Result<Option<&'a Value>> {
    match schema.get(name) {
        Some(value) => Ok(Some(value)),
        None => Ok(target(document, schema)?.get(name)),
    }
}

/// Returns the description of a property, or that of the schema it refers to.
pub(crate) fn description(document: &Value, name: &str, schema: &Value) -> Result<String> {
    let description = keyword(document, schema, "description")?.and_then(Value::as_str);
    Ok(description.map_or_else(
        || text::words(name),
        |text| without_default(text).to_owned(),
    ))
}

/// Returns the names of all enum schemas.
pub(crate) fn enums(document: &Value) -> Result<Vec<(&String, &Value)>> {
    let schemas = object(document, "/components/schemas")?;
    Ok(schemas
        .iter()
        .filter(|(_, schema)| values(schema).is_some())
        .collect())
}

/// Returns the operations of a path, in the order of the document.
pub(crate) fn operations(item: &Value) -> impl Iterator<Item = &Value> {
    let values = item.as_object().into_iter().flat_map(Map::values);
    values.filter(|operation| operation.get("operationId").is_some())
}

/// Returns the parameters of an operation with the location `place`.
pub(crate) fn parameters<'a>(
    document: &'a Value,
    operation: &'a Value,
    place: &str,
) -> Result<Vec<&'a Value>> {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let parameters = parameters.map(|parameter| follow(document, parameter));
    let mut parameters = parameters.collect::<Result<Vec<_>>>()?;
    parameters.retain(|parameter| parameter["in"] == place);
    Ok(parameters)
}

/// Returns the schema of the request body.
pub(crate) fn body(operation: &Value) -> Option<&Value> {
    operation.pointer("/requestBody/content/application~1json/schema")
}

/// Whether a property is required.
pub(crate) fn is_required(schema: &Value, property: &str) -> bool {
    schema["required"]
        .as_array()
        .is_some_and(|names| names.iter().any(|name| name == property))
}

/// Returns the example of a schema, or of the schema it refers to.
pub(crate) fn example<'a>(document: &'a Value, schema: &'a Value) -> Option<&'a Value> {
    let inner = schema["anyOf"]
        .as_array()
        .and_then(|parts| non_null(parts))
        .unwrap_or(schema);
    follow(document, inner).ok()?.get("example")
}

/// Returns the value of a property in the example of any request body.
pub(crate) fn body_example<'a>(document: &'a Value, property: &str) -> Option<&'a Value> {
    let paths = document["paths"].as_object()?;
    paths
        .values()
        .flat_map(operations)
        .find_map(|operation| body_example_of(document, operation)?.get(property))
}

/// Returns the first example of the request body.
pub(crate) fn body_example_of<'a>(document: &'a Value, operation: &'a Value) -> Option<&'a Value> {
    let examples = operation.pointer("/requestBody/content/application~1json/examples")?;
    let first = examples.as_object()?.values().next()?;
    follow(document, first).ok()?.get("value")
}

/// Returns the schemas of changes, in which an absent field differs from null: the bodies of PATCH operations.
pub(crate) fn changes(document: &Value) -> Vec<&str> {
    let paths = document["paths"].as_object().into_iter();
    let operations = paths.flat_map(Map::values).map(|item| &item["patch"]);
    operations
        .filter_map(body)
        .filter_map(schema_name)
        .collect()
}

/// Returns the name of the type of changes: `LeadChanges` for `LeadUpdate`.
pub(crate) fn changes_name(schema: &str) -> String {
    format!("{}Changes", schema.trim_end_matches("Update"))
}

/// Whether a value refers to a schema of changes.
pub(crate) fn is_change(document: &Value, value: &Value) -> bool {
    schema_name(value).is_some_and(|name| changes(document).contains(&name))
}

/// Whether a schema is a request body.
pub(crate) fn is_body(document: &Value, name: &str) -> bool {
    let paths = document["paths"]
        .as_object()
        .into_iter()
        .flat_map(Map::values);
    paths
        .flat_map(operations)
        .filter_map(body)
        .any(|body| schema_name(body) == Some(name))
}
