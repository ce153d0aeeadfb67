//! The operator's keys, which wrap those of the workspaces and are stored outside the database.

use std::{fmt, str::FromStr};

use aes_gcm::{Aes256Gcm, KeyInit};
use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use thiserror::Error;
use zeroize::Zeroizing;

use super::aead;

const MASTER_KEY_LENGTH: usize = 32;
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The number of a single master key that has none.
const ONLY_KEY: u32 = 1;

/// One master key. Debug shows nothing of it; the bytes are overwritten when it is dropped.
pub struct MasterKey(Zeroizing<[u8; MASTER_KEY_LENGTH]>);

/// The error when a text is not a master key. It shows nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MasterKeyError {
    /// The text is blank.
    #[error("the master key is empty; create one with `konektor-server keygen`")]
    Empty,
    /// The text is not base64.
    #[error("the master key is not base64; create a valid one with `konektor-server keygen`")]
    NotBase64,
    /// The text is base64 of another length.
    #[error(
        "the master key has {0} bytes and needs 32; create a valid one with `konektor-server keygen`"
    )]
    WrongLength(usize),
}

/// The error when a text is not a list of master keys. It shows nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MasterKeysError {
    /// The list is blank.
    #[error("it contains no master key; create one with `konektor-server keygen`")]
    Empty,
    /// One of several keys has no number.
    #[error("each of several master keys needs its number before it, as in 2:KEY,1:KEY")]
    NoNumber,
    /// The text before a colon is not a key number.
    #[error("the text before a master key must be its number, 1 or more, as in 2:KEY,1:KEY")]
    BadNumber,
    /// Two keys have the same number.
    #[error("two master keys have the number {0}; give the new one a number of its own")]
    SameNumber(u32),
    /// Two keys are the same.
    #[error("master keys {0} and {1} are the same; create another with `konektor-server keygen`")]
    SameKey(u32, u32),
    /// One of the entries is not a key.
    #[error("number {0}: {1}")]
    Key(u32, MasterKeyError),
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

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.0).into())
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

/// The master keys of a server by number. The first one seals, all can open.
pub struct MasterKeys {
    sealing: u32,
    ciphers: Vec<(u32, Aes256Gcm)>,
}

impl MasterKeys {
    /// An empty list, which can neither seal nor open.
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

    /// The numbers of all keys, in the operator's order.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.ciphers.iter().map(|&(id, _)| id)
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
            ciphers: vec![(ONLY_KEY, key.cipher())],
        }
    }
}

impl FromStr for MasterKeys {
    type Err = MasterKeysError;

    /// Reads keys with their numbers, separated by commas or lines. A single key may have no number, and gets number 1.
    ///
    /// ```
    /// use konektor_server::vault::{MasterKey, MasterKeys};
    /// let [new, old] = [(); 2].map(|()| MasterKey::generate().to_base64());
    /// let keys: MasterKeys = format!("2:{},1:{}", *new, *old).parse()?;
    /// assert_eq!(keys.sealing_id(), 2);
    /// # Ok::<(), konektor_server::vault::MasterKeysError>(())
    /// ```
    fn from_str(text: &str) -> Result<Self, MasterKeysError> {
        let entries: Vec<&str> = text
            .split([',', '\n'])
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .collect();
        let mut keys: Vec<(u32, MasterKey)> = Vec::with_capacity(entries.len());
        for entry in &entries {
            let (id, key) = numbered(entry, entries.len() == 1)?;
            for (known, other) in &keys {
                if *known == id {
                    return Err(MasterKeysError::SameNumber(id));
                }
                if *other.0 == *key.0 {
                    return Err(MasterKeysError::SameKey(*known, id));
                }
            }
            keys.push((id, key));
        }
        let sealing = keys.first().ok_or(MasterKeysError::Empty)?.0;
        Ok(Self {
            sealing,
            ciphers: keys.iter().map(|(id, key)| (*id, key.cipher())).collect(),
        })
    }
}

/// `NUMBER:KEY`, or a key that is the only one.
fn numbered(entry: &str, is_only: bool) -> Result<(u32, MasterKey), MasterKeysError> {
    let (id, key) = match entry.split_once(':') {
        Some((id, key)) => {
            let id = id.trim().parse().map_err(|_| MasterKeysError::BadNumber)?;
            (id, key)
        }
        None if is_only => (ONLY_KEY, entry),
        None => return Err(MasterKeysError::NoNumber),
    };
    if id == 0 {
        return Err(MasterKeysError::BadNumber);
    }
    let key = key
        .parse()
        .map_err(|error| MasterKeysError::Key(id, error))?;
    Ok((id, key))
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
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

    const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

    #[test]
    fn the_first_of_several_keys_seals() {
        for text in [
            format!("2:{TWO},1:{ONE}"),
            format!("2:{TWO}\n1:{ONE}\n"),
            format!(" 2 : {TWO} ,\r\n\r\n1:{ONE},"),
        ] {
            let keys: MasterKeys = text.parse().expect("keys");
            assert_eq!(keys.sealing_id(), 2);
            assert_eq!(keys.ids().collect::<Vec<_>>(), [2, 1]);
        }
    }

    #[test]
    fn a_key_alone_has_number_1_or_its_own() {
        for (text, id) in [(format!("{ONE}\n"), 1), (format!("7:{ONE}"), 7)] {
            let keys: MasterKeys = text.parse().expect("keys");
            assert_eq!((keys.sealing_id(), keys.ids().count()), (id, 1));
        }
    }

    #[test]
    fn keys_that_cannot_be_told_apart_or_read_are_refused_without_showing_them() {
        for (text, expected) in [
            (" ,\n", MasterKeysError::Empty),
            (&format!("2:{TWO},{ONE}"), MasterKeysError::NoNumber),
            (&format!("{ONE}:2"), MasterKeysError::BadNumber),
            (&format!("0:{ONE}"), MasterKeysError::BadNumber),
            (&format!("-1:{ONE}"), MasterKeysError::BadNumber),
            (&format!("5000000000:{ONE}"), MasterKeysError::BadNumber),
            (&format!("1:{TWO},1:{ONE}"), MasterKeysError::SameNumber(1)),
            (&format!("2:{ONE},1:{ONE}"), MasterKeysError::SameKey(2, 1)),
            (
                &format!("2:c2VjcmV0,1:{ONE}"),
                MasterKeysError::Key(2, MasterKeyError::WrongLength(6)),
            ),
            (
                &format!("2:,1:{ONE}"),
                MasterKeysError::Key(2, MasterKeyError::Empty),
            ),
        ] {
            let error = text.parse::<MasterKeys>().expect_err("refused");
            assert_eq!(error, expected, "{text}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("AQEB") && !shown.contains("AgIC") && !shown.contains("c2Vj"));
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
