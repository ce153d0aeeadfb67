//! All examples in the document match their schemas.

use konektor_spec::{Schema, Spec};
use serde_json::Value;

#[test]
fn every_response_example_fits_its_schema() {
    for operation in Spec::builtin().operations() {
        for response in &operation.responses {
            let name = format!("{} {}", operation.id, response.status);
            must_fit(&response.schema, &response.example, &name);
        }
    }
}

#[test]
fn every_parameter_and_body_example_fits_its_schema() {
    for operation in Spec::builtin().operations() {
        for parameter in &operation.parameters {
            // Only the server can create a valid cursor.
            if parameter.name != "cursor" {
                let name = format!("{} {}", operation.id, parameter.name);
                must_fit(&parameter.schema, &parameter.example, &name);
            }
        }
        if let Some(body) = &operation.body {
            must_fit(&body.schema, &body.example, &operation.id);
        }
    }
}

#[test]
fn every_example_of_a_component_fits_it() {
    let components = &Spec::builtin().document()["components"];
    for (name, _) in components["schemas"].as_object().unwrap() {
        let schema = Spec::builtin().schema(name).unwrap();
        if let Some(example) = schema.example() {
            must_fit(schema, example, name);
        }
    }
    for (name, header) in components["headers"].as_object().unwrap() {
        must_fit(
            &Schema::from_json(&header["schema"]),
            &header["example"],
            name,
        );
    }
}

fn must_fit(schema: &Schema, example: &Value, name: &str) {
    assert!(!example.is_null(), "{name} has no example");
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema.to_json())
        .unwrap();
    let errors: Vec<_> = validator
        .iter_errors(example)
        .map(|e| e.to_string())
        .collect();
    assert!(errors.is_empty(), "{name}: {errors:?}");
    must_know_values(schema, example, name);
}

/// An answer may have values that the document does not know, but an example has none.
fn must_know_values(schema: &Schema, example: &Value, name: &str) {
    match example {
        Value::Object(fields) => {
            for (field, value) in fields {
                if let Some(schema) = schema.property(field) {
                    must_know_values(schema, value, &format!("{name}.{field}"));
                }
            }
        }
        Value::Array(rows) => rows.iter().for_each(|row| {
            let schema = schema.items().expect("a list");
            must_know_values(schema, row, name);
        }),
        Value::String(text) if schema.has_values() => {
            assert!(schema.values().any(|known| known == text), "{name}: {text}");
        }
        _ => {}
    }
}
