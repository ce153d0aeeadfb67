use serde_json::{Map, Value};

use super::lead_ref::LeadRef;
use crate::{
    call::{Answer, CallOptions, Idempotency},
    client::Client,
    endpoint::{self, BuildError, Endpoint, request_methods},
    error::Error,
    generated::{
        client::Requests,
        requests::LeadChanges,
        types::{Lead, LeadResponse},
    },
    headers::Headers,
};

/// A request that changes a lead; made by [`Leads::update`](crate::leads::Leads::update).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Update {
    client: Client,
    options: CallOptions,
    lead: LeadRef,
    pub(crate) headers: Headers,
    pub(crate) body: LeadChanges,
}

request_methods!(Update -> Lead);

impl Endpoint for Update {
    type Output = Lead;

    fn operation(&self) -> String {
        "leads.update".to_owned()
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn idempotency(&self) -> Result<Idempotency, Error> {
        Ok(Idempotency::Key(self.headers.idempotency_key()?))
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        Ok(requests.leads_update(self.lead.checked()?, &self.body)?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let envelope: LeadResponse = endpoint::json(answer)?;
        Ok((envelope.data, envelope.extra))
    }
}

impl Update {
    pub(crate) fn new(client: Client, lead: String) -> Self {
        Self {
            client,
            options: CallOptions::default(),
            lead: LeadRef(lead),
            headers: Headers::default(),
            body: LeadChanges::new(),
        }
    }

    /// Takes all changes from a [`LeadChanges`], instead of those made before.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, LeadChanges};
    /// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let changes: LeadChanges = serde_json::from_str(r#"{"status": "won", "notes": null}"#)?;
    /// client.leads().update("CRM-1024").changes(changes).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn changes(mut self, changes: LeadChanges) -> Self {
        self.body = changes;
        self
    }

    /// Makes the changes and returns the changed lead: once, however often it has to be sent. A retry
    /// overwrites nothing that was written since, and still finds a lead whose reference was changed.
    /// Under an [`idempotency_key`](Self::idempotency_key) of your own that holds for all calls within
    /// [24 hours](crate::IDEMPOTENCY_KEY_TTL).
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) when there is no such lead,
    /// [`Validation`](crate::ErrorKind::Validation) when a field is not valid, and all else in
    /// [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, LeadStatus};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let lead = client.leads().update("CRM-1024").status(LeadStatus::Won).await?;
    /// println!("{}", lead.updated_at);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Lead, Error> {
        Ok(self.send_with_meta().await?.0)
    }
}
