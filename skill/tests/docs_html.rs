//! The docs page is sound HTML that needs nothing from elsewhere, and shows text as text.
#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use konektor_skill::docs_html;
use konektor_spec::Spec;
use scraper::{Html, Selector};
use serde_json::Value;

const URL: &str = "http://127.0.0.1:8080";

fn select<'a>(page: &'a Html, selector: &str) -> Vec<scraper::ElementRef<'a>> {
    page.select(&Selector::parse(selector).unwrap()).collect()
}

fn text(page: &Html) -> String {
    page.root_element().text().collect()
}

#[test]
fn it_is_sound_html() {
    let source = docs_html(Spec::builtin(), URL).unwrap();
    let page = Html::parse_document(&source);
    assert_eq!(page.errors, Vec::<String>::new());
    assert!(source.starts_with("<!DOCTYPE html>\n"));
}

#[test]
fn it_needs_nothing_from_elsewhere() {
    let page = Html::parse_document(&docs_html(Spec::builtin(), URL).unwrap());
    for selector in [
        "script",
        "link",
        "img",
        "iframe",
        "object",
        "[src]",
        "[onclick]",
        "[style]",
    ] {
        assert!(select(&page, selector).is_empty(), "{selector}");
    }
    let style: String = select(&page, "style")
        .iter()
        .flat_map(scraper::ElementRef::text)
        .collect();
    assert!(!style.contains("url(") && !style.contains("@import"));
    for link in select(&page, "a[href]") {
        let target = link.value().attr("href").unwrap();
        assert!(
            target.starts_with('#') || target.starts_with(&format!("{URL}/api/v2/agent/")),
            "{target}"
        );
    }
}

#[test]
fn it_links_the_documents() {
    let page = Html::parse_document(&docs_html(Spec::builtin(), URL).unwrap());
    for file in ["SKILL.md", "openapi.yaml", "openapi.json"] {
        let link = format!("a[href='{URL}/api/v2/agent/{file}']");
        assert_eq!(select(&page, &link).len(), 1, "{file}");
    }
}

#[test]
fn every_link_within_the_page_arrives() {
    let page = Html::parse_document(&docs_html(Spec::builtin(), URL).unwrap());
    let links = select(&page, "a[href^='#']");
    assert!(!links.is_empty());
    for link in links {
        let id = link.value().attr("href").unwrap().trim_start_matches('#');
        assert_eq!(select(&page, &format!("[id='{id}']")).len(), 1, "{id}");
    }
}

#[test]
fn every_operation_has_its_scope_parameters_fields_and_answers() {
    let page = Html::parse_document(&docs_html(Spec::builtin(), URL).unwrap());
    for operation in Spec::builtin().operations() {
        let article = select(&page, &format!("article[id='{}']", operation.id))[0];
        let told: String = article.text().collect();
        assert!(
            told.contains(operation.scope().unwrap_or("public")),
            "{}",
            operation.id
        );
        assert!(told.contains("curl -s"), "{}", operation.id);
        for parameter in &operation.parameters {
            assert!(
                told.contains(&parameter.name),
                "{} {}",
                operation.id,
                parameter.name
            );
        }
        let body = operation.body.iter();
        for (name, _) in body.flat_map(|body| body.schema.properties()) {
            assert!(told.contains(name), "{} {name}", operation.id);
        }
        for response in &operation.responses {
            assert!(
                told.contains(&response.status.to_string()),
                "{} {}",
                operation.id,
                response.status
            );
        }
    }
}

#[test]
fn a_nested_field_has_its_dotted_name_and_a_changed_limit_shows() {
    let mut document = Spec::builtin().document().clone();
    document["components"]["schemas"]["TicketSubject"]["maxLength"] = 77.into();
    let page = docs_html(&Spec::from_value(document).unwrap(), URL).unwrap();
    assert!(page.contains("<code>match.by</code>"));
    assert!(page.contains("3–77 chars"));
}

#[test]
fn text_of_the_document_stays_text() {
    const HOSTILE: &str = "</pre></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'";
    let mut document = Spec::builtin().document().clone();
    for pointer in [
        "/info/title",
        "/info/description",
        "/info/version",
        "/tags/1/description",
        "/paths/~1leads/get/summary",
        "/paths/~1leads/get/description",
        "/components/examples/LeadCreate/value/notes",
        "/components/schemas/LeadSource/enum/0",
        "/components/schemas/Notes/pattern",
        "/components/schemas/Phone/description",
        "/components/parameters/LeadRef/example",
        "/components/parameters/Page/description",
        "/components/responses/NotFound/description",
        "/components/examples/NotFound/value/error/message",
    ] {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap();
        match parent {
            Value::Array(values) => values[name.parse::<usize>().unwrap()] = HOSTILE.into(),
            parent => parent[name] = HOSTILE.into(),
        }
    }
    let source = docs_html(&Spec::from_value(document).unwrap(), URL).unwrap();
    let page = Html::parse_document(&source);
    assert!(!source.contains("<script") && !source.contains("<img"));
    assert!(select(&page, "script, img, [onerror]").is_empty());
    assert_eq!(page.errors, Vec::<String>::new());
    assert!(text(&page).contains("<script>alert(1)</script>"));
}
