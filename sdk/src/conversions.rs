//! How the conversions of leads reach the ad platforms.

use serde_json::{Map, Value};

use crate::{
    call::{Answer, CallOptions},
    client::Client,
    endpoint::{self, BuildError, Endpoint, request_methods},
    error::Error,
    generated::{
        client::Requests,
        requests::{ConversionsPendingQuery, ConversionsStatusQuery},
        types::{
            ConversionsPendingResponse, ConversionsStatus, ConversionsStatusResponse,
            PendingConversion,
        },
    },
    page::{Page, PageStream, RowStream},
};

/// The conversions of the workspace; made by [`Client::conversions`].
#[derive(Clone, Debug)]
pub struct Conversions {
    client: Client,
}

impl Client {
    /// How conversions reach the ad platforms.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let status = client.conversions().status().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn conversions(&self) -> Conversions {
        Conversions::new(self.clone())
    }
}

impl Conversions {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// How many leads of a period are in each sync state.
    ///
    /// ```no_run
    /// # use konektor_sdk::{AdPlatform, Client};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let meta = client.conversions().status().platform(AdPlatform::Meta).await?;
    /// println!("{} failed", meta.failed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn status(&self) -> Status {
        Status {
            client: self.client.clone(),
            options: CallOptions::default(),
            query: ConversionsStatusQuery::default(),
        }
    }

    /// Leads whose conversions are pending or failed, newest first, of any period.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let mut pending = client.conversions().pending().stream();
    /// while let Some(row) = pending.try_next().await? {
    ///     println!("{} {}", row.lead_id, row.conversion_sync_status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn pending(&self) -> Pending {
        Pending {
            client: self.client.clone(),
            options: CallOptions::default(),
            query: ConversionsPendingQuery::default(),
        }
    }
}

/// A request for the number of leads in each sync state; made by [`Conversions::status`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Status {
    client: Client,
    options: CallOptions,
    pub(crate) query: ConversionsStatusQuery,
}

request_methods!(Status -> ConversionsStatus);

impl Endpoint for Status {
    type Output = ConversionsStatus;

    fn operation(&self) -> String {
        "conversions.status".to_owned()
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        Ok(self.query.request(requests)?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let envelope: ConversionsStatusResponse = endpoint::json(answer)?;
        Ok((envelope.data, envelope.extra))
    }
}

impl Status {
    /// The number of leads in each state.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, Timeframe};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let week = client.conversions().status().timeframe(Timeframe::CurrentWeek).await?;
    /// println!("{} pending, {} failed", week.pending, week.failed);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<ConversionsStatus, Error> {
        Ok(self.send_with_meta().await?.0)
    }
}

/// A request for leads with unsynced conversions; made by [`Conversions::pending`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Pending {
    client: Client,
    options: CallOptions,
    pub(crate) query: ConversionsPendingQuery,
}

request_methods!(Pending -> Page<PendingConversion>);

impl Endpoint for Pending {
    type Output = Page<PendingConversion>;

    fn operation(&self) -> String {
        "conversions.pending".to_owned()
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        Ok(self.query.request(requests)?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let envelope: ConversionsPendingResponse = endpoint::json(answer)?;
        Ok((
            Page::new(envelope.data, envelope.pagination),
            envelope.extra,
        ))
    }
}

impl Pending {
    /// One page.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let page = client.conversions().pending().limit(10).await?;
    /// println!("{} of {}", page.items.len(), page.pagination.total);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Page<PendingConversion>, Error> {
        Ok(self.send_with_meta().await?.0)
    }

    /// All pages, from the one that `page` or `cursor` name, as one stream.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let mut pending = client.conversions().pending().stream();
    /// while let Some(row) = pending.try_next().await? {
    ///     println!("{}", row.unique_code);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(self) -> RowStream<PendingConversion> {
        RowStream::new(self.pages())
    }

    /// All pages, from the one that `page` or `cursor` name, one after the other.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let mut pages = client.conversions().pending().limit(100).pages();
    /// while let Some(page) = pages.try_next().await? {
    ///     println!("{} rows; next: {:?}", page.items.len(), page.pagination.next_cursor);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn pages(self) -> PageStream<PendingConversion> {
        PageStream::new(move |cursor, rows| {
            let mut request = self.clone();
            request.query.go_to(cursor, rows);
            Box::pin(request.send_with_meta())
        })
    }
}
