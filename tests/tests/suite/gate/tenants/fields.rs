//! Fields that only the server sets.

use std::collections::BTreeSet;

use konektor_spec::{Schema, Spec};
use konektor_tests::both_engines;
use serde_json::{Value, json};

use super::gated;

/// Fields that are not part of this API.
const UNKNOWN_FIELDS: [&str; 6] = [
    "workspaceId",
    "workspace_id",
    "tenantId",
    "scopes",
    "created_at",
    "__proto__",
];

/// Returns the names of all response fields, at any depth.
fn response_fields() -> BTreeSet<String> {
    let mut names = BTreeSet::from(UNKNOWN_FIELDS.map(str::to_owned));
    for response in Spec::builtin()
        .operations()
        .iter()
        .flat_map(|operation| &operation.responses)
    {
        collect(&response.schema, &mut names);
    }
    names
}

fn collect(schema: &Schema, names: &mut BTreeSet<String>) {
    for (name, schema) in schema.properties() {
        names.insert(name.to_owned());
        collect(schema, names);
    }
    if let Some(items) = schema.items() {
        collect(items, names);
    }
}

/// Collects the paths of all objects in a body, each with its field names.
fn objects(schema: &Schema, at: &[&str], found: &mut Vec<(Vec<String>, BTreeSet<String>)>) {
    if !schema.has_properties() {
        return;
    }
    let at_here = at.iter().map(ToString::to_string).collect();
    let names = schema.properties().map(|(name, _)| name.to_owned());
    found.push((at_here, names.collect()));
    for (name, schema) in schema.properties() {
        objects(schema, &[at, &[name]].concat(), found);
    }
}

both_engines! {
    async fn nobody_sets_what_is_only_answered(server) {
        let answered = response_fields();
        for name in ["id", "createdAt", "updatedAt", "conversionSyncStatus", "ticketRef", "trackingCode"] {
            assert!(answered.contains(name), "{name}");
        }
        let mut tried = 0;
        for operation in gated() {
            let Some(body) = &operation.body else { continue };
            let mut places = Vec::new();
            objects(&body.schema, &[], &mut places);
            assert!(!places.is_empty(), "the body of {} is no object", operation.id);
            for (at, allowed) in places {
                let forbidden: BTreeSet<_> = answered.difference(&allowed).cloned().collect();
                for value in [json!("x"), Value::Null] {
                    let mut sent = body.example.clone();
                    let object = at.iter().fold(&mut sent, |object, name| &mut object[name]);
                    for name in &forbidden {
                        object[name] = value.clone();
                    }
                    let path = operation.path.fill(|_| "CRM-1024");
                    let answer = server.send(&operation.method, &path, Some(&server.key), Some(sent)).await;
                    assert_eq!(answer.status, 400, "{}: {}", operation.id, answer.text);
                    let dotted = |name: &String| [at.as_slice(), std::slice::from_ref(name)].concat().join(".");
                    let expected: BTreeSet<_> = forbidden.iter().map(dotted).collect();
                    let refused = answer.bad_fields().into_iter().map(str::to_owned).collect();
                    assert_eq!(expected, refused, "{} {at:?}", operation.id);
                    tried += 1;
                }
            }
        }
        assert!(tried >= 12, "create, update, the three objects of an upsert, and a ticket: {tried}");
        assert_eq!(server.list(&[]).await.total(), 0, "nothing was written");
    }
}
