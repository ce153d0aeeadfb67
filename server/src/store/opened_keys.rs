//! A cache of opened keys.
//!
//! Opening the keys of a workspace costs more than a request. The cache is bounded in size, and drops keys that have not
//! been used for a while: those of a deleted workspace leave the memory by themselves.

use std::sync::Arc;

use hashlink::LruCache;
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::vault::{WorkspaceKeys, WrappedKey};

/// The most workspaces in the cache; each takes about 3 KB.
const CAPACITY: usize = 2_000;

/// Opened keys, beside the wrapped ones they came from.
struct Opened {
    wrapped: Vec<WrappedKey>,
    keys: Arc<WorkspaceKeys>,
    last_used: Instant,
}

/// Opened keys by workspace.
pub(super) struct OpenedKeys(Mutex<LruCache<String, Opened>>);

impl Default for OpenedKeys {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(CAPACITY)))
    }
}

impl OpenedKeys {
    /// The opened keys of a workspace, unless its wrapped ones have changed.
    pub(super) fn get(
        &self,
        workspace_id: &str,
        wrapped: &[WrappedKey],
    ) -> Option<Arc<WorkspaceKeys>> {
        let mut opened = self.0.lock();
        let opened = opened.get_mut(workspace_id)?;
        if opened.wrapped != wrapped {
            return None;
        }
        opened.last_used = Instant::now();
        Some(Arc::clone(&opened.keys))
    }

    pub(super) fn insert(
        &self,
        workspace_id: &str,
        wrapped: Vec<WrappedKey>,
        keys: Arc<WorkspaceKeys>,
    ) {
        let opened = Opened {
            wrapped,
            keys,
            last_used: Instant::now(),
        };
        self.0.lock().insert(workspace_id.to_owned(), opened);
    }

    pub(super) fn forget_unused(&self, since: Instant) {
        self.0.lock().retain(|_, opened| opened.last_used >= since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::{MasterKey, MasterKeys, Vault};

    fn open(vault: &Vault, cache: &OpenedKeys, id: &str) -> Vec<WrappedKey> {
        let wrapped = vault.create_workspace_keys(id).unwrap();
        let keys = Arc::new(vault.open_workspace(id, &wrapped).unwrap());
        cache.insert(id, wrapped.clone(), keys);
        wrapped
    }

    fn vault() -> Vault {
        Vault::new(MasterKeys::from(&MasterKey::generate()))
    }

    #[test]
    fn no_more_workspaces_than_the_bound_are_kept_and_the_last_used_stay() {
        let (vault, cache) = (vault(), OpenedKeys::default());
        let first = open(&vault, &cache, "first");
        let wrapped = vault.create_workspace_keys("ws").unwrap();
        let keys = Arc::new(vault.open_workspace("ws", &wrapped).unwrap());
        for number in 0..2 * CAPACITY {
            assert!(cache.get("first", &first).is_some());
            cache.insert(&number.to_string(), wrapped.clone(), Arc::clone(&keys));
        }
        assert_eq!(cache.0.lock().len(), CAPACITY);
        assert!(cache.get("0", &wrapped).is_none());
    }

    #[test]
    fn keys_that_have_changed_are_opened_again() {
        let (vault, cache) = (vault(), OpenedKeys::default());
        let before = open(&vault, &cache, "ws");
        let after = vault.create_workspace_keys("ws").unwrap();
        assert!(cache.get("ws", &before).is_some());
        assert!(cache.get("ws", &after).is_none());
    }

    #[test]
    fn keys_that_nobody_uses_leave_the_memory() {
        let (vault, cache) = (vault(), OpenedKeys::default());
        let (used, deleted) = (
            open(&vault, &cache, "used"),
            open(&vault, &cache, "deleted"),
        );
        let held = Arc::downgrade(&cache.get("deleted", &deleted).unwrap());
        let since = Instant::now();
        assert!(cache.get("used", &used).is_some());
        cache.forget_unused(since);
        assert!(held.upgrade().is_none());
        assert!(cache.get("used", &used).is_some());
    }
}
