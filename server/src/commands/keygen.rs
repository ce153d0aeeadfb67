//! `konektor-server keygen`

use anyhow::Result;
use serde_json::json;

use super::output::Output;
use crate::vault::MasterKey;

pub(super) fn run(output: Output) -> Result<()> {
    let key = MasterKey::generate().to_base64();
    Ok(output.print(&json!({ "masterKey": *key }), || key.to_string())?)
}
