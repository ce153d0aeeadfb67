//! Hostile values in every text field and query parameter of the document.

use std::sync::atomic::{AtomicU32, Ordering};

use futures::{StreamExt, stream};
use konektor_spec::{Kind, Location, Operation, Schema, Spec};
use konektor_tests::{Answer, Server, both_engines};
use serde_json::{Value, json};

/// SQL injection, wildcards and placeholders.
const SQL: [&str; 8] = [
    "'; drop table lead; --",
    "' or '1'='1",
    "\"; delete from lead where 1=1; --",
    "\\'; select pg_sleep(9); --",
    "%' or true --",
    "_%",
    "$1",
    "?1 /* ",
];

/// Text that must be stored unchanged: composed, decomposed, full-width, joined, invisible and right-to-left
/// characters, the last code point, and spaces at both ends.
const UNICODE: [&str; 5] = [
    " \u{e9} e\u{301} \u{ff21} \u{fb01} ",
    "\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f466} \u{1f1ee}\u{1f1e9}",
    "\u{202e}abc\u{202c} \u{feff}\u{ad}\u{200b}",
    "\u{645}\u{631}\u{62d}\u{628}\u{627} \u{4f60}\u{597d} \u{e2a}\u{e27}\u{e31}\u{e2a}",
    "\u{fffd}\u{ffff}\u{10ffff}\t\n\u{7f}",
];

/// Unpaired surrogates in JSON.
const SURROGATES: [&str; 4] = ["\\ud800", "\\udfff", "\\udc00\\ud800", "\\ud83d x"];

/// A text field of a request body.
struct Field {
    operation: &'static Operation,
    path: String,
}

/// Returns every free-text field of every body.
fn text_fields() -> Vec<Field> {
    let mut fields = Vec::new();
    for operation in Spec::builtin().operations() {
        if let Some(body) = &operation.body {
            let mut paths = Vec::new();
            collect(&body.schema, "", &mut paths);
            fields.extend(paths.into_iter().map(|path| Field { operation, path }));
        }
    }
    assert!(fields.len() > 20, "{}", fields.len());
    fields
}

fn collect(schema: &Schema, at: &str, paths: &mut Vec<String>) {
    for (name, schema) in schema.properties() {
        let path = format!("{at}/{name}");
        collect(schema, &path, paths);
        if takes_text(schema) {
            paths.push(path);
        }
    }
}

static NEXT_PHONE: AtomicU32 = AtomicU32::new(10_000_000);

fn takes_text(schema: &Schema) -> bool {
    let is_text = schema.kind() == Some(Kind::String) && !schema.is_enum();
    is_text || schema.alternatives().iter().any(takes_text)
}

/// Sends requests concurrently, but fewer than the server's concurrency limit.
async fn some_at_once<T, F: Future>(
    each: impl IntoIterator<Item = T>,
    send: impl FnMut(T) -> F,
) -> Vec<F::Output> {
    stream::iter(each)
        .map(send)
        .buffer_unordered(8)
        .collect()
        .await
}

impl Field {
    /// Returns the example body with this value in the field, without other unique fields.
    fn body(&self, value: &str) -> Value {
        let mut body = self.operation.body.as_ref().unwrap().example.clone();
        for fields in ["", "/lead"] {
            if let Some(fields) = body.pointer_mut(fields).and_then(Value::as_object_mut) {
                for unique in ["uniqueCode", "externalRef", "phone"] {
                    fields.remove(unique);
                }
            }
        }
        let (parent, name) = self.path.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value.into();
        if self.path == "/match/value" {
            body["match"]["by"] = "externalRef".into();
        } else if body["match"].is_object() {
            // Each request matches its own lead.
            let number = NEXT_PHONE.fetch_add(1, Ordering::Relaxed);
            body["match"]["value"] = format!("+62812{number}").into();
        }
        body
    }

    /// Sends raw JSON to the operation. An update first creates its lead.
    async fn send(&self, server: &Server, body: String) -> Answer {
        let mut path = self.operation.path.to_string();
        if !self.operation.path.is_fixed() {
            let lead = server.lead(json!({"firstName": "Budi"})).await;
            path = format!("/leads/{}", lead["id"].as_str().unwrap());
        }
        let request = server
            .request(&self.operation.method, &path)
            .bearer_auth(&server.key)
            .header("content-type", "application/json")
            .body(body);
        server.finish(request).await
    }

    /// The name of the field in error details.
    fn dotted(&self) -> String {
        self.path[1..].replace('/', ".")
    }

    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }
}

