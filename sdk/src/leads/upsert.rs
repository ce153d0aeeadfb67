use serde_json::{Map, Value};

use crate::{
    call::{Answer, CallOptions, Idempotency},
    client::Client,
    endpoint::{self, BuildError, Endpoint, request_methods},
    error::Error,
    generated::{
        client::Requests,
        requests::LeadChanges,
        types::{Lead, LeadMatch, LeadUpsert, LeadUpsertResponse},
    },
    headers::Headers,
};

/// A request that changes or creates a lead; made by [`Leads::upsert`](crate::leads::Leads::upsert).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Upsert {
    client: Client,
    options: CallOptions,
    pub(crate) headers: Headers,
    pub(crate) body: LeadUpsert,
}

/// The lead that was changed or created.
///
/// ```no_run
/// # use konektor_sdk::{Client, LeadMatch};
/// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
/// let upserted = client.leads().upsert(LeadMatch::phone("0812…")).first_name("Budi").await?;
/// println!("{} {}", upserted.lead.id, if upserted.created { "created" } else { "updated" });
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Upserted {
    /// The lead as it is now.
    pub lead: Lead,
    /// Whether the lead was created. A replay repeats the first answer, so that an upsert made twice under
    /// one key is `created` twice; [`Meta::replayed`](crate::Meta::replayed) tells them apart.
    pub created: bool,
}

request_methods!(Upsert -> Upserted);

impl Endpoint for Upsert {
    type Output = Upserted;

    fn operation(&self) -> String {
        "leads.upsert".to_owned()
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn idempotency(&self) -> Result<Idempotency, Error> {
        Ok(Idempotency::Key(self.headers.idempotency_key()?))
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        Ok(requests.leads_upsert(&self.body)?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let envelope: LeadUpsertResponse = endpoint::json(answer)?;
        let upserted = Upserted {
            lead: envelope.data,
            created: envelope.created,
        };
        Ok((upserted, envelope.extra))
    }
}

impl Upsert {
    pub(crate) fn new(client: Client, matching: LeadMatch) -> Self {
        Self {
            client,
            options: CallOptions::default(),
            headers: Headers::default(),
            body: LeadUpsert::from_required(matching, LeadChanges::new()),
        }
    }

    /// Takes all changes from a [`LeadChanges`], instead of those made before.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, LeadChanges, LeadMatch};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let changes = LeadChanges::new().first_name("Budi").campaign_name("Promo Januari");
    /// client.leads().upsert(LeadMatch::external_ref("CRM-1024")).changes(changes).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn changes(mut self, changes: LeadChanges) -> Self {
        self.body.lead = changes;
        self
    }

    /// Changes or creates the lead: once, however often it has to be sent. Under an
    /// [`idempotency_key`](Self::idempotency_key) of your own that holds for all calls within
    /// [24 hours](crate::IDEMPOTENCY_KEY_TTL).
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) when there is no such lead and none may be created,
    /// [`Validation`](crate::ErrorKind::Validation) when a field is not valid, and all else in
    /// [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, LeadMatch};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let upserted = client
    ///     .leads()
    ///     .upsert(LeadMatch::external_ref("CRM-1024"))
    ///     .first_name("Budi")
    ///     .await?;
    /// println!("{}", upserted.lead.id);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Upserted, Error> {
        Ok(self.send_with_meta().await?.0)
    }
}
