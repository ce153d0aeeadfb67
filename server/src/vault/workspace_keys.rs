//! The keys of a workspace: creation, wrapping and opening.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use aes_gcm::{Aes256Gcm, KeyInit};
use zeroize::Zeroizing;

use super::{MasterKeys, VaultError, aead, index::IndexKeys};

const WRAPPED_KEY_VERSION: u8 = 1;
const KEY_LENGTH: usize = 32;
const FIRST_KEY: u32 = 1;

/// What a workspace key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Seals records. There can be several: the one with the highest number seals, all open.
    Data,
    /// Makes blind indexes and hashes of API keys. There is one.
    Index,
}

impl Purpose {
    /// The purpose as the store keeps it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Index => "index",
        }
    }

    /// Reads what [`Purpose::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Data, Self::Index]
            .into_iter()
            .find(|purpose| purpose.as_str() == text)
    }
}

/// A workspace key as the store keeps it. It opens only in its workspace and for its purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    /// Its purpose.
    pub purpose: Purpose,
    /// Its number among the workspace's keys of this purpose.
    pub key_id: u32,
    /// The number of the master key that wraps it.
    pub master_key_id: u32,
    /// `version (1) | nonce (12) | ciphertext (32) | tag (16)`.
    pub bytes: Vec<u8>,
}

impl WrappedKey {
    fn associated_data(&self, workspace: &str) -> Vec<u8> {
        aead::bound_to(
            WRAPPED_KEY_VERSION,
            [
                workspace.as_bytes(),
                self.purpose.as_str().as_bytes(),
                &self.key_id.to_be_bytes(),
                &self.master_key_id.to_be_bytes(),
            ],
        )
    }
}

/// Creates and opens the keys of workspaces with the master keys.
///
/// ```
/// use konektor_server::vault::{MasterKey, MasterKeys, SealContext, Vault};
/// let vault = Vault::new(MasterKeys::from(&MasterKey::generate()));
/// let wrapped = vault.create_workspace_keys("ws_1")?; // for the store
/// let keys = vault.open_workspace("ws_1", &wrapped)?;
/// let context = SealContext::record("lead", "lead_1");
/// let sealed = keys.seal(&context, b"Budi")?;
/// assert_eq!(keys.open(&context, &sealed)?.as_slice(), b"Budi");
/// # Ok::<(), konektor_server::vault::VaultError>(())
/// ```
#[derive(Debug)]
pub struct Vault {
    master_keys: MasterKeys,
    records_opened: Arc<AtomicU64>,
}

impl Vault {
    /// A vault under these master keys.
    #[must_use]
    pub fn new(master_keys: MasterKeys) -> Self {
        Self {
            master_keys,
            records_opened: Arc::default(),
        }
    }

    /// The keys that a new workspace needs: a data key and an index key.
    pub fn create_workspace_keys(&self, workspace: &str) -> Result<Vec<WrappedKey>, VaultError> {
        [Purpose::Data, Purpose::Index]
            .into_iter()
            .map(|purpose| self.create_key(workspace, purpose, FIRST_KEY))
            .collect()
    }

    /// One new random key of a workspace, wrapped under the master key that seals.
    pub fn create_key(
        &self,
        workspace: &str,
        purpose: Purpose,
        key_id: u32,
    ) -> Result<WrappedKey, VaultError> {
        let key = Zeroizing::new(aead::random::<KEY_LENGTH>());
        self.wrap_key(workspace, purpose, key_id, &key)
    }

    /// The same key under the master key that seals; `None` if it is wrapped under that one already.
    pub fn rewrap_key(
        &self,
        workspace: &str,
        wrapped: &WrappedKey,
    ) -> Result<Option<WrappedKey>, VaultError> {
        if wrapped.master_key_id == self.master_keys.sealing_id() {
            return Ok(None);
        }
        let key = self.unwrap_key(workspace, wrapped)?;
        self.wrap_key(workspace, wrapped.purpose, wrapped.key_id, &key)
            .map(Some)
    }

    fn wrap_key(
        &self,
        workspace: &str,
        purpose: Purpose,
        key_id: u32,
        key: &[u8; KEY_LENGTH],
    ) -> Result<WrappedKey, VaultError> {
        let master_key_id = self.master_keys.sealing_id();
        let mut wrapped = WrappedKey {
            purpose,
            key_id,
            master_key_id,
            bytes: Vec::new(),
        };
        let associated = wrapped.associated_data(workspace);
        wrapped.bytes = aead::seal(
            self.master(master_key_id)?,
            &associated,
            &[WRAPPED_KEY_VERSION],
            [key, &[]],
        )
        .map_err(|_| VaultError::TooLarge)?;
        Ok(wrapped)
    }

