//! Totals over leads, by the period in which a lead was created.
//!
//! Without a period it is the last 30 days.

use crate::{
    AnalyticsSummary, CampaignStats, Client, Error, FunnelStage, Response,
    call::{CallOptions, Idempotency, call_options},
    generated::requests::{AnalyticsCampaignsQuery, AnalyticsFunnelQuery, AnalyticsSummaryQuery},
};

/// What can be counted; made by [`Client::analytics`].
#[derive(Clone, Debug)]
pub struct Analytics {
    client: Client,
}

impl Analytics {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// How many leads the period brought, and how many were won for how much.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, Timeframe};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let week = client.analytics().summary().timeframe(Timeframe::CurrentWeek).send().await?;
    /// println!("{} new", week.new_leads);
    /// # Ok(())
    /// # }
    /// ```
    pub fn summary(&self) -> Summary {
        Summary {
            client: self.client.clone(),
            options: CallOptions::default(),
            query: AnalyticsSummaryQuery::default(),
        }
    }

    /// Count and share of every status, in pipeline order.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, Timeframe};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let month = client.analytics().funnel().timeframe(Timeframe::CurrentMonth).send().await?;
    /// for stage in month.iter() {
    ///     println!("{:12} {:6} {:6.2} %", stage.status, stage.count, stage.percentage);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn funnel(&self) -> Funnel {
        Funnel {
            client: self.client.clone(),
            options: CallOptions::default(),
            query: AnalyticsFunnelQuery::default(),
        }
    }

    /// Leads, conversions and their value for each campaign and ad platform, most leads first.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let campaigns = client.analytics().campaigns().from("2025-01-01").send().await?;
    /// println!("{:?}", campaigns.first().map(|best| best.leads));
    /// # Ok(())
    /// # }
    /// ```
    pub fn campaigns(&self) -> Campaigns {
        Campaigns {
            client: self.client.clone(),
            options: CallOptions::default(),
            query: AnalyticsCampaignsQuery::default(),
        }
    }
}

/// Totals that are to be asked for; made by [`Analytics::summary`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Summary {
    client: Client,
    options: CallOptions,
    pub(crate) query: AnalyticsSummaryQuery,
}

call_options!(Summary);

impl Summary {
    /// The totals, and the period they are of.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, Timeframe};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let week = client.analytics().summary().timeframe(Timeframe::CurrentWeek).send().await?;
    /// println!("{} won for {}", week.total_conversions, week.total_conversion_value);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Response<AnalyticsSummary>, Error> {
        self.client
            .call(
                self.options,
                Idempotency::ReadOnly,
                async |api| self.query.send(api).await,
                |answer| (answer.data, answer.extra),
            )
            .await
    }
}

/// A funnel that is to be asked for; made by [`Analytics::funnel`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Funnel {
    client: Client,
    options: CallOptions,
    pub(crate) query: AnalyticsFunnelQuery,
}

call_options!(Funnel);

impl Funnel {
    /// One row for each status.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, Timeframe};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let month = client.analytics().funnel().timeframe(Timeframe::CurrentMonth).send().await?;
    /// println!("{} stages", month.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Response<Vec<FunnelStage>>, Error> {
        self.client
            .call(
                self.options,
                Idempotency::ReadOnly,
                async |api| self.query.send(api).await,
                |answer| (answer.data, answer.extra),
            )
            .await
    }
}

/// Campaigns that are to be asked for; made by [`Analytics::campaigns`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Campaigns {
    client: Client,
    options: CallOptions,
    pub(crate) query: AnalyticsCampaignsQuery,
}

call_options!(Campaigns);

impl Campaigns {
    /// One row for each campaign name and ad platform.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, Timeframe};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let month = client.analytics().campaigns().timeframe(Timeframe::CurrentMonth).send().await?;
    /// println!("{} campaigns", month.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Response<Vec<CampaignStats>>, Error> {
        self.client
            .call(
                self.options,
                Idempotency::ReadOnly,
                async |api| self.query.send(api).await,
                |answer| (answer.data, answer.extra),
            )
            .await
    }
}
