//! The idempotent requests that are running in this process.

use std::{collections::HashSet, sync::Arc};

use parking_lot::Mutex;

use crate::vault::BlindIndex;

/// The idempotent requests that this process is running.
#[derive(Clone, Default)]
pub(super) struct InFlight(Arc<Mutex<HashSet<(String, BlindIndex)>>>);

/// Keeps other requests under the same key out while it lives. A caller that stops waiting drops it although the write
/// may still happen; the transactions are correct without it.
pub(super) struct Guard {
    in_flight: InFlight,
    entry: (String, BlindIndex),
}

impl InFlight {
    pub(super) fn enter(&self, workspace_id: &str, key: BlindIndex) -> Option<Guard> {
        let entry = (workspace_id.to_owned(), key);
        let mut entries = self.0.lock();
        entries.insert(entry.clone()).then(|| Guard {
            in_flight: self.clone(),
            entry,
        })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut entries = self.in_flight.0.lock();
        entries.remove(&self.entry);
    }
}
