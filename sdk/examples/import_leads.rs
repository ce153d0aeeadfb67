//! Brings leads from standard input into the workspace, one a line:
//! `externalRef,firstName,phone,campaignName`, where the last two may be empty.
//!
//! Leads are matched by their externalRef, so that running it again changes nothing. A line that the
//! API refuses is reported and the others go on; over the rate limit it waits.
//!
//! ```text
//! echo 'CRM-1024,Budi,081234567890,Promo Januari' |
//!     KONEKTOR_API_KEY=kna_… cargo run --example import_leads
//! ```

use std::{io, time::Duration};

use konektor_sdk::{Client, Error, LeadChanges, LeadMatch, Response, leads::Upserted};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let konektor = Client::from_env()?;
    let (mut created, mut updated, mut refused) = (0, 0, 0);

    for (number, line) in io::stdin().lines().enumerate() {
        let line = line?;
        let mut columns = line.split(',').map(str::trim);
        let (Some(key), Some(first_name)) = (columns.next(), columns.next()) else {
            eprintln!(
                "line {}: an externalRef and a first name are needed",
                number + 1
            );
            refused += 1;
            continue;
        };
        let mut changes = LeadChanges::new().first_name(first_name);
        if let Some(phone) = columns.next().filter(|phone| !phone.is_empty()) {
            changes = changes.phone(phone);
        }
        if let Some(campaign) = columns.next().filter(|campaign| !campaign.is_empty()) {
            changes = changes.campaign_name(campaign);
        }

        match upsert(&konektor, key, changes).await {
            Ok(lead) if lead.created() => created += 1,
            Ok(_) => updated += 1,
            Err(error) if error.is_validation() => {
                for (field, why) in error.details() {
                    eprintln!("line {}: {field}: {why}", number + 1);
                }
                refused += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }

    println!("{created} created, {updated} updated, {refused} refused");
    Ok(())
}

/// An upsert is a POST, which the SDK never sends again by itself; but doing it twice changes
/// nothing more, so here it is safe.
async fn upsert(
    konektor: &Client,
    key: &str,
    changes: LeadChanges,
) -> Result<Response<Upserted>, Error> {
    const TRIES: u32 = 5;

    let request = konektor
        .leads()
        .upsert(LeadMatch::external_ref(key))
        .changes(changes);
    let mut tries = 1;
    loop {
        match request.clone().send().await {
            Err(error) if error.retryable() && tries < TRIES => {
                let wait = error.retry_after().unwrap_or(Duration::from_secs(1));
                eprintln!("waiting {} s: {error}", wait.as_secs());
                tokio::time::sleep(wait).await;
                tries += 1;
            }
            result => return result,
        }
    }
}
