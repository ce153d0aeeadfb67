//! Looks every minute for leads whose conversions have failed, and names each one once.
//!
//! ```text
//! KONEKTOR_API_KEY=kna_… cargo run --example watch_conversions
//! KONEKTOR_API_KEY=kna_… cargo run --example watch_conversions -- --once
//! ```

use std::{collections::BTreeSet, time::Duration};

use konektor_sdk::{Client, ConversionSyncStatus, Error, Retry};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let konektor = Client::from_env()?;
    let once = std::env::args().any(|argument| argument == "--once");
    let mut named = BTreeSet::new();

    loop {
        match name_failed(&konektor, &mut named).await {
            Ok(()) => {}
            // A restart of the server is no reason to stop watching.
            Err(error) if error.retry() != Retry::Never && !once => eprintln!("{error}"),
            Err(error) => return Err(error),
        }
        if once {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
}

async fn name_failed(konektor: &Client, named: &mut BTreeSet<String>) -> Result<(), Error> {
    let mut rows = konektor.conversions().pending().limit(100).stream();
    while let Some(row) = rows.try_next().await? {
        let failed = row.conversion_sync_status == ConversionSyncStatus::Failed;
        if failed && named.insert(row.lead_id.clone()) {
            let platform = row
                .ad_platform
                .as_ref()
                .map_or("no platform", AsRef::as_ref);
            println!("{} ({}) {platform}", row.lead_id, row.status);
        }
    }
    Ok(())
}
