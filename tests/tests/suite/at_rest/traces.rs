//! The encodings in which personal data could be stored.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use konektor_server::domain::api_key::ApiKey;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::{E164_PHONE, EMAIL, FIRST_NAME, LAST_NAME, LOCAL_PHONE, MESSAGE, NOTES, SUBJECT};

/// The name of a trace and its bytes.
type Trace = (String, Vec<u8>);

/// Returns the names of the personal data found in the bytes.
pub(super) fn found(bytes: &[u8]) -> Vec<String> {
    let folded = bytes.to_ascii_lowercase();
    let in_any_case = all()
        .into_iter()
        .filter(|(_, trace)| contains(&folded, &trace.to_ascii_lowercase()));
    let exact = encoded()
        .into_iter()
        .filter(|(_, trace)| contains(bytes, trace));
    in_any_case.chain(exact).map(|(name, _)| name).collect()
}

/// Returns the traces of an API key found in the bytes: the key itself, or a plain hash of it.
pub(super) fn key_found(bytes: &[u8], key: &str) -> Vec<String> {
    let parsed = ApiKey::parse(key).expect("a key");
    let texts = [("the key", key), ("the secret", parsed.secret())];
    let traces = texts.into_iter().flat_map(|(name, text)| {
        let hash = Sha256::digest(text).to_vec();
        let in_base64 = base64(name, text.as_bytes());
        let others = [
            (name.to_owned(), text.as_bytes().to_vec()),
            (format!("{name} in hex"), hex(text.as_bytes()).into_bytes()),
            (format!("SHA-256 of {name} in hex"), hex(&hash).into_bytes()),
            (format!("SHA-256 of {name}"), hash),
        ];
        others.into_iter().chain(in_base64)
    });
    let found = traces.filter(|(_, trace)| contains(bytes, trace));
    found.map(|(name, _)| name).collect()
}

pub(super) fn contains(bytes: &[u8], trace: &[u8]) -> bool {
    // Compares only where the first byte matches, because comparing every window is slow in debug builds.
    let Some(first) = trace.first() else {
        return true;
    };
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = &rest[at..];
        if rest.starts_with(trace) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// Plain text and hex, and unkeyed hashes of the searchable values.
fn all() -> Vec<Trace> {
    let plain = texts().into_iter().flat_map(|text| {
        let hex = hex(text.as_bytes());
        let hex_folded = hex_of_folded(text);
        [
            (text.to_owned(), text.as_bytes().to_vec()),
            (format!("{text} in hex"), hex.into_bytes()),
            (format!("{text} in hex"), hex_folded.into_bytes()),
        ]
    });
    let hashed = hashes()
        .into_iter()
        .map(|(name, hash)| (format!("{name} in hex"), hex(&hash).into_bytes()));
    plain.chain(hashed).collect()
}

/// The encodings that are case-sensitive: base64 and raw hashes.
fn encoded() -> Vec<Trace> {
    let texts = texts().into_iter().flat_map(|text| {
        let forms = [text.to_owned(), text.to_lowercase()];
        forms
            .into_iter()
            .flat_map(move |form| base64(text, form.as_bytes()))
    });
    let hashes = hashes();
    let in_base64 = hashes.iter().flat_map(|(name, hash)| base64(name, hash));
    texts.chain(in_base64).chain(hashes.clone()).collect()
}

/// Every text that must not appear. The digits without a country code are part of every spelling of a phone.
fn texts() -> [&'static str; 10] {
    [
        FIRST_NAME,
        LAST_NAME,
        EMAIL,
        "81297351864",
        LOCAL_PHONE,
        NOTES,
        "Cipinangmelayu",
        SUBJECT,
        MESSAGE,
        "Kelapapuyuh",
    ]
}

fn hashes() -> Vec<Trace> {
    let email = EMAIL.to_lowercase();
    let spellings = [
        EMAIL,
        &email,
        E164_PHONE,
        LOCAL_PHONE,
        "6281297351864",
        "081297351864",
        "81297351864",
        FIRST_NAME,
        LAST_NAME,
        "zubaidahtul",
        "wirahadikusumawati",
    ];
    let of = |text: &str| {
        [
            (format!("SHA-256 of {text}"), Sha256::digest(text).to_vec()),
            (format!("MD5 of {text}"), Md5::digest(text).to_vec()),
        ]
    };
    spellings.into_iter().flat_map(of).collect()
}

/// A text has three base64 encodings, depending on its offset. Both ends depend on adjacent bytes and are omitted.
fn base64(name: &str, bytes: &[u8]) -> Vec<Trace> {
    let at = |shift: usize| {
        let shifted = [vec![0; shift], bytes.to_vec()].concat();
        let whole = shifted.len() / 3 * 3;
        [
            STANDARD_NO_PAD.encode(&shifted[..whole]),
            URL_SAFE_NO_PAD.encode(&shifted[..whole]),
        ]
        .map(|text| {
            (
                format!("{name} in base64"),
                text.as_bytes()[shift.min(1) * 4..].to_vec(),
            )
        })
    };
    (0..3).flat_map(at).collect()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from_digit(digit.into(), 16).unwrap())
        .collect()
}

fn hex_of_folded(text: &str) -> String {
    hex(text.to_lowercase().as_bytes())
}

#[test]
fn every_form_of_a_text_is_found() {
    let forms = [
        EMAIL.to_uppercase(),
        format!("call {E164_PHONE}"),
        hex(NOTES.as_bytes()).to_uppercase(),
        STANDARD_NO_PAD.encode(format!("x{MESSAGE}y")),
        URL_SAFE_NO_PAD.encode(format!("xy{LAST_NAME}z")),
        hex(&Sha256::digest(E164_PHONE)),
    ];
    for form in forms {
        assert!(!found(form.as_bytes()).is_empty(), "{form}");
    }
    assert!(!found(&Md5::digest(EMAIL.to_lowercase())).is_empty());
    assert!(found(b"nothing of it").is_empty());
}
