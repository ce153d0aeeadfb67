//! The forms in which a text may lie somewhere.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use konektor_server::domain::api_key::ApiKey;
use md5::Md5;
use sha2::{Digest, Sha256};

use super::{E164_PHONE, EMAIL, FIRST_NAME, LAST_NAME, LOCAL_PHONE, MESSAGE, NOTES, SUBJECT};

/// Something to look for, and what it is a trace of.
type Trace = (String, Vec<u8>);

/// What of the personal data lies in these bytes.
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

/// What of an API key lies in these bytes: nobody may find it there, nor what it can be recognised by.
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
    // Byte by byte only where it may begin: comparing each window is slow where nothing is optimised.
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

/// Text in the clear and in hex, and plain hashes of what is searched for by equality.
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

/// Where the case of a letter matters: base64, and hashes as they are.
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

/// Every text whose appearance anywhere is a leak. Digits without a country code are in each spelling of a phone.
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

/// In base64 a text looks different at each of three places; its ends depend on its neighbours and are left out.
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
