//! How the conversions of leads reach the ad platforms.

use crate::{
    Client, ConversionsStatus, Error, Page, PendingConversion, Response, RowStream,
    call::{CallOptions, Idempotency, call_options},
    generated::requests::{ConversionsPendingQuery, ConversionsStatusQuery},
};

/// What can be asked about conversions; made by [`Client::conversions`].
#[derive(Clone, Debug)]
pub struct Conversions {
    client: Client,
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
    /// let meta = client.conversions().status().platform(AdPlatform::Meta).send().await?;
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

/// Sync states that are to be counted; made by [`Conversions::status`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Status {
    client: Client,
    options: CallOptions,
    pub(crate) query: ConversionsStatusQuery,
}

call_options!(Status);

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
    /// let week = client.conversions().status().timeframe(Timeframe::CurrentWeek).send().await?;
    /// println!("{} pending, {} failed", week.pending, week.failed);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Response<ConversionsStatus>, Error> {
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

/// Leads with unsynced conversions that are to be asked for; made by [`Conversions::pending`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send` or `stream`"]
pub struct Pending {
    client: Client,
    options: CallOptions,
    pub(crate) query: ConversionsPendingQuery,
}

call_options!(Pending);

impl Pending {
    /// One page.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let page = client.conversions().pending().limit(10).send().await?;
    /// println!("{} of {}", page.len(), page.pagination.total);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Response<Page<PendingConversion>>, Error> {
        self.client
            .call(
                self.options,
                Idempotency::ReadOnly,
                async |api| self.query.send(api).await,
                |answer| (Page::new(answer.data, answer.pagination), answer.extra),
            )
            .await
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
        RowStream::new(move |cursor| {
            let mut request = self.clone();
            if let Some(cursor) = cursor {
                request.query.page = None;
                request.query.cursor = Some(cursor);
            }
            Box::pin(request.send())
        })
    }
}
