//! The operator's keys, which wrap those of the workspaces and live outside the database.

use std::fmt;

use aes_gcm::{Aes256Gcm, KeyInit};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::aead;

const LENGTH: usize = 32;
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One master key. Debug shows its number alone; the bytes are overwritten when it is dropped.
pub struct MasterKey(Zeroizing<[u8; LENGTH]>);

/// Why a text holds no master keys. Never shows any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MasterKeyError {
    /// Nothing but space.
    #[error("the master key is empty; `konektor-server keygen` makes one")]
    Empty,
    /// Not base64.
    #[error("master key {position} is not base64; `konektor-server keygen` makes a good one")]
    NotBase64 {
        /// Which of the keys, from 1.
        position: usize,
    },
    /// Base64 of something else.
    #[error(
        "master key {position} has {length} bytes and needs 32; `konektor-server keygen` makes a good one"
    )]
    WrongLength {
        /// Which of the keys, from 1.
        position: usize,
        /// How many bytes it has.
        length: usize,
    },
    /// The same key more than once.
    #[error("master key {position} is given twice")]
    Twice {
        /// Which of the keys, from 1.
        position: usize,
    },
}

impl MasterKey {
    /// A new key.
    #[must_use]
    pub fn generate() -> Self {
        Self(Zeroizing::new(aead::random()))
    }

    /// The key as the operator keeps it: base64 of 32 bytes.
    #[must_use]
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64.encode(*self.0))
    }

    /// The key's number, by which wrapped keys name the one that opens them: the first four bytes of
    /// a hash of the key, so that nobody has to number keys by hand. It tells nothing about the key.
    #[must_use]
    pub fn id(&self) -> u32 {
        let hash = Sha256::new()
            .chain_update(b"konektor master key id")
            .chain_update(*self.0)
            .finalize();
        u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
    }

    fn from_base64(text: &str, position: usize) -> Result<Self, MasterKeyError> {
        let text = Zeroizing::new(text.replace('-', "+").replace('_', "/"));
        let bytes = BASE64
            .decode(text.as_bytes())
            .map_err(|_| MasterKeyError::NotBase64 { position })?;
        let bytes = Zeroizing::new(bytes);
        let wrong_length = |_| MasterKeyError::WrongLength {
            position,
            length: bytes.len(),
        };
        bytes
            .as_slice()
            .try_into()
            .map(|key| Self(Zeroizing::new(key)))
            .map_err(wrong_length)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id())
    }
}

/// The master keys of a server: the first seals, all open.
///
/// To replace a key, put the new one before the old one.
pub struct MasterKeys {
    sealing: u32,
    ciphers: Vec<(u32, Aes256Gcm)>,
}

impl MasterKeys {
    /// Reads keys in base64 (standard or URL-safe, padded or not), separated by space or commas.
    ///
    /// ```
    /// use konektor_server::vault::{MasterKey, MasterKeys};
    /// let (new, old) = (MasterKey::generate(), MasterKey::generate());
    /// let keys = MasterKeys::parse(&format!("{},{}\n", *new.to_base64(), *old.to_base64()))?;
    /// assert_eq!(keys.sealing_id(), new.id());
    /// # Ok::<(), konektor_server::vault::MasterKeyError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let texts = text
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|key| !key.is_empty());
        let mut keys: Vec<MasterKey> = Vec::new();
        for (position, text) in (1..).zip(texts) {
            let key = MasterKey::from_base64(text, position)?;
            if keys.iter().any(|known| known.id() == key.id()) {
                return Err(MasterKeyError::Twice { position });
            }
            keys.push(key);
        }
        let sealing = keys.first().ok_or(MasterKeyError::Empty)?.id();
        Ok(Self {
            sealing,
            ciphers: keys.iter().map(ciphers_entry).collect(),
        })
    }

    /// The number of the key that seals.
    #[must_use]
    pub fn sealing_id(&self) -> u32 {
        self.sealing
    }

    pub(super) fn cipher(&self, id: u32) -> Option<&Aes256Gcm> {
        self.ciphers
            .iter()
            .find(|(known, _)| *known == id)
            .map(|(_, cipher)| cipher)
    }
}

/// A server with one key.
impl From<&MasterKey> for MasterKeys {
    fn from(key: &MasterKey) -> Self {
        Self {
            sealing: key.id(),
            ciphers: vec![ciphers_entry(key)],
        }
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.ciphers.iter().map(|(id, _)| id))
            .finish()
    }
}

fn ciphers_entry(key: &MasterKey) -> (u32, Aes256Gcm) {
    (key.id(), Aes256Gcm::new((&*key.0).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_reads_back() {
        let key = MasterKey::generate();
        let keys = MasterKeys::parse(&format!(" {}\n", *key.to_base64())).expect("a key");
        assert_eq!(keys.sealing_id(), key.id());
    }

    #[test]
    fn url_safe_and_unpadded_base64_is_the_same_key() {
        let standard = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=";
        let id = |text: &str| MasterKeys::parse(text).map(|keys| keys.sealing_id());
        assert!(id(standard).is_ok());
        assert_eq!(
            id("-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s"),
            id(standard)
        );
    }

    #[test]
    fn errors_say_what_to_do_and_show_no_key() {
        let good = MasterKey::generate().to_base64();
        for (text, expected) in [
            (" \n".to_owned(), MasterKeyError::Empty),
            (
                "hunter2!".to_owned(),
                MasterKeyError::NotBase64 { position: 1 },
            ),
            (
                format!("{},hunter2", *good),
                MasterKeyError::NotBase64 { position: 2 },
            ),
            (
                "c2VjcmV0".to_owned(),
                MasterKeyError::WrongLength {
                    position: 1,
                    length: 6,
                },
            ),
            (
                format!("{} {}", *good, *good),
                MasterKeyError::Twice { position: 2 },
            ),
        ] {
            let error = MasterKeys::parse(&text).expect_err("no key");
            assert_eq!(error, expected);
            let shown = format!("{error} {error:?}");
            assert!(
                !shown.contains("hunter2")
                    && !shown.contains("c2VjcmV0")
                    && !shown.contains(good.as_str())
            );
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let key = MasterKey::generate();
        let shown = format!("{key:?} {:?}", MasterKeys::from(&key));
        assert_eq!(shown, format!("MasterKey({0}) [{0}]", key.id()));
    }
}
