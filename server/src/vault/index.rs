//! Blind indexes: keyed hashes by which sealed values are looked up.
//!
//! Without the index key a hash reveals nothing, even though there are few possible phone numbers. With it, equal values
//! of one kind in one workspace have equal hashes, which is what a unique index needs.

use aes_gcm::Aes256Gcm;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{VaultError, WorkspaceKeys};
use crate::domain::api_key::ApiKey;

/// A blind index: 128 bits, enough that no two values of a workspace share one.
pub type BlindIndex = [u8; 16];

/// A keyed hash that identifies a request.
pub type Fingerprint = [u8; 32];

/// The hash of an API key, as the store keeps it.
pub type ApiKeyHash = [u8; 32];

/// The kinds of values that are looked up, each under its own key: an email and a name with the
/// same letters have different indexes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexKind {
    /// An email address, as [`comparable`](crate::domain::email::comparable) gives it.
    LeadEmail,
    /// A phone number in E.164 form.
    LeadPhone,
    /// One of the [`searchable_forms`](crate::domain::name_words::searchable_forms).
    LeadName,
    /// The `Idempotency-Key` of a request.
    IdempotencyKey,
}

/// The keys derived from a workspace's index key, ready to use.
pub(super) struct IndexKeys {
    lead_email: Hmac<Sha256>,
    lead_phone: Hmac<Sha256>,
    lead_name: Hmac<Sha256>,
    idempotency_key: Hmac<Sha256>,
    idempotency_request: Hmac<Sha256>,
    api_key: Hmac<Sha256>,
    pub(super) token: Aes256Gcm,
}

impl IndexKeys {
    pub(super) fn derive(index_key: &[u8]) -> Result<Self, VaultError> {
        let root = Hkdf::<Sha256>::new(None, index_key);
        Ok(Self {
            lead_email: derived(&root, "lead.email")?,
            lead_phone: derived(&root, "lead.phone")?,
            lead_name: derived(&root, "lead.name")?,
            idempotency_key: derived(&root, "idempotency.key")?,
            idempotency_request: derived(&root, "idempotency.request")?,
            api_key: derived(&root, "api-key")?,
            token: Aes256Gcm::new((&*derived_bytes(&root, "token")?).into()),
        })
    }
}

fn derived(root: &Hkdf<Sha256>, label: &str) -> Result<Hmac<Sha256>, VaultError> {
    let key = derived_bytes(root, label)?;
    Hmac::new_from_slice(&*key).map_err(|_| VaultError::TooLarge)
}

fn derived_bytes(root: &Hkdf<Sha256>, label: &str) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let mut key = Zeroizing::new([0; 32]);
    root.expand(label.as_bytes(), &mut *key)
        .map_err(|_| VaultError::TooLarge)?;
    Ok(key)
}

impl WorkspaceKeys {
    /// The blind index of a value in its comparable form.
    #[must_use]
    pub fn blind_index(&self, kind: IndexKind, value: &str) -> BlindIndex {
        let key = match kind {
            IndexKind::LeadEmail => &self.index.lead_email,
            IndexKind::LeadPhone => &self.index.lead_phone,
            IndexKind::LeadName => &self.index.lead_name,
            IndexKind::IdempotencyKey => &self.index.idempotency_key,
        };
        let full: [u8; 32] = key
            .clone()
            .chain_update(value)
            .finalize()
            .into_bytes()
            .into();
        let mut index = [0; 16];
        index.copy_from_slice(&full[..16]);
        index
    }

    /// A hash that identifies a request of this workspace. Keyed, because a request consists of personal data that can
    /// be guessed.
    #[must_use]
    pub fn request_fingerprint(&self, request: &[u8]) -> Fingerprint {
        let mac = self.index.idempotency_request.clone();
        mac.chain_update(request).finalize().into_bytes().into()
    }

