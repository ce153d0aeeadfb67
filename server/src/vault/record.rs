//! Records of personal data, as JSON.

use serde::{Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::{SealContext, VaultError, WorkspaceKeys};

impl WorkspaceKeys {
    /// Seals the record of a row.
    pub fn seal_record(
        &self,
        table: &str,
        row: &str,
        record: &impl Serialize,
    ) -> Result<Vec<u8>, VaultError> {
        // A record is a struct of texts, which always serialises.
        let bytes = serde_json::to_vec(record).map_err(|_| VaultError::TooLarge)?;
        self.seal(&SealContext::record(table, row), &Zeroizing::new(bytes))
    }

    /// Opens the record of a row.
    pub fn open_record<T: DeserializeOwned>(
        &self,
        table: &str,
        row: &str,
        sealed: &[u8],
    ) -> Result<T, VaultError> {
        let bytes = self.open(&SealContext::record(table, row), sealed)?;
        serde_json::from_slice(&bytes).map_err(|_| VaultError::DamagedRecord)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{MasterKey, MasterKeys, Vault};
    use super::*;

    #[test]
    fn a_record_of_another_kind_is_damaged() {
        let vault = Vault::new(MasterKeys::from(&MasterKey::generate()));
        let wrapped = vault.create_workspace_keys("ws_1").expect("keys");
        let keys = vault.open_workspace("ws_1", &wrapped).expect("opens");
        let record = BTreeMap::from([("s", "Budi")]);
        let sealed = keys.seal_record("lead", "lead_1", &record).expect("seals");
        let opened = keys.open_record::<BTreeMap<String, String>>("lead", "lead_1", &sealed);
        assert_eq!(opened.expect("opens")["s"], "Budi");
        let other = keys.open_record::<Vec<String>>("lead", "lead_1", &sealed);
        assert_eq!(other, Err(VaultError::DamagedRecord));
    }
}
