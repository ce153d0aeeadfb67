//! Runs every example of the guide and of the docs page verbatim.

use konektor_spec::Spec;
use konektor_tests::both_engines;
use serde_json::Value;

use super::shell;

both_engines! {
    async fn every_curl_example_of_the_guide_is_answered_as_it_says(server) {
        let guide = server.page("/api/v2/agent/SKILL.md").await.text;
        let examples = examples_with_answers(&guide);
        assert!(examples.len() >= 2, "a read and a write");
        for (line, status, answer) in examples {
            let (given_status, given) = shell(&server, line).await;
            assert_eq!(given_status.to_string(), status, "{line}: {given}");
            let (documented, given) = (parse(answer), parse(&given));
            assert_eq!(shape(&given), shape(&documented), "{line}");
        }
    }

    async fn the_guide_sets_the_base_of_this_server(server) {
        let guide = server.page("/api/v2/agent/SKILL.md").await.text;
        let base = guide.lines().find_map(|line| line.strip_prefix("BASE=")).unwrap();
        assert_eq!(base, format!("{}/api/v2/agent", server.url));
    }

    async fn every_curl_example_of_the_docs_page_succeeds(server) {
        let docs = server.page("/docs").await.text;
        for operation in Spec::builtin().operations() {
            let article = docs.split(&format!("<article id=\"{}\">", operation.id)).nth(1).unwrap();
            let line = article.split("<pre class=\"curl\">").nth(1).unwrap();
            let line = unescape(line.split("</pre>").next().unwrap());
            let (status, body) = shell(&server, &line).await;
            let documented = operation.responses.iter().find(|response| response.status == status);
            assert!(documented.is_some() && status < 300, "{line}: {status} {body}");
        }
    }
}

/// Returns the examples of the form `curl …`, followed by `# STATUS {…}`.
fn examples_with_answers(guide: &str) -> Vec<(&str, &str, &str)> {
    let lines: Vec<_> = guide.lines().collect();
    let pairs = lines.windows(2).filter(|pair| pair[0].starts_with("curl "));
    pairs
        .map(|pair| {
            let answer = pair[1].strip_prefix("# ").unwrap();
            let (status, body) = answer.split_once(' ').unwrap();
            (pair[0], status, body)
        })
        .collect()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Returns the sorted names and types of everything in a value.
fn shape(value: &Value) -> Vec<String> {
    let mut shape = Vec::new();
    collect(value, "", &mut shape);
    shape.sort();
    shape
}

fn collect(value: &Value, at: &str, shape: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields
            .iter()
            .for_each(|(name, value)| collect(value, &format!("{at}.{name}"), shape)),
        Value::Array(_) => shape.push(format!("{at} list")),
        Value::String(_) => shape.push(format!("{at} text")),
        Value::Number(_) => shape.push(format!("{at} number")),
        Value::Bool(_) => shape.push(format!("{at} flag")),
        Value::Null => shape.push(format!("{at} null")),
    }
}

fn unescape(html: &str) -> String {
    let entities = [
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#x2f;", "/"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    let plain = entities
        .iter()
        .fold(html.to_owned(), |text, (entity, plain)| {
            text.replace(entity, plain)
        });
    assert!(!plain.contains("&#"), "{plain}");
    plain
}
