//! API keys, and text that may contain one by mistake.

use std::fmt;

use konektor_spec::KEY_PREFIX;

/// An API key. Its `Debug` output does not contain it.
#[derive(Clone)]
pub(crate) struct Key(String);

impl Key {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }

    /// The key itself, for the SDK and the key store.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Whether a text contains an API key.
pub(crate) fn holds_key(text: &str) -> bool {
    without_keys(text) != text
}

/// Redacts API keys in a text.
pub(crate) fn without_keys(text: &str) -> String {
    let mut parts = text.split(KEY_PREFIX);
    let mut safe = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let behind = part.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        safe.push_str(KEY_PREFIX);
        if behind.len() < part.len() {
            safe.push('…');
        }
        safe.push_str(behind);
    }
    safe
}

/// Returns the id of a key, which is not secret.
pub(crate) fn key_id(key: &str) -> Option<&str> {
    let (id, secret) = key.trim().strip_prefix(KEY_PREFIX)?.split_once('_')?;
    (!id.is_empty() && !secret.is_empty()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_nothing_that_shows_it() {
        assert_eq!(format!("{:?}", Key::new("kna_1_secret")), "Key(…)");
    }

    #[test]
    fn no_key_stays_in_a_text() {
        for (text, safe) in [
            (
                "unexpected argument \"kna_1_secret\"",
                "unexpected argument \"kna_…\"",
            ),
            ("--key=kna_1_a,kna_2_b", "--key=kna_…,kna_…"),
            ("kna_kna_1_a", "kna_kna_…"),
            (
                "export KONEKTOR_API_KEY=kna_…",
                "export KONEKTOR_API_KEY=kna_…",
            ),
            ("no key", "no key"),
        ] {
            assert_eq!(without_keys(text), safe);
        }
    }
}
