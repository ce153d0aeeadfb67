//! The operator's keys, which wrap those of the workspaces and live outside the database.

use std::{fmt, str::FromStr};

use aes_gcm::{Aes256Gcm, KeyInit};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use thiserror::Error;
use zeroize::Zeroizing;

use super::aead;

const LENGTH: usize = 32;
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The number of a master key that was given without one.
const ONLY_KEY: u32 = 1;

/// One master key. Debug shows nothing of it; the bytes are overwritten when it is dropped.
pub struct MasterKey(Zeroizing<[u8; LENGTH]>);

/// Why a text is no master key. Never shows any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MasterKeyError {
    /// Nothing but space.
    #[error("the master key is empty; `konektor-server keygen` makes one")]
    Empty,
    /// Not base64.
    #[error("the master key is not base64; `konektor-server keygen` makes a good one")]
    NotBase64,
    /// Base64 of something else.
    #[error("the master key has {0} bytes and needs 32; `konektor-server keygen` makes a good one")]
    WrongLength(usize),
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
}

impl FromStr for MasterKey {
    type Err = MasterKeyError;

    /// Reads base64 of 32 bytes, standard or URL-safe, padded or not, with space around it.
    ///
    /// ```
    /// use konektor_server::vault::MasterKey;
    /// let key = MasterKey::generate();
    /// assert!(key.to_base64().parse::<MasterKey>().is_ok());
    /// ```
    fn from_str(text: &str) -> Result<Self, MasterKeyError> {
        let text = Zeroizing::new(text.trim().replace('-', "+").replace('_', "/"));
        if text.is_empty() {
            return Err(MasterKeyError::Empty);
        }
        let bytes = BASE64
            .decode(text.as_bytes())
            .map_err(|_| MasterKeyError::NotBase64)?;
        let bytes = Zeroizing::new(bytes);
        bytes
            .as_slice()
            .try_into()
            .map(|key| Self(Zeroizing::new(key)))
            .map_err(|_| MasterKeyError::WrongLength(bytes.len()))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// The master keys of a server by number: the first seals, all open.
pub struct MasterKeys {
    sealing: u32,
    ciphers: Vec<(u32, Aes256Gcm)>,
}

impl MasterKeys {
    /// No key at all: nothing can be sealed or opened.
    #[must_use]
    pub fn none() -> Self {
        Self {
            sealing: 0,
            ciphers: Vec::new(),
        }
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

/// A server with one key, whose number is 1.
impl From<&MasterKey> for MasterKeys {
    fn from(key: &MasterKey) -> Self {
        Self {
            sealing: ONLY_KEY,
            ciphers: vec![(ONLY_KEY, Aes256Gcm::new((&*key.0).into()))],
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_safe_and_unpadded_base64_is_the_same_key() {
        let standard: MasterKey = "+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s="
            .parse()
            .expect("a key");
        let url_safe: MasterKey = " -_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s\n"
            .parse()
            .expect("a key");
        assert_eq!(*standard.0, *url_safe.0);
    }

    #[test]
    fn errors_say_what_to_do_and_show_no_key() {
        for (text, expected) in [
            (" \n", MasterKeyError::Empty),
            ("hunter2!", MasterKeyError::NotBase64),
            ("c2VjcmV0", MasterKeyError::WrongLength(6)),
        ] {
            let error = text.parse::<MasterKey>().expect_err("no key");
            assert_eq!(error, expected);
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2") && !shown.contains("c2VjcmV0"));
        }
    }

    #[test]
    fn debug_shows_no_key() {
        let key = MasterKey::generate();
        assert_eq!(
            format!("{key:?} {:?}", MasterKeys::from(&key)),
            "MasterKey(…) [1]"
        );
    }
}