    /// Opens all keys of a workspace, or none if one does not open.
    pub fn open_workspace(
        &self,
        workspace: &str,
        wrapped: &[WrappedKey],
    ) -> Result<WorkspaceKeys, VaultError> {
        let mut data = BTreeMap::new();
        let mut index = None;
        for wrapped in wrapped {
            let key = self.unwrap_key(workspace, wrapped)?;
            let replaced = match wrapped.purpose {
                Purpose::Data => data
                    .insert(wrapped.key_id, Aes256Gcm::new((&*key).into()))
                    .is_some(),
                Purpose::Index => index.replace(IndexKeys::derive(&*key)?).is_some(),
            };
            if replaced {
                return Err(VaultError::IncompleteKeys);
            }
        }
        let sealing = data.last_key_value().map(|(&id, _)| id);
        Ok(WorkspaceKeys {
            workspace: workspace.to_owned(),
            sealing: sealing.ok_or(VaultError::IncompleteKeys)?,
            data,
            index: index.ok_or(VaultError::IncompleteKeys)?,
            records_opened: Arc::clone(&self.records_opened),
        })
    }

    /// The operator's keys.
    #[must_use]
    pub fn master_keys(&self) -> &MasterKeys {
        &self.master_keys
    }

    /// How many records were opened so far in all workspaces of this vault.
    #[must_use]
    pub fn records_opened(&self) -> u64 {
        self.records_opened.load(Ordering::Relaxed)
    }

    fn unwrap_key(
        &self,
        workspace: &str,
        wrapped: &WrappedKey,
    ) -> Result<Zeroizing<[u8; KEY_LENGTH]>, VaultError> {
        let cipher = self.master(wrapped.master_key_id)?;
        let sealed = wrapped
            .bytes
            .strip_prefix(&[WRAPPED_KEY_VERSION])
            .ok_or(VaultError::DamagedKey)?;
        let key = aead::open(cipher, &wrapped.associated_data(workspace), sealed)
            .map_err(|_| VaultError::DamagedKey)?;
        key.as_slice()
            .try_into()
            .map(Zeroizing::new)
            .map_err(|_| VaultError::DamagedKey)
    }

    fn master(&self, id: u32) -> Result<&Aes256Gcm, VaultError> {
        self.master_keys
            .cipher(id)
            .ok_or(VaultError::UnknownMasterKey(id))
    }
}

/// The opened keys of one workspace. Opening them is slow and using them is fast, so keep the value behind an `Arc`.
pub struct WorkspaceKeys {
    pub(super) workspace: String,
    pub(super) sealing: u32,
    pub(super) data: BTreeMap<u32, Aes256Gcm>,
    pub(super) index: IndexKeys,
    pub(super) records_opened: Arc<AtomicU64>,
}

