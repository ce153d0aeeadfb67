//! What holds for every text that a stranger can send, however odd. Property tests and fuzzers call the same functions.

use std::{fmt::Debug, sync::LazyLock};

use axum::http::HeaderMap;
use konektor_server::{
    domain::{api_key::ApiKey, phone::Phone, search::SearchQuery},
    error::Error,
    http::{self, HttpError},
    store::cursor::Cursor,
    validation::{Input, Rules, Sent},
    vault::{MasterKey, MasterKeys, Vault, WorkspaceKeys},
};
use konektor_spec::{Location, Operation, OperationId, Spec};
use serde_json::{Map, Value};

/// A text is a key only if it is that key's own text, and what is shown of a key is not its secret.
///
/// # Panics
/// When that does not hold.
pub fn api_key(text: &str) {
    if let Some(key) = ApiKey::parse(text) {
        assert_eq!(*key.text(), text);
        assert!(!shown(&key).contains(key.secret()));
    }
}

/// A phone number is read again from its E.164 form, which is `+` and at most 15 digits (ITU-T E.164, 6.1), and is
/// shown nowhere.
///
/// # Panics
/// When that does not hold.
pub fn phone(text: &str) {
    let Some(phone) = Phone::parse(text) else {
        return;
    };
    let digits = phone.as_str().strip_prefix('+').unwrap_or_default();
    assert!(digits.bytes().all(|digit| digit.is_ascii_digit()));
    assert!((1..=15).contains(&digits.len()), "{} digits", digits.len());
    assert!(!shown(&phone).contains(digits));
    assert_eq!(Phone::parse(phone.as_str()).as_ref(), Some(&phone));
}

/// Whatever is searched for, the parts that are looked up are as many as its words, and reading it again by parts gives
/// the same phones and names.
///
/// # Panics
/// When that does not hold.
pub fn search(text: &str) {
    let query = SearchQuery::parse(text);
    let looked_up: usize = query
        .words()
        .iter()
        .map(|word| {
            let parts = word.names.iter().map(|name| name.parts().len());
            parts.sum::<usize>().max(1)
        })
        .sum();
    assert!(looked_up <= SearchQuery::count_words(text));
    for word in query.words() {
        let again = SearchQuery::parse(&word.text);
        let [same] = again.words() else {
            panic_on("a word that is several")
        };
        assert_eq!(same.phone, word.phone);
        assert_eq!(same.names, word.names);
    }
}

/// No text that the server did not make opens as a cursor.
///
/// # Panics
/// When one does.
pub fn cursor(text: &str) {
    for operation in listing() {
        assert_eq!(Cursor::open(&KEYS, &operation.id, text), None);
    }
}

/// A cursor opens as what it was made of, for its operation alone, and with any other character in it not at all.
///
/// # Panics
/// When that does not hold.
pub fn own_cursor(cursor: &Cursor, at: usize) {
    let operations: Vec<_> = listing().map(|operation| operation.id.as_str()).collect();
    for operation in &operations {
        let Ok(text) = cursor.seal(&KEYS, operation) else {
            panic_on("a cursor that cannot be sealed");
        };
        for other in &operations {
            let opened = Cursor::open(&KEYS, other, &text);
            assert_eq!(opened.as_ref(), (other == operation).then_some(cursor));
        }
        let at = at % text.len();
        let other = if text.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        let changed = [&text[..at], other, &text[at + 1..]].concat();
        assert_eq!(Cursor::open(&KEYS, operation, &changed), None);
    }
}

/// A query is taken only if every parameter is one of the operation's and came once; a refusal names parameters that
/// were sent or are required, or says that the query cannot be read at all.
///
/// # Panics
/// When that does not hold.
pub fn query(text: &str) {
    for operation in Spec::builtin().operations() {
        let known = |name: &str| {
            operation
                .parameters_in(Location::Query)
                .any(|parameter| parameter.name == name)
        };
        let sent = |name: &str| {
            form_urlencoded::parse(text.as_bytes())
                .filter(|(sent, _)| sent == name)
                .count()
        };
        match read(operation, Some(text), b"{}") {
            Ok(values) => {
                let input = judged(operation, values);
                for (name, _) in input.given() {
                    assert!(sent(name) > 0, "a parameter that was not sent");
                }
                match input.check() {
                    Ok(()) => {
                        for (name, _) in form_urlencoded::parse(text.as_bytes()) {
                            assert!(known(&name) && sent(&name) == 1, "taken twice or unknown");
                        }
                    }
                    Err(Error::Invalid(details)) => assert!(!details.is_empty()),
                    Err(_) => panic_on("a refusal of another kind"),
                }
            }
            Err(HttpError::Malformed(_)) => {}
            Err(_) => panic_on("a refusal of another kind"),
        }
    }
}

/// A body is taken or refused, and a refusal that names fields names at least one.
///
/// # Panics
/// When that does not hold.
pub fn body(bytes: &[u8]) {
    let with_body = Spec::builtin().operations().iter();
    for operation in with_body.filter(|operation| operation.body.is_some()) {
        match read(operation, None, bytes) {
            Ok(sent) => match judged(operation, sent).check() {
                Ok(()) => assert!(serde_json::from_slice::<Value>(bytes).is_ok()),
                Err(Error::Invalid(details)) => assert!(!details.is_empty()),
                Err(_) => panic_on("a refusal of another kind"),
            },
            Err(HttpError::Malformed(_) | HttpError::NotJson { .. }) => {}
            Err(_) => panic_on("a refusal of another kind"),
        }
    }
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    Rules::new(Spec::builtin()).unwrap_or_else(|_| panic_on("a document without rules"))
});

static KEYS: LazyLock<WorkspaceKeys> = LazyLock::new(|| {
    let vault = Vault::new(MasterKeys::from(&MasterKey::generate()));
    let wrapped = vault.create_workspace_keys("ws_1").unwrap_or_default();
    vault
        .open_workspace("ws_1", &wrapped)
        .unwrap_or_else(|_| panic_on("keys that do not open"))
});

/// The operations that take a cursor.
fn listing() -> impl Iterator<Item = &'static Operation> {
    let operations = Spec::builtin().operations().iter();
    operations
        .map(|operation| &**operation)
        .filter(|operation| {
            operation
                .parameters_in(Location::Query)
                .any(|parameter| parameter.name == "cursor")
        })
}

fn read(operation: &Operation, query: Option<&str>, body: &[u8]) -> Result<Sent, HttpError> {
    http::read(
        operation,
        path_of(operation),
        query,
        &HeaderMap::new(),
        body,
    )
}

fn judged(operation: &Operation, sent: Sent) -> Input {
    let id = OperationId::named(&operation.id);
    id.and_then(|id| RULES.check(id, sent).ok())
        .unwrap_or_else(|| panic_on("an operation without rules"))
}

fn path_of(operation: &Operation) -> Map<String, Value> {
    operation
        .parameters_in(Location::Path)
        .map(|parameter| (parameter.name.clone(), parameter.example.clone()))
        .collect()
}

fn shown(value: &impl Debug) -> String {
    format!("{value:?}")
}

#[expect(clippy::panic, reason = "this is how a property fails")]
fn panic_on(what: &str) -> ! {
    panic!("{what}")
}