    /// The hash to store for an API key of this workspace. It is keyed, so that someone who can write to the database
    /// still cannot make a key, and bound to the key's id, so that it does not fit another row.
    #[must_use]
    pub fn api_key_hash(&self, key: &ApiKey) -> ApiKeyHash {
        let mac = self.index.api_key.clone();
        mac.chain_update(key.id())
            .chain_update("_")
            .chain_update(key.secret())
            .finalize()
            .into_bytes()
            .into()
    }

    /// Compares a presented key with a stored hash. The time does not depend on where they differ.
    #[must_use]
    pub fn verify_api_key(&self, key: &ApiKey, kept: &[u8]) -> bool {
        self.api_key_hash(key).ct_eq(kept).into()
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use rand::{SeedableRng, rngs::StdRng};

    use super::super::{MasterKey, MasterKeys, Vault};
    use super::*;

    fn keys(workspace: &str) -> WorkspaceKeys {
        let vault = Vault::new(MasterKeys::from(&MasterKey::generate()));
        let wrapped = vault.create_workspace_keys(workspace).expect("keys");
        vault.open_workspace(workspace, &wrapped).expect("opens")
    }

    #[test]
    fn equal_values_of_one_kind_have_equal_indexes_and_nothing_else_has() {
        let (keys, other) = (keys("ws_1"), keys("ws_2"));
        let index = keys.blind_index(IndexKind::LeadEmail, "budi");
        assert_eq!(keys.blind_index(IndexKind::LeadEmail, "budi"), index);
        assert_ne!(keys.blind_index(IndexKind::LeadEmail, "budi2"), index);
        assert_ne!(keys.blind_index(IndexKind::LeadName, "budi"), index);
        assert_ne!(keys.blind_index(IndexKind::LeadPhone, "budi"), index);
        assert_ne!(keys.blind_index(IndexKind::IdempotencyKey, "budi"), index);
        assert_ne!(other.blind_index(IndexKind::LeadEmail, "budi"), index);
    }

    /// Later versions must find what is stored, so these values, computed apart from this code, may never change.
    #[test]
    fn the_hashes_of_a_known_key_stay_as_they_are() {
        let mut keys = keys("ws_1");
        keys.index = IndexKeys::derive(&[7; 32]).expect("a key");
        let shown = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
        assert_eq!(
            shown(&keys.blind_index(IndexKind::LeadEmail, "budi@example.com")),
            "OkDxCuDgUF0sk04Keqk9Ig=="
        );
        assert_eq!(
            shown(&keys.blind_index(IndexKind::LeadPhone, "+6281234567890")),
            "l5IPmD89bJ2VPxuDCn6LpA=="
        );
        assert_eq!(
            shown(&keys.blind_index(IndexKind::LeadName, "budi")),
            "d0IMTrN49ZqydzIVA+eHag=="
        );
        assert_eq!(
            shown(&keys.blind_index(IndexKind::IdempotencyKey, "order-1024")),
            "neE/38lmHPHnOTrgNzeI/Q=="
        );
        assert_eq!(
            shown(&keys.request_fingerprint(br#"["leads_create",{}]"#)),
            "6GiQHXzmx4s40f//QHpn/zf8m6+liLWBEtlN1r02Rdc="
        );
        let key =
            ApiKey::parse("kna_aB3dE6gH9jK2_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx2li2fD")
                .expect("a key");
        assert_eq!(
            shown(&keys.api_key_hash(&key)),
            "SYDhWO97/cLH7RboxTX7WAnG8d7n94pVCFQCAuHjFaM="
        );
    }

    #[test]
    fn an_api_key_is_verified_by_its_workspace_alone() {
        let mut rng = StdRng::seed_from_u64(1);
        let (key, another) = (ApiKey::generate(&mut rng), ApiKey::generate(&mut rng));
        let (keys, other) = (keys("ws_1"), keys("ws_2"));
        let kept = keys.api_key_hash(&key);
        assert!(keys.verify_api_key(&key, &kept));
        assert!(!keys.verify_api_key(&another, &kept));
        assert!(!other.verify_api_key(&key, &kept));
        assert!(!keys.verify_api_key(&key, &kept[..31]));
        assert!(!keys.verify_api_key(&key, &[]));
    }
}
