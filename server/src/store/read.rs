//! Reads as values: what happens on one connection.

use super::{Connection, StoreError, Tenant, transaction::MAX_ATTEMPTS, workspaces};
use crate::vault::VaultError;

/// One read of a workspace that opens records.
pub(super) trait Read: Sync {
    /// What it results in.
    type Output: Send;

    /// Runs it; it may run more than once.
    fn run(
        &self,
        tenant: &Tenant,
        connection: &mut Connection,
    ) -> impl Future<Output = Result<Self::Output, StoreError>> + Send;
}

impl Tenant {
    /// Runs a read, and runs it again with current keys if a row is under a data key that was made meanwhile.
    pub(super) async fn read<R: Read>(&self, read: R) -> Result<R::Output, StoreError> {
        let mut connection = self.store.readers.acquire().await?;
        let mut result = read.run(self, &mut connection).await;
        for _ in 1..MAX_ATTEMPTS {
            let Err(StoreError::Vault(VaultError::UnknownDataKey(_))) = result else {
                break;
            };
            let wrapped = workspaces::keys(&mut connection, &self.workspace_id).await?;
            let mut tenant = self.clone();
            tenant.keys = self.store.open_keys(&self.workspace_id, wrapped)?;
            result = read.run(&tenant, &mut connection).await;
        }
        result
    }
}
