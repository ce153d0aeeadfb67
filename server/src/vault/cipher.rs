//! The format of a sealed record: `version (1) | key id (4) | nonce (12) | ciphertext | tag (16)`.

use std::sync::atomic::Ordering;

use aes_gcm::Aes256Gcm;
use zeroize::Zeroizing;

use super::{VaultError, WorkspaceKeys, aead};

const RECORD_VERSION: u8 = 1;
/// Lengths are rounded up to a multiple of this many bytes, to hide the length of a sealed name.
const PADDING_BLOCK: usize = 32;
/// The first byte of the padding, before zeros (ISO/IEC 7816-4). It is always there, to distinguish a text that ends in
/// zeros from padding.
const PADDING_START: u8 = 0x80;

/// What a sealed value is bound to within its workspace. The value opens only for the same context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealContext<'a> {
    /// The table.
    pub table: &'a str,
    /// The row's id, unique in the table.
    pub row: &'a str,
    /// The column, or [`SealContext::RECORD`].
    pub column: &'a str,
}

impl<'a> SealContext<'a> {
    /// Stands for all of a row's personal data sealed as one record.
    pub const RECORD: &'static str = "record";

    /// The context of a row's whole record.
    #[must_use]
    pub const fn record(table: &'a str, row: &'a str) -> Self {
        Self {
            table,
            row,
            column: Self::RECORD,
        }
    }
}

impl WorkspaceKeys {
    /// The number of the data key that seals. It is stored beside each sealed value, so that values under older keys
    /// can be found.
    #[must_use]
    pub fn data_key_id(&self) -> u32 {
        self.sealing
    }

    /// The numbers of the data keys that only open.
    pub fn older_data_key_ids(&self) -> impl Iterator<Item = u32> {
        self.data.keys().copied().filter(|id| *id != self.sealing)
    }

    /// Seals bytes for one context, under the workspace's newest data key.
    pub fn seal(&self, context: &SealContext<'_>, plaintext: &[u8]) -> Result<Vec<u8>, VaultError> {
        let id = self.sealing.to_be_bytes();
        let header = [&[RECORD_VERSION], id.as_slice()].concat();
        let associated = self.associated_data(context, id);
        let padding = padding(plaintext.len());
        aead::seal(
            self.data_key(self.sealing)?,
            &associated,
            &header,
            [plaintext, &padding],
        )
        .map_err(|_| VaultError::TooLarge)
    }

    /// Opens what was sealed for this context. Each call is counted in
    /// [`Vault::records_opened`](super::Vault::records_opened).
    pub fn open(
        &self,
        context: &SealContext<'_>,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        self.records_opened.fetch_add(1, Ordering::Relaxed);
        let (id, sealed) = sealed
            .strip_prefix(&[RECORD_VERSION])
            .and_then(|rest| rest.split_first_chunk())
            .ok_or(VaultError::DamagedRecord)?;
        let cipher = self.data_key(u32::from_be_bytes(*id))?;
        let mut plaintext = aead::open(cipher, &self.associated_data(context, *id), sealed)
            .map_err(|_| VaultError::DamagedRecord)?;
        let length = unpadded_length(&plaintext).ok_or(VaultError::DamagedRecord)?;
        plaintext.truncate(length);
        Ok(plaintext)
    }

    fn data_key(&self, id: u32) -> Result<&Aes256Gcm, VaultError> {
        self.data.get(&id).ok_or(VaultError::UnknownDataKey(id))
    }

    fn associated_data(&self, context: &SealContext<'_>, key_id: [u8; 4]) -> Vec<u8> {
        let [workspace, table, row, column] = [
            self.workspace.as_str(),
            context.table,
            context.row,
            context.column,
        ]
        .map(str::as_bytes);
        aead::bound_to(RECORD_VERSION, [workspace, table, row, column, &key_id])
    }
}

fn padding(length: usize) -> Vec<u8> {
    let mut padding = vec![0; PADDING_BLOCK - length % PADDING_BLOCK];
    padding[0] = PADDING_START;
    padding
}