both_engines! {
    async fn sql_in_any_text_field_is_text(server) {
        let fields = text_fields();
        let each = fields.iter().flat_map(|field| SQL.map(|sql| (field, sql)));
        let answers = some_at_once(each, async |(field, sql)| {
            let answer = field.send(&server, field.body(sql).to_string()).await;
            must_be_kept_or_refused(field, sql, &answer);
            answer
        })
        .await;
        let made = answers.iter().filter(|answer| answer.status == 201);
        let leads = made.filter(|answer| answer.json["data"]["uniqueCode"].is_string()).count();
        let changed = fields.iter().filter(|field| field.operation.id == "leads_update").count() * SQL.len();
        assert_eq!(server.get("/leads").await.total(), i64::try_from(leads + changed).unwrap());
    }

    async fn text_in_any_field_is_kept_exactly(server) {
        let fields = text_fields();
        let each = fields.iter().flat_map(|field| UNICODE.map(|text| (field, text)));
        some_at_once(each, async |(field, text)| {
            let answer = field.send(&server, field.body(text).to_string()).await;
            must_be_kept_or_refused(field, text, &answer);
            let said = &answer.json["data"];
            if let (Some(id), Some(kept)) = (said["id"].as_str(), said[field.name()].as_str()) {
                let read = server.find(id).await;
                assert_eq!(read.data()[field.name()], kept, "{}", field.path);
            }
        })
        .await;
    }

    async fn nul_is_refused_in_any_text_field(server) {
        some_at_once(&text_fields(), async |field: &Field| {
            let answer = field.send(&server, field.body("a\0b").to_string()).await;
            assert_eq!(answer.status, 400, "{}", field.path);
            assert_ne!(answer.complaint(&field.dotted()), "", "{}: {}", field.path, answer.text);
        })
        .await;
    }

    async fn an_unpaired_surrogate_is_refused_in_any_text_field(server) {
        let fields = text_fields();
        let each = fields.iter().flat_map(|field| SURROGATES.map(|text| (field, text)));
        some_at_once(each, async |(field, text)| {
            let body = field.body("SURROGATE").to_string().replace("SURROGATE", text);
            let answer = field.send(&server, body).await;
            assert_eq!(answer.status, 400, "{} {text}", field.path);
            assert!(answer.message().starts_with("The body is not valid JSON in UTF-8: see line 1, column "));
        })
        .await;
    }

    async fn a_body_that_is_no_json_is_told_from_where_on(server) {
        let request = server
            .request("POST", "/leads")
            .bearer_auth(&server.key)
            .header("content-type", "application/json")
            .body("{\"firstName\": \"Budi\",\n  oops}");
        let answer = server.finish(request).await;
        assert_eq!(answer.message(), "The body is not valid JSON in UTF-8: see line 2, column 3");
    }

    async fn no_parameter_of_a_query_breaks_anything(server) {
        server.lead(json!({"firstName": "Budi"})).await;
        let forged = "A".repeat(200);
        let mut hostile: Vec<&str> = SQL.into_iter().chain(UNICODE).collect();
        hostile.extend(["a\0b", "", "0", "-1", "9e18", "9223372036854775807", "9223372036854775808",
            "99999999999999999999999999", "1e999", "NaN", "null", "true", "[]", "2025-99-99", &forged]);
        let operations = Spec::builtin().operations().iter();
        let parameters = operations.flat_map(|operation| {
            operation.parameters_in(Location::Query).map(move |parameter| (operation, parameter))
        });
        some_at_once(parameters, async |(operation, parameter)| {
            for value in &hostile {
                let request = server
                    .request("GET", operation.path.as_str())
                    .bearer_auth(&server.key)
                    .query(&[(&parameter.name, value)]);
                let answer = server.finish(request).await;
                assert!([200, 400].contains(&answer.status), "{} {value:?}: {}", parameter.name, answer.text);
            }
        })
        .await;
        assert_eq!(server.get("/leads").await.total(), 1);
    }

    async fn no_path_breaks_anything(server) {
        server.lead(json!({"firstName": "Budi"})).await;
        for text in SQL.into_iter().chain(UNICODE).chain(["a\0b", "%", "\u{0}"]) {
            let answer = server.find(text).await;
            assert!([400, 404].contains(&answer.status), "{text:?}: {}", answer.text);
            let changed = server.patch(&konektor_tests::lead_path(text), json!({"status": "won"})).await;
            assert!([400, 404, 405].contains(&changed.status), "{text:?}: {}", changed.text);
        }
        assert_eq!(server.get("/leads?status=new").await.total(), 1);
    }

    async fn a_page_far_past_the_end_is_empty(server) {
        server.lead(json!({"firstName": "Budi"})).await;
        for page in ["2", "1000000", "9007199254740991"] {
            let answer = server.list(&[("page", page)]).await;
            match answer.status {
                200 => assert!(answer.rows().is_empty()),
                status => assert_eq!((status, answer.bad_fields()), (400, vec!["page"])),
            }
        }
    }
}

/// Checks that the value was either stored unchanged or refused by the name of its field.
fn must_be_kept_or_refused(field: &Field, sent: &str, answer: &Answer) {
    match answer.status {
        200 | 201 => {
            if let Some(kept) = answer.json["data"][field.name()].as_str() {
                assert_eq!(kept, sent, "{}", field.path);
            }
        }
        400 => assert_ne!(
            answer.complaint(&field.dotted()),
            "",
            "{} {sent:?}: {}",
            field.path,
            answer.text
        ),
        // An upsert that matches no lead.
        status => assert_eq!(
            (status, field.name()),
            (404, "value"),
            "{} {sent:?}",
            field.path
        ),
    }
}
