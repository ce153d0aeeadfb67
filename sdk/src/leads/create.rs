use crate::{
    Client, Error, Lead, NewLead, Response,
    call::{CallOptions, Idempotency, call_options},
    headers::Headers,
};

/// A lead that is to be created; made by [`Leads::create`](crate::leads::Leads::create).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Create {
    client: Client,
    options: CallOptions,
    pub(crate) headers: Headers,
    pub(crate) body: NewLead,
}

call_options!(Create);

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
    /// client.leads().create("Budi").fields(fields).send().await?;
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
    /// let lead = client.leads().create("Budi").email("budi@example.com").send().await?;
    /// println!("{}", lead.unique_code);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Response<Lead>, Error> {
        let key = self.headers.idempotency_key()?;
        self.client
            .call(
                self.options,
                Idempotency::Key(key.clone()),
                async |api| api.leads_create(Some(&key), &self.body).await,
                |answer| (answer.data, answer.extra),
            )
            .await
    }
}
