use crate::{
    Client, Error, Lead, Response,
    call::{CallOptions, Idempotency, call_options},
    leads::LeadRef,
};

/// A lead that is to be read; made by [`Leads::get`](crate::leads::Leads::get).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Get {
    client: Client,
    options: CallOptions,
    lead: LeadRef,
}

call_options!(Get);

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
    /// let lead = client.leads().get("CRM-1024").send().await?;
    /// println!("{} is {}", lead.first_name, lead.status);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Response<Lead>, Error> {
        let lead = self.lead.checked()?;
        self.client
            .call(
                self.options,
                Idempotency::ReadOnly,
                async |api| api.leads_get(lead).await,
                |answer| (answer.data, answer.extra),
            )
            .await
    }
}