fn unpadded_length(padded: &[u8]) -> Option<usize> {
    let last = padded.iter().rposition(|&byte| byte != 0)?;
    (padded[last] == PADDING_START).then_some(last)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::{MasterKey, MasterKeys, Vault};
    use super::*;

    const CONTEXT: SealContext<'static> = SealContext::record("lead", "lead_1");

    fn vault() -> Vault {
        Vault::new(MasterKeys::from(&MasterKey::generate()))
    }

    fn keys(vault: &Vault, workspace: &str) -> WorkspaceKeys {
        let wrapped = vault.create_workspace_keys(workspace).expect("keys");
        vault.open_workspace(workspace, &wrapped).expect("opens")
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_context() {
        let keys = keys(&vault(), "ws_1");
        let sealed = keys.seal(&CONTEXT, b"Budi").expect("seals");
        for other in [
            SealContext {
                row: "lead_2",
                ..CONTEXT
            },
            SealContext {
                table: "ticket",
                ..CONTEXT
            },
            SealContext {
                column: "notes",
                ..CONTEXT
            },
            // The same letters, split elsewhere.
            SealContext {
                table: "leadl",
                row: "ead_1",
                ..CONTEXT
            },
        ] {
            assert_eq!(
                keys.open(&other, &sealed).expect_err("refused"),
                VaultError::DamagedRecord
            );
        }
        assert_eq!(
            keys.open(&CONTEXT, &sealed).expect("opens").as_slice(),
            b"Budi"
        );
    }

    #[test]
    fn a_value_of_another_workspace_does_not_open_even_under_the_same_key() {
        let vault = vault();
        let mut keys = keys(&vault, "ws_1");
        let sealed = keys.seal(&CONTEXT, b"Budi").expect("seals");
        keys.workspace = "ws_2".to_owned();
        assert_eq!(
            keys.open(&CONTEXT, &sealed).expect_err("refused"),
            VaultError::DamagedRecord
        );
    }

    #[test]
    fn nothing_of_the_text_is_seen_and_nothing_repeats() {
        let keys = keys(&vault(), "ws_1");
        let sealed: Vec<_> = (0..100)
            .map(|_| keys.seal(&CONTEXT, b"Budi Santoso").expect("seals"))
            .collect();
        assert!(
            sealed
                .iter()
                .all(|bytes| !bytes.windows(4).any(|part| part == b"Budi"))
        );
        let nonces: BTreeSet<_> = sealed.iter().map(|bytes| &bytes[5..17]).collect();
        assert_eq!(nonces.len(), 100);
    }

    #[test]
    fn lengths_within_a_bucket_look_alike() {
        let keys = keys(&vault(), "ws_1");
        let length = |plain: usize| {
            keys.seal(&CONTEXT, &vec![b'x'; plain])
                .expect("seals")
                .len()
        };
        assert!((0..32).all(|plain| length(plain) == 1 + 4 + 12 + 32 + 16));
        assert!((32..64).all(|plain| length(plain) == 1 + 4 + 12 + 64 + 16));
    }

    #[test]
    fn a_record_under_an_unknown_key_is_an_error() {
        let keys = keys(&vault(), "ws_1");
        let mut sealed = keys.seal(&CONTEXT, b"Budi").expect("seals");
        sealed[4] = 9;
        assert_eq!(
            keys.open(&CONTEXT, &sealed).expect_err("refused"),
            VaultError::UnknownDataKey(9)
        );
    }

    #[test]
    fn openings_are_counted() {
        let vault = vault();
        let keys = keys(&vault, "ws_1");
        let sealed = keys.seal(&CONTEXT, b"Budi").expect("seals");
        assert_eq!(vault.records_opened(), 0);
        for _ in 0..3 {
            keys.open(&CONTEXT, &sealed).expect("opens");
        }
        assert_eq!(vault.records_opened(), 3);
    }

    proptest! {
        #[test]
        fn whatever_is_sealed_opens(plaintext in prop::collection::vec(prop_oneof![Just(0), Just(0x80), any::<u8>()], 0..200)) {
            let keys = keys(&vault(), "ws_1");
            let sealed = keys.seal(&CONTEXT, &plaintext).expect("seals");
            prop_assert_eq!(keys.open(&CONTEXT, &sealed).expect("opens").to_vec(), plaintext);
        }

        #[test]
        fn any_bytes_but_the_sealed_ones_are_an_error(noise in prop::collection::vec(any::<u8>(), 0..120), bit in 0..8_u8) {
            let keys = keys(&vault(), "ws_1");
            let sealed = keys.seal(&CONTEXT, b"Budi").expect("seals");
            prop_assert!(keys.open(&CONTEXT, &noise).is_err());
            prop_assert!(keys.open(&CONTEXT, &[&[RECORD_VERSION, 0, 0, 0, 1], &noise[..]].concat()).is_err());
            prop_assert!(keys.open(&CONTEXT, &[&sealed[..], &[0]].concat()).is_err());
            for at in 0..sealed.len() {
                prop_assert!(keys.open(&CONTEXT, &sealed[..at]).is_err());
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                prop_assert!(keys.open(&CONTEXT, &changed).is_err());
            }
        }
    }
}
