//! `konektor-server keygen`

use anyhow::Result;
use serde_json::json;

use super::context::Context;
use crate::vault::MasterKey;

/// Print a new master key: base64 of 32 random bytes
#[derive(clap::Args)]
#[command(after_help = "\
The master key decrypts the keys of all workspaces, which decrypt every name, email, phone, note and ticket. Store it \
apart from the database and its backups.

To replace it while servers run:
  1. Create another key, and restart every server with both keys, the new one first:
       KONEKTOR_MASTER_KEYS=2:NEW,1:OLD
     or one per line in KONEKTOR_MASTER_KEY_FILE. A key without a number is number 1.
     Until every server has both, create no workspace and rotate no data key.
  2. konektor-server encryption rotate-master
  3. When konektor-server encryption status no longer shows number 1, keep only the new key:
       KONEKTOR_MASTER_KEYS=2:NEW
Older backups need the old key.

Examples:
  export KONEKTOR_MASTER_KEY=$(konektor-server keygen)
  (umask 077; konektor-server keygen > konektor.key)")]
pub(super) struct Args {}

pub(super) fn run(context: &Context) -> Result<()> {
    let key = MasterKey::generate().to_base64();
    Ok(context
        .output
        .print(&json!({ "masterKey": *key }), || key.to_string())?)
}
