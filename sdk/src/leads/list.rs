use serde_json::{Map, Value};

use crate::{
    call::{Answer, CallOptions},
    client::Client,
    endpoint::{self, BuildError, Endpoint, request_methods},
    error::Error,
    generated::{
        client::Requests,
        requests::LeadsListQuery,
        types::{Lead, LeadListResponse},
    },
    page::{Page, PageStream, RowStream},
};

/// A request for a list of leads; made by [`Leads::list`](crate::leads::Leads::list).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct List {
    client: Client,
    options: CallOptions,
    pub(crate) query: LeadsListQuery,
}

request_methods!(List -> Page<Lead>);

impl Endpoint for List {
    type Output = Page<Lead>;

    fn operation(&self) -> String {
        "leads.list".to_owned()
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        Ok(self.query.request(requests)?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let envelope: LeadListResponse = endpoint::json(answer)?;
        Ok((
            Page::new(envelope.data, envelope.pagination),
            envelope.extra,
        ))
    }
}

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
    /// let page = client.leads().list().limit(100).await?;
    /// println!("{} of {}", page.items.len(), page.pagination.total);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Page<Lead>, Error> {
        Ok(self.send_with_meta().await?.0)
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
        RowStream::new(self.pages())
    }

    /// All pages, from the one that `page` or `cursor` name, one after the other.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let mut pages = client.leads().list().limit(100).pages();
    /// while let Some(page) = pages.try_next().await? {
    ///     println!("{} rows; next: {:?}", page.items.len(), page.pagination.next_cursor);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn pages(self) -> PageStream<Lead> {
        PageStream::new(move |cursor, rows| {
            let mut request = self.clone();
            request.query.go_to(cursor, rows);
            Box::pin(request.send_with_meta())
        })
    }
}
