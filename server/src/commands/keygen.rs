//! `konektor-server keygen`

use anyhow::Result;
use serde_json::json;

use super::context::Context;
use crate::vault::MasterKey;

/// Print a new master key: base64 of 32 random bytes
#[derive(clap::Args)]
#[command(after_help = "\
The master key opens the keys of all workspaces, which open every name, email, phone, note and ticket. Keep it apart \
from the database and its backups.

To replace it while servers run:
  1. Make another key, and start every server again with both, the new one first:
       KONEKTOR_MASTER_KEYS=2:NEW,1:OLD
     or on lines of their own in KONEKTOR_MASTER_KEY_FILE. A key without a number has 1.
     Until every server has both, make no workspace and rotate no data key.
  2. konektor-server encryption rotate-master
  3. When konektor-server encryption status shows number 1 no more, keep the new one alone:
       KONEKTOR_MASTER_KEYS=2:NEW
A backup from before needs the old key.

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
