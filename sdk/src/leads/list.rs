use crate::{
    Client, Error, Lead, Page, Response, RowStream,
    call::{CallOptions, Idempotency, call_options},
    generated::requests::LeadsListQuery,
};

/// A list of leads that is to be asked for; made by [`Leads::list`](crate::leads::Leads::list).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send` or `stream`"]
pub struct List {
    client: Client,
    options: CallOptions,
    pub(crate) query: LeadsListQuery,
}

call_options!(List);

impl List {
    pub(crate) fn new(client: Client) -> Self {
        Self {
            client,
            options: CallOptions::default(),
            query: LeadsListQuery::default(),
        }
    }

    /// One page.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let page = client.leads().list().limit(100).send().await?;
    /// println!("{} of {}", page.len(), page.pagination.total);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Response<Page<Lead>>, Error> {
        self.client
            .call(
                self.options,
                Idempotency::ReadOnly,
                async |api| self.query.send(api).await,
                |answer| (Page::new(answer.data, answer.pagination), answer.extra),
            )
            .await
    }

    /// All pages, from the one that `page` or `cursor` name, as one stream of leads.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, LeadStatus};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let mut hot = client.leads().list().status(LeadStatus::Hot).stream();
    /// while let Some(lead) = hot.try_next().await? {
    ///     println!("{} {}", lead.unique_code, lead.first_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(self) -> RowStream<Lead> {
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
