//! Copies of keys that remain after the keys were deleted or replaced.

use crate::store::{Engine, Store};

/// Warns on stderr that copies of old keys remain, and where.
pub(super) fn warn_of_old_keys(store: &Store, erased: bool) {
    let kept = match store.engine() {
        Engine::Sqlite => {
            "another process was reading the database, so copies of the old keys remain in the -wal file until the last server stops"
        }
        Engine::Postgres => {
            "another transaction kept the old keys in the file of the table workspace_key; \
             `vacuum full workspace_key` removes them"
        }
    };
    if !erased {
        eprintln!("note: {kept}");
    }
    if store.engine() == Engine::Postgres {
        eprintln!(
            "note: PostgreSQL's own log (WAL), replicas and backups hold the old keys, wrapped, until they are \
             recycled or deleted"
        );
    }
}
