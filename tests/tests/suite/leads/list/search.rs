//! `search`

use std::collections::BTreeSet;

use konektor_server::{
    domain::{
        lead::Lead,
        name_words::{self, Name},
    },
    seed::SyntheticLeads,
    store::{
        leads::{LeadFilter, LeadOrder},
        paging::PageStart,
    },
};
use konektor_spec::Spec;
use konektor_tests::{Server, both_engines};
use serde_json::json;

/// Returns the first names of the leads that a search finds, sorted.
async fn found(server: &Server, search: &str) -> Vec<String> {
    let answer = server.list(&[("search", search), ("limit", "100")]).await;
    let mut names: Vec<_> = answer
        .each("firstName")
        .into_iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(
        answer.total(),
        i64::try_from(names.len()).unwrap(),
        "{search}"
    );
    names.sort();
    names
}

async fn people(server: &Server) {
    for body in [
        json!({"firstName": "Budi", "lastName": "Santoso", "email": "Budi.S@Example.com", "phone": "081234567890",
            "uniqueCode": "SHOP-7", "externalRef": "CRM-1024"}),
        json!({"firstName": "Siti", "lastName": "Budiman", "email": "siti@example.com", "externalRef": "CRM-10"}),
        json!({"firstName": "René", "lastName": "O'Brien", "phone": "+14155552671", "externalRef": "crm-1024"}),
        json!({"firstName": "Li", "lastName": "Na", "notes": "Budi asked", "campaignName": "Budi"}),
        json!({"firstName": "Muhammad Al-Fatih", "lastName": "Şahin"}),
    ] {
        server.lead(body).await;
    }
}

