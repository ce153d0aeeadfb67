//! What this week brought: totals, the funnel, and the best campaigns.
//!
//! ```text
//! KONEKTOR_API_KEY=kna_… cargo run --example weekly_report
//! ```

use konektor_sdk::{Client, Error, Timeframe};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let konektor = Client::from_env()?;
    let analytics = konektor.analytics();

    // The three do not depend on each other, so they are asked for at once.
    let ((summary, meta), funnel, campaigns) = tokio::try_join!(
        analytics
            .summary()
            .timeframe(Timeframe::CurrentWeek)
            .send_with_meta(),
        analytics.funnel().timeframe(Timeframe::CurrentWeek).send(),
        analytics
            .campaigns()
            .timeframe(Timeframe::CurrentWeek)
            .send(),
    )?;

    println!(
        "{} leads this week, {} of them won for {}",
        summary.total_leads, summary.total_conversions, summary.total_conversion_value
    );

    println!("\nfunnel");
    for stage in funnel.iter().filter(|stage| stage.count > 0) {
        println!(
            "  {:12} {:>6} {:>6.2} %",
            stage.status, stage.count, stage.percentage
        );
    }

    println!("\ncampaigns");
    for campaign in campaigns.iter().take(5) {
        let name = campaign.campaign_name.as_deref().unwrap_or("(none)");
        println!(
            "  {name:24} {:>6} leads, {} won",
            campaign.leads, campaign.conversions
        );
    }

    if let Some(limit) = meta.rate_limit {
        println!("\n{} requests left until {}", limit.remaining, limit.reset);
    }
    Ok(())
}
