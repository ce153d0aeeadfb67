//! Every documented success, from the documented example of its request.

use std::collections::BTreeSet;

use konektor_spec::{Location, Operation, Spec};
use konektor_tests::{Server, both_engines};
use serde_json::Value;

use super::{bare, documenting, example, expect, fresh_key, query, text};

both_engines! {
    async fn every_example_is_answered_with_the_documented_success(server) {
        for status in [200, 201] {
            for operation in documenting(status) {
                let key = fresh_key(&server).await;
                if needs_a_lead(operation, status) {
                    create_the_example(&server, &key).await;
                }
                let request = example(&server, operation).bearer_auth(&key);
                let answer = expect(&server, operation, status, request).await;
                if operation.scope().is_some() {
                    must_look_like(&documented(operation, status), &answer.json, &operation.id);
                }
            }
        }
    }

    async fn every_example_of_a_query_parameter_works_alone(server) {
        for operation in documenting(200) {
            for (name, value) in query(operation) {
                let request = bare(&server, operation).query(&[(name, value)]).bearer_auth(&server.key);
                expect(&server, operation, 200, request).await;
            }
        }
    }

    async fn every_example_of_a_header_works(server) {
        for operation in documenting(201) {
            let key = fresh_key(&server).await;
            for header in operation.parameters_in(Location::Header) {
                let request = example(&server, operation).bearer_auth(&key);
                let request = request.header(&header.name, text(&header.example));
                expect(&server, operation, 201, request).await;
            }
        }
    }

    async fn the_example_of_a_new_lead_becomes_the_lead_of_the_example_answer(server) {
        let create = Spec::builtin().operation("leads_create").unwrap();
        let request = example(&server, create).bearer_auth(&server.key);
        let made = expect(&server, create, 201, request).await;
        for (field, value) in documented(create, 201)["data"].as_object().unwrap() {
            // The server generates these two.
            if !["id", "uniqueCode"].contains(&field.as_str()) {
                assert_eq!(&made.data()[field], value, "{field}");
            }
        }
    }
}

/// Whether the request needs an existing lead. Only the upsert with status 201 needs an empty workspace.
fn needs_a_lead(operation: &Operation, status: u16) -> bool {
    operation.scope().is_some() && status == 200
}

async fn create_the_example(server: &Server, key: &str) {
    let create = Spec::builtin().operation("leads_create").unwrap();
    let request = example(server, create).bearer_auth(key);
    expect(server, create, 201, request).await;
}

fn documented(operation: &Operation, status: u16) -> Value {
    let mut responses = operation.responses.iter();
    let response = responses.find(|response| response.status == status);
    response.unwrap().example.clone()
}

/// Checks that the response has the fields of the example. Every row of a list is compared with the first row of the
/// example.
fn must_look_like(example: &Value, answer: &Value, at: &str) {
    match (example, answer) {
        (Value::Object(example), Value::Object(answer)) => {
            let (documented, given): (BTreeSet<_>, BTreeSet<_>) =
                (example.keys().collect(), answer.keys().collect());
            assert_eq!(documented, given, "{at}");
            for (name, value) in example {
                must_look_like(value, &answer[name], &format!("{at}.{name}"));
            }
        }
        (Value::Array(example), Value::Array(answer)) => {
            for row in answer {
                must_look_like(&example[0], row, &format!("{at}[]"));
            }
        }
        (Value::Object(_) | Value::Array(_), other) => panic!("{at} is {}", text(other)),
        _ => {}
    }
}
