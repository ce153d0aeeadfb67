//! Brings leads from standard input into the workspace, one a line:
//! `externalRef,firstName,phone,campaignName`, where the last two may be empty.
//!
//! Leads are matched by their externalRef, so that running it again makes none twice. A line that the
//! API refuses is reported and the others go on; over the rate limit it waits.
//!
//! ```text
//! echo 'CRM-1024,Budi,081234567890,Promo Januari' |
//!     KONEKTOR_API_KEY=kna_… cargo run --example import_leads
//! ```

use std::{io, time::Duration};

use konektor_sdk::{ClientBuilder, LeadChanges, LeadMatch, Retries};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Whoever imports has time.
    let patient = Retries::default()
        .max_attempts(5)
        .rate_limit_budget(Duration::from_mins(10));
    let konektor = ClientBuilder::from_env()?.retries(patient).build()?;
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

        let upsert = konektor.leads().upsert(LeadMatch::external_ref(key));
        match upsert.changes(changes).await {
            Ok(upserted) if upserted.created => created += 1,
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
