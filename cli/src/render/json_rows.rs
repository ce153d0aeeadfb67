//! The rows in an answer, and the fields in a row.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Returns the rows of a document: the items of a list, or the document itself as one row.
///
/// A field beside a single row (`created` of an upsert) becomes a field of the row.
pub(crate) fn rows(document: Value) -> Vec<Value> {
    let Value::Object(mut envelope) = document else {
        return match document {
            Value::Array(rows) => rows,
            value => vec![value],
        };
    };
    match envelope.shift_remove("data") {
        Some(Value::Array(rows)) => rows,
        Some(Value::Object(mut row)) => {
            row.extend(envelope);
            vec![Value::Object(row)]
        }
        Some(data) => {
            envelope.insert("data".to_owned(), data);
            vec![Value::Object(envelope)]
        }
        None => vec![Value::Object(envelope)],
    }
}

/// Returns a field of a row. A field of an object has a path: `subscription.plan`.
pub(crate) fn field<'a>(row: &'a Value, name: &str) -> &'a Value {
    match row.get(name) {
        Some(value) => value,
        None => name.split('.').fold(row, |value, name| &value[name]),
    }
}

/// Returns the row with only these fields; the whole row if none are named.
pub(crate) fn pick_fields<'a>(row: &'a Value, fields: &[String]) -> Cow<'a, Value> {
    if fields.is_empty() || !row.is_object() {
        return Cow::Borrowed(row);
    }
    let picked: Map<_, _> = fields
        .iter()
        .map(|name| (name.clone(), field(row, name).clone()))
        .collect();
    Cow::Owned(Value::Object(picked))
}

/// Removes all other fields from the rows of a document.
pub(crate) fn retain_fields(document: &mut Value, fields: &[String]) {
    if fields.is_empty() {
        return;
    }
    match document {
        Value::Array(rows) => rows.iter_mut().for_each(|row| retain_fields(row, fields)),
        Value::Object(envelope) if envelope.get("data").is_some_and(Value::is_array) => {
            retain_fields(&mut envelope["data"], fields);
        }
        Value::Object(_) => {
            if let Some(row) = rows(document.take()).pop() {
                *document = pick_fields(&row, fields).into_owned();
            }
        }
        _ => {}
    }
}

/// Returns the names of all fields of a row, including those of objects.
pub(crate) fn names(row: &Value) -> Vec<String> {
    fn below(value: &Value, path: &str, names: &mut Vec<String>) {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                for (name, value) in fields {
                    let path = match path {
                        "" => name.clone(),
                        path => format!("{path}.{name}"),
                    };
                    below(value, &path, names);
                }
            }
            _ if path.is_empty() => names.push("value".to_owned()),
            _ => names.push(path.to_owned()),
        }
    }
    let mut names = Vec::new();
    below(row, "", &mut names);
    names
}

/// Returns a value as text.
pub(crate) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        value => Cow::Owned(value.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_are_what_a_list_lists() {
        let listed = json!({"data": [{"id": 1}, {"id": 2}], "pagination": {"page": 1}});
        assert_eq!(rows(listed), [json!({"id": 1}), json!({"id": 2})]);
        assert_eq!(rows(json!([1, 2])), [json!(1), json!(2)]);
    }

    #[test]
    fn one_thing_is_one_row_with_what_is_said_beside_it() {
        let upserted = json!({"data": {"id": 1}, "created": true});
        assert_eq!(rows(upserted), [json!({"id": 1, "created": true})]);
        assert_eq!(rows(json!({"id": 1})), [json!({"id": 1})]);
    }

    #[test]
    fn fields_of_objects_in_a_row_have_a_path() {
        let row = json!({"plan": {"name": "pro", "limits": {}}, "a.b": 1, "tags": ["x"]});
        assert_eq!(names(&row), ["plan.name", "plan.limits", "a.b", "tags"]);
        assert_eq!(field(&row, "plan.name"), "pro");
        assert_eq!(field(&row, "a.b"), 1);
        assert_eq!(field(&row, "nothing.here"), &Value::Null);
    }
}
