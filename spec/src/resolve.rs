//! Schemas of `OpenAPI` 3.0 as plain JSON Schema.
//!
//! 3.0 has no null type: the document says it with `nullable`, or with `anyOf` the schema and an enum of null alone.
//! JSON Schema validators know neither. What comes out has no references and no `nullable`. The name of the component
//! that was referred to is kept as [`COMPONENT`]. Values that `x-konektor-enum` refers to are listed as
//! `x-extensible-enum`.

use serde_json::{Map, Value, json};

use crate::error::SpecError;

/// The keyword with the name of the component that a resolved schema was a reference to.
pub(crate) const COMPONENT: &str = "x-konektor-component";

/// Replaces all references in a schema by what they refer to.
///
/// Recursive schemas are not supported; the document has none.
pub(crate) fn resolve(document: &Value, schema: &Value) -> Result<Value, SpecError> {
    let target = follow(document, schema)?;
    let Some(source) = target.as_object() else {
        return Ok(target.clone());
    };

    let mut resolved = Map::new();
    for (key, value) in source {
        let value = match key.as_str() {
            "properties" => resolve_each(document, value)?,
            "items" | "additionalProperties" | "not" => resolve(document, value)?,
            "anyOf" | "oneOf" | "allOf" => resolve_list(document, value)?,
            _ => value.clone(),
        };
        resolved.insert(key.clone(), value);
    }
    list_known_values(document, &mut resolved)?;
    merge_all_of(&mut resolved);
    merge_null_alternative(&mut resolved);
    if resolved.remove("nullable") == Some(Value::Bool(true)) {
        allow_null(&mut resolved);
    }
    if let Some(name) = component(schema) {
        resolved.insert(COMPONENT.into(), name.into());
    }
    Ok(Value::Object(resolved))
}

/// The target of a `$ref`; the value itself when it is not a reference.
pub(crate) fn follow<'a>(document: &'a Value, value: &'a Value) -> Result<&'a Value, SpecError> {
    let Some(reference) = value["$ref"].as_str() else {
        return Ok(value);
    };
    reference
        .strip_prefix('#')
        .and_then(|pointer| document.pointer(pointer))
        .ok_or_else(|| SpecError::Unresolved(reference.to_owned()))
}

/// The name of the component that a schema refers to.
fn component(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

fn resolve_each(document: &Value, schemas: &Value) -> Result<Value, SpecError> {
    let resolved: Result<Map<_, _>, SpecError> = schemas
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, schema)| Ok((name.clone(), resolve(document, schema)?)))
        .collect();
    Ok(Value::Object(resolved?))
}

fn resolve_list(document: &Value, schemas: &Value) -> Result<Value, SpecError> {
    schemas
        .as_array()
        .into_iter()
        .flatten()
        .map(|schema| resolve(document, schema))
        .collect()
}

/// Lists the values of the schema that `x-konektor-enum` names.
fn list_known_values(document: &Value, schema: &mut Map<String, Value>) -> Result<(), SpecError> {
    if let Some(Value::String(name)) = schema.get("x-konektor-enum") {
        let values = &document["components"]["schemas"][name]["enum"];
        if !values.is_array() {
            return Err(SpecError::Unresolved(format!("x-konektor-enum {name}")));
        }
        let name = name.as_str().into();
        schema.insert("x-extensible-enum".into(), values.clone());
        schema.insert(COMPONENT.into(), name);
    }
    Ok(())
}

/// Merges `allOf` into one object. The document uses it only to add keywords to a referenced schema.
fn merge_all_of(schema: &mut Map<String, Value>) {
    let Some(Value::Array(parts)) = schema.remove("allOf") else {
        return;
    };
    for part in parts {
        for (key, value) in part.as_object().into_iter().flatten() {
            schema.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
}

fn merge_null_alternative(schema: &mut Map<String, Value>) {
    let Some(Value::Array(alternatives)) = schema.get("anyOf") else {
        return;
    };
    let (nulls, others): (Vec<_>, Vec<_>) = alternatives
        .iter()
        .cloned()
        .partition(|alternative| alternative["enum"] == json!([null]));
    if nulls.is_empty() || others.len() != 1 {
        return;
    }
    schema.remove("anyOf");
    for (key, value) in others[0].as_object().into_iter().flatten() {
        schema.entry(key.clone()).or_insert_with(|| value.clone());
    }
    allow_null(schema);
}

fn allow_null(schema: &mut Map<String, Value>) {
    if let Some(Value::String(kind)) = schema.get("type") {
        let kinds = json!([kind, "null"]);
        schema.insert("type".into(), kinds);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}
