//! Property tests of all parsers of untrusted input, with valid and random texts.

use konektor_server::{domain::api_key::ApiKey, store::cursor::Cursor};
use konektor_tests::properties;
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Map, json};

fn number_like() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        r"[+0-9 ().\-/０-９]{0,24}",
        r"\+?(62|0|0062|1|44)8?[0-9 .\-]{3,18}",
    ]
}

fn query_like() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("page".to_owned()),
        Just("limit".to_owned()),
        Just("cursor".to_owned()),
        Just("status".to_owned()),
        Just("createdFrom".to_owned()),
        Just("timeframe".to_owned()),
        Just("search".to_owned()),
        "[a-zA-Z%+]{0,8}",
    ];
    let value = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        "(new|won|last_7_days|2025-01-01|2025-01-01T00:00:00Z)",
        "[a-z0-9%+&=\\-_.]{0,20}",
        any::<String>(),
    ];
    let pairs = prop::collection::vec((name, value), 0..4).prop_map(|pairs| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("&")
    });
    prop_oneof![pairs, any::<String>()]
}

fn body_like() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<Vec<u8>>(),
        r#"\{("(firstName|lead|match|subject|status|phone|email)":("[a-z@+0-9 \\u]{0,12}"|null|[0-9.e\-]{1,6}|\{\}|\[\]),?){0,4}\}"#
            .prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn a_text_is_a_key_only_if_it_is_its_own_text(text: String, seed: u64, at in 0..66_usize) {
        properties::api_key(&text);
        let key = ApiKey::generate(&mut StdRng::seed_from_u64(seed)).text();
        properties::api_key(&key);
        let other = if key.as_bytes()[at] == b'a' { "b" } else { "a" };
        let mistyped = [&key[..at], other, &key[at + 1..]].concat();
        prop_assert!(ApiKey::parse(&mistyped).is_none());
    }

    #[test]
    fn a_phone_number_is_read_again_from_its_form(text in number_like()) {
        properties::phone(&text);
    }

    #[test]
    fn a_search_looks_up_no_more_than_its_words(
        text in prop_oneof![any::<String>(), r"[a-zé'’ 0-9+().@-]{0,60}", r"([a-z]{1,4} )?(\+62|0|62) ?8[0-9 -]{6,18}( [a-z@.]{1,8})?"],
    ) {
        properties::search(&text);
    }

    #[test]
    fn no_text_of_a_stranger_is_a_cursor(text in prop_oneof![any::<String>(), "[A-Za-z0-9_\\-]{0,200}"]) {
        properties::cursor(&text);
    }

    #[test]
    fn a_cursor_opens_as_what_it_was_made_of_and_changed_not_at_all(
        search: String, time: i64, id: String, until: Option<i64>, page: i64, limit: i64, at: usize,
    ) {
        let query = Map::from_iter([("search".to_owned(), json!(search))]);
        properties::own_cursor(&Cursor { query, after: (time, id), until, page, limit }, at);
    }

    #[test]
    fn a_query_is_taken_whole_or_refused_by_name(text in query_like()) {
        properties::query(&text);
    }

    #[test]
    fn a_body_is_taken_whole_or_refused_by_name(bytes in body_like()) {
        properties::body(&bytes);
    }
}
