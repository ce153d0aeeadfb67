use std::ops::Deref;

use crate::{
    Client, Error, Lead, LeadChanges, LeadMatch, Response,
    call::{CallOptions, Idempotency, call_options},
    generated::types::LeadUpsert,
    headers::Headers,
};

/// A lead that is to be changed or created; made by [`Leads::upsert`](crate::leads::Leads::upsert).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Upsert {
    client: Client,
    options: CallOptions,
    pub(crate) headers: Headers,
    pub(crate) body: LeadUpsert,
}

/// The lead that was changed or created. It reads like the [`Lead`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Upserted {
    /// The lead as it is now.
    pub lead: Lead,
    created: bool,
}

impl Upserted {
    /// Whether the lead was created. A replay says what the first answer said, so that an upsert made
    /// twice under one key is `created` twice: [`Response::replayed`] tells them apart.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, LeadMatch};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let lead = client.leads().upsert(LeadMatch::phone("0812…")).first_name("Budi").send().await?;
    /// println!("{}", if lead.created() { "created" } else { "updated" });
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn created(&self) -> bool {
        self.created
    }
}

impl Deref for Upserted {
    type Target = Lead;

    fn deref(&self) -> &Lead {
        &self.lead
    }
}

call_options!(Upsert);

impl Upsert {
    pub(crate) fn new(client: Client, matching: LeadMatch) -> Self {
        Self {
            client,
            options: CallOptions::default(),
            headers: Headers::default(),
            body: LeadUpsert::of_required(matching, LeadChanges::new()),
        }
    }

    /// Takes all changes from a [`LeadChanges`], instead of those made before.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, LeadChanges, LeadMatch};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let changes = LeadChanges::new().first_name("Budi").campaign_name("Promo Januari");
    /// client.leads().upsert(LeadMatch::external_ref("CRM-1024")).changes(changes).send().await?;
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
    /// let lead = client
    ///     .leads()
    ///     .upsert(LeadMatch::external_ref("CRM-1024"))
    ///     .first_name("Budi")
    ///     .send()
    ///     .await?;
    /// println!("{}", lead.id);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Response<Upserted>, Error> {
        let key = self.headers.idempotency_key()?;
        self.client
            .call(
                self.options,
                Idempotency::Key(key.clone()),
                async |api| api.leads_upsert(Some(&key), &self.body).await,
                |answer| {
                    (
                        Upserted {
                            lead: answer.data,
                            created: answer.created,
                        },
                        answer.extra,
                    )
                },
            )
            .await
    }
}
