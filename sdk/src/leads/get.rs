use serde_json::{Map, Value};

use super::lead_ref::LeadRef;
use crate::{
    call::{Answer, CallOptions},
    client::Client,
    endpoint::{self, BuildError, Endpoint, request_methods},
    error::Error,
    generated::{
        client::Requests,
        types::{Lead, LeadResponse},
    },
};

/// A request for one lead; made by [`Leads::get`](crate::leads::Leads::get).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Get {
    client: Client,
    options: CallOptions,
    lead: LeadRef,
}

request_methods!(Get -> Lead);

impl Endpoint for Get {
    type Output = Lead;

    fn operation(&self) -> String {
        "leads.get".to_owned()
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        Ok(requests.leads_get(self.lead.checked()?)?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let envelope: LeadResponse = endpoint::json(answer)?;
        Ok((envelope.data, envelope.extra))
    }
}

impl Get {
    pub(crate) fn new(client: Client, lead: String) -> Self {
        Self {
            client,
            options: CallOptions::default(),
            lead: LeadRef(lead),
        }
    }

    /// The lead.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) when no lead has that id, uniqueCode, externalRef
    /// or phone, and all else in [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let lead = client.leads().get("CRM-1024").await?;
    /// println!("{} is {}", lead.first_name, lead.status);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Lead, Error> {
        Ok(self.send_with_meta().await?.0)
    }
}
