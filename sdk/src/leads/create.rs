use serde_json::{Map, Value};

use crate::{
    call::{Answer, CallOptions, Idempotency},
    client::Client,
    endpoint::{self, BuildError, Endpoint, request_methods},
    error::Error,
    generated::{
        client::Requests,
        types::{Lead, LeadResponse, NewLead},
    },
    headers::Headers,
};

/// A request that creates a lead; made by [`Leads::create`](crate::leads::Leads::create).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Create {
    client: Client,
    options: CallOptions,
    pub(crate) headers: Headers,
    pub(crate) body: NewLead,
}

request_methods!(Create -> Lead);

impl Endpoint for Create {
    type Output = Lead;

    fn operation(&self) -> String {
        "leads.create".to_owned()
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn idempotency(&self) -> Result<Idempotency, Error> {
        Ok(Idempotency::Key(self.headers.idempotency_key()?))
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        Ok(requests.leads_create(&self.body)?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let envelope: LeadResponse = endpoint::json(answer)?;
        Ok((envelope.data, envelope.extra))
    }
}

impl Create {
    pub(crate) fn new(client: Client, body: NewLead) -> Self {
        Self {
            client,
            options: CallOptions::default(),
            headers: Headers::default(),
            body,
        }
    }

    /// Takes all fields from a [`NewLead`], the first name too.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, NewLead};
    /// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let fields: NewLead = serde_json::from_str(r#"{"firstName": "Budi", "source": "event"}"#)?;
    /// client.leads().create("Budi").fields(fields).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn fields(mut self, fields: NewLead) -> Self {
        self.body = fields;
        self
    }

    /// Creates the lead: once, however often it has to be sent. Under an
    /// [`idempotency_key`](Self::idempotency_key) of your own that holds for all calls within
    /// [24 hours](crate::IDEMPOTENCY_KEY_TTL); after that the same call makes a second lead.
    ///
    /// # Errors
    ///
    /// [`Validation`](crate::ErrorKind::Validation) when a field is not valid or another lead has
    /// the same uniqueCode, externalRef or phone, and all else in [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let lead = client.leads().create("Budi").email("budi@example.com").await?;
    /// println!("{}", lead.unique_code);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Lead, Error> {
        Ok(self.send_with_meta().await?.0)
    }
}