both_engines! {
    async fn a_name_is_found_by_its_beginning_in_any_case(server) {
        people(&server).await;
        for search in ["bud", "BUD", "Budi", "budi"] {
            assert_eq!(found(&server, search).await, ["Budi", "Siti"], "{search}");
        }
        assert_eq!(found(&server, "santoso").await, ["Budi"]);
        assert_eq!(found(&server, "udi").await.len(), 0);
        assert_eq!(found(&server, "budiman").await, ["Siti"]);
        assert_eq!(found(&server, "budimann").await.len(), 0);
    }

    async fn short_words_match_whole_words_alone(server) {
        people(&server).await;
        assert_eq!(found(&server, "li").await, ["Li"]);
        assert_eq!(found(&server, "NA").await, ["Li"]);
        assert_eq!(found(&server, "al").await, ["Muhammad Al-Fatih"]);
        for search in ["b", "bu", "s", "si", "l"] {
            assert_eq!(found(&server, search).await.len(), 0, "{search}");
        }
    }

    async fn several_words_all_have_to_match_in_any_order(server) {
        people(&server).await;
        for search in [
            "budi santoso", "  SANTOSO\tbud ", "budi san budi", "budi budi.s@example.com", "budi 081234567890",
            "santoso CRM-1024", "budi SHOP",
        ] {
            assert_eq!(found(&server, search).await, ["Budi"], "{search}");
        }
        assert_eq!(found(&server, "muhammad fatih").await, ["Muhammad Al-Fatih"]);
        for search in ["budi siti brien", "budi siti@example.co", "budi x", "li santoso"] {
            assert_eq!(found(&server, search).await.len(), 0, "{search}");
        }
        assert_eq!(found(&server, "budi siti").await, ["Siti"]);
    }

    async fn unicode_forms_make_no_difference(server) {
        people(&server).await;
        for search in ["rené", "rene\u{301}", "RENÉ", "ｒｅｎé", "René\u{200b}"] {
            assert_eq!(found(&server, search).await, ["René"], "{search}");
        }
        // Whatever the Unicode form of the stored name.
        server.lead(json!({"firstName": "ｚｏｅ\u{308}", "lastName": "I\u{307}nci"})).await;
        for search in ["zoë", "ZOE\u{308}", "Ｚｏë", "zoë \u{130}NC", "i\u{307}nci"] {
            assert_eq!(found(&server, search).await, ["ｚｏｅ\u{308}"], "{search}");
        }
        assert_eq!(found(&server, "zoe").await, ["ｚｏｅ\u{308}"]);
        server.lead(json!({"firstName": "Straße"})).await;
        assert_eq!(found(&server, "STRASSE").await, ["Straße"]);
        server.lead(json!({"firstName": "Ωmega"})).await;
        assert_eq!(found(&server, "ωμ").await.len(), 0);
        assert_eq!(found(&server, "ωmega").await, ["Ωmega"]);
        server.lead(json!({"firstName": "王小明"})).await;
        assert_eq!(found(&server, "王小明").await, ["王小明"]);
    }

    async fn diacritics_make_no_difference_in_either_direction(server) {
        for name in ["Jose", "José", "Jose\u{301}"] {
            server.lead(json!({"firstName": name})).await;
        }
        for search in ["jose", "José", "JOSE\u{301}", "jos"] {
            assert_eq!(found(&server, search).await.len(), 3, "{search}");
        }
        for (name, search) in [
            ("Łukasz", "lukasz"), ("Søren", "soren"), ("Đặng", "dang"), ("Æsir", "aesir"), ("Þóra", "thora"),
            ("Guðmundur", "gudmundur"), ("Işık", "isik"), ("Nguyễn", "nguyen"), ("Œuvre", "oeuvre"), ("Strauß", "strauss"),
        ] {
            server.lead(json!({"firstName": name})).await;
            for search in [search, name, &search.to_uppercase(), &name.to_uppercase()] {
                assert_eq!(found(&server, search).await, [name], "{search}");
            }
        }
        server.lead(json!({"firstName": "Bjorn", "lastName": "Lodz"})).await;
        for search in ["Björn", "Łódź"] {
            assert_eq!(found(&server, search).await, ["Bjorn"], "{search}");
        }
    }

    async fn an_apostrophe_of_any_kind_parts_a_name_that_is_also_found_joined(server) {
        let names = ["Ma'ruf", "Ma’ruf", "Ma‘ruf", "Ma`ruf", "Ma´ruf", "Maʼruf", "Maʻruf", "Ma＇ruf"];
        for name in names {
            server.lead(json!({"firstName": name})).await;
        }
        for search in names.into_iter().chain(["maruf", "ruf", "ma ruf", "MARU"]) {
            assert_eq!(found(&server, search).await.len(), names.len(), "{search}");
        }
        server.lead(json!({"firstName": "Nuraini"})).await;
        server.lead(json!({"firstName": "Nur", "lastName": "Aini"})).await;
        assert_eq!(found(&server, "nur'aini").await, ["Nur", "Nuraini"]);
        assert_eq!(found(&server, "nuraini").await, ["Nuraini"]);
    }

    async fn signs_in_a_name_separate_words(server) {
        people(&server).await;
        for search in ["o'brien", "O’Brien", "brien", "o brien", "brien-o"] {
            assert_eq!(found(&server, search).await, ["René"], "{search}");
        }
        assert_eq!(found(&server, "al-fatih").await, ["Muhammad Al-Fatih"]);
    }

    async fn a_phone_is_found_in_every_spelling_and_only_whole(server) {
        people(&server).await;
        for search in [
            "081234567890", "+6281234567890", "6281234567890", "0812-3456-7890", "+62 812 3456 7890",
            "(0812) 3456 7890", "81234567890", "００62 812 3456 7890", "0062 812-3456-7890", "٠٨١٢٣٤٥٦٧٨٩٠",
        ] {
            assert_eq!(found(&server, search).await, ["Budi"], "{search}");
        }
        assert_eq!(found(&server, "+1 (415) 555-2671").await, ["René"]);
        for search in ["0812", "7890", "62812345678", "0812 3456"] {
            assert_eq!(found(&server, search).await.len(), 0, "{search}");
        }
    }

    async fn a_phone_with_blanks_is_found_beside_the_words_of_a_name(server) {
        people(&server).await;
        for search in [
            "budi 0812 3456 7890", "0812 3456 7890 santoso", "Budi +62 (0) 812 - 3456 - 7890 san",
            "62 812 3456 7890 CRM-10", "budi 0812 3456 7890 budi.s@example.com",
        ] {
            assert_eq!(found(&server, search).await, ["Budi"], "{search}");
        }
        assert_eq!(found(&server, "o'brien +1 415 555 2671").await, ["René"]);
        for search in ["siti 0812 3456 7890", "budi 0812 3456 7891", "budi 0812 3456"] {
            assert_eq!(found(&server, search).await.len(), 0, "{search}");
        }
    }

    async fn an_email_is_found_in_any_case_and_only_whole(server) {
        people(&server).await;
        for search in ["budi.s@example.com", "BUDI.S@EXAMPLE.COM", " budi.s@example.com "] {
            assert_eq!(found(&server, search).await, ["Budi"], "{search}");
        }
        for search in ["budi.s@example.co", "@example.com", "example.com", "s@example.com"] {
            assert_eq!(found(&server, search).await.len(), 0, "{search}");
        }
    }

    async fn codes_are_found_by_their_beginning_in_their_own_case(server) {
        people(&server).await;
        assert_eq!(found(&server, "CRM-1024").await, ["Budi"]);
        assert_eq!(found(&server, "CRM-10").await, ["Budi", "Siti"]);
        assert_eq!(found(&server, "C").await, ["Budi", "Siti"]);
        assert_eq!(found(&server, "crm-1").await, ["René"]);
        assert_eq!(found(&server, "SHOP-").await, ["Budi"]);
        assert_eq!(found(&server, "shop-").await.len(), 0);
        assert_eq!(found(&server, "RM-1024").await.len(), 0);
    }

    async fn a_code_with_spaces_is_found_as_it_stands(server) {
        server.lead(json!({"firstName": "A", "externalRef": "Order 66 é👩"})).await;
        for search in ["Order", "Order 6", "Order 66 é", "Order 66 é👩"] {
            assert_eq!(found(&server, search).await, ["A"], "{search}");
        }
        assert_eq!(found(&server, "66").await.len(), 0);
    }

    async fn signs_with_a_meaning_in_sql_have_none(server) {
        people(&server).await;
        server.lead(json!({"firstName": "Percent", "externalRef": "%_'"})).await;
        for search in ["%", "%_", "%_'"] {
            assert_eq!(found(&server, search).await, ["Percent"], "{search}");
        }
        for search in
            ["_", "'", "' or 1=1 --", "\"", "\\", "*", "B_di", "Bud%", "$1", ";", "bud*", "(", "\u{10ffff}"]
        {
            let names = found(&server, search).await;
            assert!(names.is_empty() || search.to_lowercase().starts_with("bud"), "{search} finds {names:?}");
        }
    }

    async fn what_is_blank_or_too_long_is_refused(server) {
        for blank in ["", " ", "\t\n", "\u{3000}", "\u{200b}\u{3164}"] {
            assert_eq!(server.list(&[("search", blank)]).await.bad_fields(), ["search"], "{blank:?}");
        }
        assert_eq!(server.list(&[("search", &"é".repeat(200))]).await.status, 200);
        assert_eq!(
            server.list(&[("search", &"é".repeat(201))]).await.complaint("search"),
            "Must have at most 200 characters"
        );
    }

    async fn more_words_than_the_document_allows_are_refused(server) {
        let most = Spec::builtin().limits().search_words;
        let of = |count: usize| vec!["aa"; count].join(" ");
        assert_eq!(server.list(&[("search", &of(most))]).await.status, 200);
        for many in [of(most + 1), of(60), "a-".repeat(most + 1), "a'".repeat(most + 1), "1 ".repeat(most + 1)] {
            let answer = server.list(&[("search", &many)]).await;
            assert_eq!(answer.complaint("search"), format!("Must have at most {most} words"), "{many}");
        }
        // A phone and an email count as one word, in any spelling.
        let full = format!("{} +62 (0) 812 - 3456 - 7890 budi.s@mail.example.co.id", of(most - 2));
        assert_eq!(server.list(&[("search", &full)]).await.status, 200);
        let operation = Spec::builtin().operation("leads_list").unwrap();
        let search = operation.parameters.iter().find(|parameter| parameter.name == "search").unwrap();
        assert!(search.description.contains(&format!("At most {most} words")));
    }

    async fn notes_and_campaigns_are_not_searched(server) {
        people(&server).await;
        assert_eq!(found(&server, "asked").await.len(), 0);
    }

    async fn a_search_finds_what_looking_at_every_lead_finds_page_by_page_in_the_same_order(server) {
        let (spec, id) = (Spec::builtin(), &server.workspace.id);
        let leads = SyntheticLeads::new(spec, id, 3, 400, server.clock.now());
        let tenant = server.store.tenant(&server.workspace).await.unwrap();
        tenant.insert_leads(leads.into_iter(), |_| ()).await.unwrap();
        let (all, order) = (LeadFilter::default(), LeadOrder { by_update: false, ascending: false });
        let leads = tenant.leads(&all, order, &PageStart::Offset(0), 1_000).await.unwrap().rows;
        assert_eq!(leads.len(), 400);
        let words = leads.iter().step_by(40).flat_map(|lead| {
            let names = [Some(lead.first_name.clone()), lead.last_name.clone()];
            names.into_iter().flatten().flat_map(|name| {
                let letters: Vec<_> = name.chars().collect();
                [1, 2, 3, 4, letters.len()].map(|length| letters.iter().take(length).collect::<String>().to_uppercase())
            })
        });
        let mut several = 0;
        for word in words.collect::<BTreeSet<_>>().into_iter().filter(|word| !word.trim().is_empty()) {
            let names = |lead: &&Lead| {
                let parts = name_words::words(&word);
                let name = Name::new(&lead.first_name, lead.last_name.as_deref());
                let code = |code: &str| code.starts_with(word.trim());
                (!parts.is_empty() && parts.iter().all(|part| part.finds(&name)))
                    || code(&lead.unique_code) || lead.external_ref.as_deref().is_some_and(code)
            };
            let expected: Vec<_> = leads.iter().filter(names).map(|lead| lead.id.as_str()).collect();
            let mut found = Vec::new();
            let mut query = vec![("search".to_owned(), word.clone()), ("limit".to_owned(), "7".to_owned())];
            loop {
                let pairs: Vec<_> = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let page = server.list(&pairs).await;
                assert_eq!(page.total(), i64::try_from(expected.len()).unwrap(), "{word}");
                found.extend(page.each("id").into_iter().map(str::to_owned));
                let Some(cursor) = page.next_cursor() else { break };
                query.retain(|(name, _)| name != "cursor");
                query.push(("cursor".to_owned(), cursor.to_owned()));
            }
            assert_eq!(found, expected, "{word}");
            several += usize::from(expected.len() > 7);
        }
        assert!(several > 3, "only {several} searches had more than one page");
    }

    async fn what_was_found_comes_in_the_order_of_the_list(server) {
        for name in ["Budi A", "Budi B", "Budi C"] {
            server.clock.advance(std::time::Duration::from_secs(1));
            server.lead(json!({"firstName": name})).await;
        }
        assert_eq!(server.list(&[("search", "budi")]).await.each("firstName"), ["Budi C", "Budi B", "Budi A"]);
        let answer = server.list(&[("search", "budi"), ("sortOrder", "asc"), ("limit", "2")]).await;
        assert_eq!(answer.each("firstName"), ["Budi A", "Budi B"]);
    }
}
