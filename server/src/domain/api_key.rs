//! API keys as text: `kna_<id>_<secret><checksum>`.
//!
//! The id (12 characters) is the handle of the key and is not secret. The secret (43 characters, 256 bits) is shown
//! once and never stored. The checksum (six characters) distinguishes a mistyped or truncated key from an unknown one
//! without a lookup, and lets scanners for leaked keys recognise one with certainty. Everything is base62, so that a
//! double click selects the whole key.

use std::fmt;

use konektor_spec::KEY_PREFIX;
use rand::{
    CryptoRng,
    distr::{Alphanumeric, SampleString},
};
use zeroize::Zeroizing;

const ID_LENGTH: usize = 12;
/// 62^43 is just above 2^256.
const SECRET_LENGTH: usize = 43;
const CHECKSUM_LENGTH: usize = 6;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A well-formed API key, which may or may not have been issued.
///
/// Debug shows the id alone; the secret is overwritten in memory when the key is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    id: String,
    secret: Zeroizing<String>,
}

impl ApiKey {
    /// A new key.
    ///
    /// ```
    /// use konektor_server::domain::api_key::ApiKey;
    /// let key = ApiKey::generate(&mut rand::rng());
    /// assert_eq!(ApiKey::parse(&key.text()), Some(key));
    /// ```
    pub fn generate(rng: &mut (impl CryptoRng + ?Sized)) -> Self {
        Self {
            id: Alphanumeric.sample_string(rng, ID_LENGTH),
            secret: Zeroizing::new(Alphanumeric.sample_string(rng, SECRET_LENGTH)),
        }
    }

    /// Parses a key; `None` when it is malformed or its checksum is wrong.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret_and_checksum) = text.strip_prefix(KEY_PREFIX)?.split_once('_')?;
        let (secret, checksum) = secret_and_checksum.split_at_checked(SECRET_LENGTH)?;
        let well_formed = is_base62(id, ID_LENGTH)
            && is_base62(secret, SECRET_LENGTH)
            && checksum == checksum_of(id, secret);
        well_formed.then(|| Self {
            id: id.to_owned(),
            secret: Zeroizing::new(secret.to_owned()),
        })
    }

    /// The public id, by which the key is looked up.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The secret; for hashing only.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The whole key, to be shown once to its owner.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        let checksum = checksum_of(&self.id, &self.secret);
        Zeroizing::new([KEY_PREFIX, &self.id, "_", &self.secret, &checksum].concat())
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({KEY_PREFIX}{}_…)", self.id)
    }
}

fn is_base62(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// CRC-32 (IEEE) of everything before the checksum, in base62.
fn checksum_of(id: &str, secret: &str) -> String {
    let mut hasher = crc32fast::Hasher::new();
    for part in [KEY_PREFIX, id, "_", secret] {
        hasher.update(part.as_bytes());
    }
    let mut rest = hasher.finalize() as usize;
    let mut digits = [0; CHECKSUM_LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[rest % 62];
        rest /= 62;
    }
    digits.map(char::from).iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    fn key() -> ApiKey {
        ApiKey::generate(&mut StdRng::seed_from_u64(1))
    }

    #[test]
    fn a_key_is_letters_digits_and_underscores() {
        let text = key().text();
        assert_eq!(text.len(), 4 + 12 + 1 + 43 + 6);
        assert!(
            text.starts_with("kna_")
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        );
    }

    #[test]
    fn the_checksum_is_the_standard_crc_32() {
        // The check value of CRC-32/ISO-HDLC, in base62, is that of the text "123456789".
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
        let text = key().text();
        let (body, checksum) = text.split_at(60);
        let value = checksum.bytes().fold(0, |sum, b| {
            sum * 62
                + BASE62
                    .iter()
                    .position(|&digit| digit == b)
                    .expect("a digit")
        });
        assert_eq!(value, crc32fast::hash(body.as_bytes()) as usize);
    }

    #[test]
    fn debug_does_not_show_the_secret() {
        let (key, shown) = (key(), format!("{:?}", key()));
        assert!(
            shown.contains(key.id()) && !shown.contains(key.secret()),
            "{shown}"
        );
    }

    proptest! {
        #[test]
        fn every_key_reads_back(seed in any::<u64>()) {
            let key = ApiKey::generate(&mut StdRng::seed_from_u64(seed));
            prop_assert_eq!(ApiKey::parse(&key.text()), Some(key));
        }

        #[test]
        fn a_changed_or_cut_key_is_none(at in 0_usize..66, to in "[0-9A-Za-z_ é]") {
            let text = key().text();
            let mut changed = text.to_string();
            changed.replace_range(at..=at, &to);
            prop_assume!(changed != *text);
            prop_assert_eq!(ApiKey::parse(&changed), None);
            prop_assert_eq!(ApiKey::parse(&text[..at]), None);
        }

        #[test]
        fn no_text_panics(text in any::<String>(), tail in "[_a-z0-9é]{40,60}") {
            prop_assert_eq!(ApiKey::parse(&text), None);
            prop_assert_eq!(ApiKey::parse(&format!("kna_abcdefghijkl_{tail}")), None);
        }
    }
}
