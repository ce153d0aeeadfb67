//! A list of a large workspace decrypts only the records on its page.

use konektor_server::seed::SyntheticLeads;
use konektor_spec::Spec;
use konektor_tests::{Answer, Server, both_engines, lead_path};
use serde_json::{Value, json};

const LEADS: u32 = 20_000;

async fn many_leads(server: &Server) {
    let leads = SyntheticLeads::new(
        Spec::builtin(),
        &server.workspace.id,
        1,
        LEADS,
        server.clock.now(),
    );
    let tenant = server.store.tenant(&server.workspace).await.unwrap();
    tenant
        .insert_leads(leads.into_iter(), |_| ())
        .await
        .unwrap();
}

/// Returns the response and the number of decrypted records.
async fn opened(server: &Server, method: &str, path: &str, body: Option<Value>) -> (Answer, u64) {
    let before = server.store.vault().records_opened();
    let answer = server.send(method, path, Some(&server.key), body).await;
    assert!(answer.status < 300, "{method} {path}: {}", answer.text);
    (answer, server.store.vault().records_opened() - before)
}

/// A lead with a value in every searchable field.
async fn complete_lead(server: &Server) -> Value {
    let listed = server.list(&[("limit", "100"), ("status", "won")]).await;
    let named = ["externalRef", "phone", "email", "lastName"];
    let lead = listed
        .rows()
        .iter()
        .find(|lead| named.iter().all(|name| lead[name].is_string()));
    lead.unwrap().clone()
}

async fn lists_open_their_page(server: &Server) {
    for query in [
        "",
        "limit=7",
        "limit=100&status=won",
        "sortBy=updatedAt&sortOrder=asc",
        "page=300",
        "source=ads&priority=high",
        "createdFrom=2025-01-01&createdTo=2025-01-10",
        "search=bud",
        "search=santoso%20bud",
        "search=CRM-",
        "search=KNK-&limit=3",
        "search=dew&status=new&sortBy=updatedAt",
        "page=10000",
    ] {
        let (answer, opened) = opened(server, "GET", &format!("/leads?{query}"), None).await;
        assert_eq!(opened, answer.rows().len() as u64, "{query}");
    }
    let (first, _) = opened(server, "GET", "/leads?limit=20&search=bud", None).await;
    assert!(first.total() > 100, "{}", first.total());
    let next = format!("/leads?cursor={}", first.next_cursor().unwrap());
    let (next, opened) = opened(server, "GET", &next, None).await;
    assert_eq!((next.rows().len(), opened), (20, 20));
}

async fn searches_for_one_lead_open_one(server: &Server) {
    let lead = complete_lead(server).await;
    for name in ["uniqueCode", "externalRef", "phone", "email"] {
        let before = server.store.vault().records_opened();
        let answer = server
            .list(&[("search", lead[name].as_str().unwrap())])
            .await;
        assert!(answer.rows().contains(&lead), "{name}");
        assert_eq!(
            server.store.vault().records_opened() - before,
            answer.rows().len() as u64,
            "{name}"
        );
    }
    for name in ["id", "uniqueCode", "externalRef", "phone"] {
        let path = lead_path(lead[name].as_str().unwrap());
        assert_eq!(opened(server, "GET", &path, None).await.1, 1, "{name}");
        assert_eq!(
            opened(server, "PATCH", &path, Some(json!({"status": "won"})))
                .await
                .1,
            1,
            "{name}"
        );
    }
}

async fn writes_open_the_lead_they_change(server: &Server) {
    let phone = complete_lead(server).await["phone"].clone();
    let upsert = |value: Value| {
        Some(json!({"match": {"by": "phone", "value": value}, "lead": {"firstName": "Budi"}}))
    };
    assert_eq!(
        opened(server, "POST", "/leads/upsert", upsert(phone))
            .await
            .1,
        1
    );
    assert_eq!(
        opened(
            server,
            "POST",
            "/leads/upsert",
            upsert(json!("+14155552671"))
        )
        .await
        .1,
        0
    );
    assert_eq!(
        opened(server, "POST", "/leads", Some(json!({"firstName": "Budi"})))
            .await
            .1,
        0
    );
}

async fn aggregates_open_nothing(server: &Server) {
    for path in [
        "/analytics/summary",
        "/analytics/funnel",
        "/analytics/campaigns",
        "/conversions/status",
        "/conversions/pending",
        "/workspace",
    ] {
        assert_eq!(opened(server, "GET", path, None).await.1, 0, "{path}");
    }
}

/// Returns the first names of all leads that a search finds, on all pages.
async fn every_name_found(server: &Server, search: &str) -> usize {
    let mut page = server.list(&[("search", search), ("limit", "100")]).await;
    let mut found = 0;
    loop {
        found += page.rows().len();
        for lead in page.rows() {
            let name = format!(
                "{} {}",
                lead["firstName"].as_str().unwrap(),
                lead["lastName"].as_str().unwrap_or_default()
            );
            let mut words = name.split(' ').map(str::to_lowercase);
            assert!(
                words.any(|word| word.starts_with(search)),
                "{search} finds {name}"
            );
        }
        let Some(cursor) = page.next_cursor().map(str::to_owned) else {
            break;
        };
        page = server.list(&[("cursor", &cursor)]).await;
    }
    assert_eq!(page.total(), i64::try_from(found).unwrap());
    found
}

both_engines! {
    async fn nothing_opens_more_than_its_page_among_twenty_thousand_leads(server) {
        many_leads(&server).await;
        assert_eq!(server.list(&[("limit", "1")]).await.total(), i64::from(LEADS));
        lists_open_their_page(&server).await;
        searches_for_one_lead_open_one(&server).await;
        writes_open_the_lead_they_change(&server).await;
        aggregates_open_nothing(&server).await;
        assert!(every_name_found(&server, "dewi").await > 100);
    }
}
