//! Totals over leads, by the period in which a lead was created.
//!
//! Without a period it is the last 30 days.

use serde_json::{Map, Value};

use crate::{
    call::{Answer, CallOptions},
    client::Client,
    endpoint::{self, BuildError, Endpoint, request_methods},
    error::Error,
    generated::{
        client::Requests,
        requests::{AnalyticsCampaignsQuery, AnalyticsFunnelQuery, AnalyticsSummaryQuery},
        types::{
            AnalyticsCampaignsResponse, AnalyticsFunnelResponse, AnalyticsSummary,
            AnalyticsSummaryResponse, CampaignStats, FunnelStage,
        },
    },
};

/// The analytics of the workspace; made by [`Client::analytics`].
#[derive(Clone, Debug)]
pub struct Analytics {
    client: Client,
}

impl Client {
    /// Totals of a period.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let summary = client.analytics().summary().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn analytics(&self) -> Analytics {
        Analytics::new(self.clone())
    }
}

impl Analytics {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The number of leads of a period, and of won leads with their value.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, Timeframe};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let week = client.analytics().summary().timeframe(Timeframe::CurrentWeek).await?;
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
    /// let month = client.analytics().funnel().timeframe(Timeframe::CurrentMonth).await?;
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
    /// let campaigns = client.analytics().campaigns().from("2025-01-01").await?;
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

/// A request for totals; made by [`Analytics::summary`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Summary {
    client: Client,
    options: CallOptions,
    pub(crate) query: AnalyticsSummaryQuery,
}

request_methods!(Summary -> AnalyticsSummary);

impl Endpoint for Summary {
    type Output = AnalyticsSummary;

    fn operation(&self) -> String {
        "analytics.summary".to_owned()
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        Ok(self.query.request(requests)?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let envelope: AnalyticsSummaryResponse = endpoint::json(answer)?;
        Ok((envelope.data, envelope.extra))
    }
}

impl Summary {
    /// The totals and their period.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, Timeframe};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let week = client.analytics().summary().timeframe(Timeframe::CurrentWeek).await?;
    /// println!("{} won for {}", week.total_conversions, week.total_conversion_value);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<AnalyticsSummary, Error> {
        Ok(self.send_with_meta().await?.0)
    }
}

/// A request for a funnel; made by [`Analytics::funnel`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Funnel {
    client: Client,
    options: CallOptions,
    pub(crate) query: AnalyticsFunnelQuery,
}

request_methods!(Funnel -> Vec<FunnelStage>);

impl Endpoint for Funnel {
    type Output = Vec<FunnelStage>;

    fn operation(&self) -> String {
        "analytics.funnel".to_owned()
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        Ok(self.query.request(requests)?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let envelope: AnalyticsFunnelResponse = endpoint::json(answer)?;
        Ok((envelope.data, envelope.extra))
    }
}

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
    /// let month = client.analytics().funnel().timeframe(Timeframe::CurrentMonth).await?;
    /// println!("{} stages", month.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Vec<FunnelStage>, Error> {
        Ok(self.send_with_meta().await?.0)
    }
}

/// A request for campaigns; made by [`Analytics::campaigns`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Campaigns {
    client: Client,
    options: CallOptions,
    pub(crate) query: AnalyticsCampaignsQuery,
}

request_methods!(Campaigns -> Vec<CampaignStats>);

impl Endpoint for Campaigns {
    type Output = Vec<CampaignStats>;

    fn operation(&self) -> String {
        "analytics.campaigns".to_owned()
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        Ok(self.query.request(requests)?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let envelope: AnalyticsCampaignsResponse = endpoint::json(answer)?;
        Ok((envelope.data, envelope.extra))
    }
}

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
    /// let month = client.analytics().campaigns().timeframe(Timeframe::CurrentMonth).await?;
    /// println!("{} campaigns", month.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Vec<CampaignStats>, Error> {
        Ok(self.send_with_meta().await?.0)
    }
}