impl fmt::Debug for WorkspaceKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkspaceKeys")
            .field("workspace", &self.workspace)
            .field("sealing", &self.sealing)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{IndexKind, MasterKey, SealContext};
    use super::*;

    const CONTEXT: SealContext<'static> = SealContext::record("lead", "lead_1");

    fn vault() -> Vault {
        Vault::new(MasterKeys::from(&MasterKey::generate()))
    }

    #[test]
    fn opened_again_the_keys_are_the_same() {
        let vault = vault();
        let wrapped = vault.create_workspace_keys("ws_1").expect("keys");
        let (one, two) = (
            vault.open_workspace("ws_1", &wrapped),
            vault.open_workspace("ws_1", &wrapped),
        );
        let (one, two) = (one.expect("opens"), two.expect("opens"));
        let sealed = one.seal(&CONTEXT, b"text").expect("seals");
        assert_eq!(
            two.open(&CONTEXT, &sealed).expect("opens").as_slice(),
            b"text"
        );
        assert_eq!(
            one.blind_index(IndexKind::LeadPhone, "+6281234567890"),
            two.blind_index(IndexKind::LeadPhone, "+6281234567890")
        );
    }

    #[test]
    fn another_master_key_opens_nothing() {
        let wrapped = vault().create_workspace_keys("ws_1").expect("keys");
        let error = vault()
            .open_workspace("ws_1", &wrapped)
            .expect_err("another key");
        assert_eq!(error, VaultError::DamagedKey);
    }

    #[test]
    fn a_rewrapped_key_is_the_same_key_and_needs_the_old_master_key_no_more() {
        let [old, new] = [(); 2].map(|()| MasterKey::generate().to_base64());
        let vault = |keys: &str| Vault::new(keys.parse().expect("master keys"));
        let wrapped = vault(&old).create_workspace_keys("ws_1").expect("keys");
        let opened = vault(&old).open_workspace("ws_1", &wrapped).expect("opens");
        let sealed = opened.seal(&CONTEXT, b"text").expect("seals");

        let both = vault(&format!("2:{},1:{}", *new, *old));
        let rewrap = |key: &WrappedKey| both.rewrap_key("ws_1", key).expect("opens");
        let rewrapped: Vec<_> = wrapped.iter().filter_map(rewrap).collect();
        assert_eq!(rewrapped.len(), wrapped.len());
        assert!(rewrapped.iter().all(|key| rewrap(key).is_none()));

        let only_new = vault(&format!("2:{}", *new));
        let keys = only_new.open_workspace("ws_1", &rewrapped).expect("opens");
        assert_eq!(
            keys.open(&CONTEXT, &sealed).expect("opens").as_slice(),
            b"text"
        );
        assert_eq!(
            only_new.open_workspace("ws_1", &wrapped).expect_err("old"),
            VaultError::UnknownMasterKey(1)
        );
    }

    #[test]
    fn the_newest_data_key_seals_and_older_ones_open() {
        let vault = vault();
        let mut wrapped = vault.create_workspace_keys("ws_1").expect("keys");
        let before = vault.open_workspace("ws_1", &wrapped).expect("opens");
        let old = before.seal(&CONTEXT, b"old").expect("seals");
        wrapped.push(vault.create_key("ws_1", Purpose::Data, 2).expect("a key"));
        let after = vault.open_workspace("ws_1", &wrapped).expect("opens");
        let new = after.seal(&CONTEXT, b"new").expect("seals");
        assert_eq!(
            after.open(&CONTEXT, &old).expect("opens").as_slice(),
            b"old"
        );
        assert_eq!(
            after.open(&CONTEXT, &new).expect("opens").as_slice(),
            b"new"
        );
        assert_eq!(
            before.open(&CONTEXT, &new).expect_err("unknown"),
            VaultError::UnknownDataKey(2)
        );
    }

    #[test]
    fn keys_that_are_not_a_workspaces_own_do_not_open() {
        let vault = vault();
        let wrapped = vault.create_workspace_keys("ws_1").expect("keys");
        let refused =
            |keys: &[WrappedKey]| vault.open_workspace("ws_1", keys).expect_err("refused");
        assert_eq!(
            vault.open_workspace("ws_2", &wrapped).expect_err("refused"),
            VaultError::DamagedKey
        );

        let mut swapped = wrapped.clone();
        swapped[0].purpose = Purpose::Index;
        swapped[1].purpose = Purpose::Data;
        assert_eq!(refused(&swapped), VaultError::DamagedKey);

        let mut renumbered = wrapped.clone();
        renumbered[0].key_id = 7;
        assert_eq!(refused(&renumbered), VaultError::DamagedKey);

        assert_eq!(refused(&wrapped[..1]), VaultError::IncompleteKeys);
        assert_eq!(refused(&wrapped[1..]), VaultError::IncompleteKeys);
        assert_eq!(
            refused(&[&wrapped[..], &wrapped[1..]].concat()),
            VaultError::IncompleteKeys
        );
    }

    #[test]
    fn purposes_read_back() {
        for purpose in [Purpose::Data, Purpose::Index] {
            assert_eq!(Purpose::parse(purpose.as_str()), Some(purpose));
        }
        assert_eq!(Purpose::parse("other"), None);
    }

    proptest! {
        #[test]
        fn a_changed_or_cut_wrapped_key_is_an_error(at in 0_usize..61, bit in 0..8_u8) {
            let vault = vault();
            let wrapped = vault.create_workspace_keys("ws_1").expect("keys");
            let mut changed = wrapped.clone();
            changed[0].bytes[at] ^= 1 << bit;
            prop_assert_eq!(vault.open_workspace("ws_1", &changed).err(), Some(VaultError::DamagedKey));
            changed.clone_from(&wrapped);
            changed[0].bytes.truncate(at);
            prop_assert_eq!(vault.open_workspace("ws_1", &changed).err(), Some(VaultError::DamagedKey));
        }
    }
}
