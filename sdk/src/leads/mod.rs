//! Leads.

mod create;
mod get;
mod lead_ref;
mod list;
mod update;
mod upsert;

pub use create::Create;
pub use get::Get;
pub use list::List;
pub use update::Update;
pub use upsert::{Upsert, Upserted};

use crate::{
    client::Client,
    generated::{
        enums::LeadMatchBy,
        types::{LeadMatch, NewLead},
    },
};

/// The leads of the workspace; made by [`Client::leads`].
#[derive(Clone, Debug)]
pub struct Leads {
    client: Client,
}

impl Client {
    /// The leads of the workspace.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let lead = client.leads().get("CRM-1024").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn leads(&self) -> Leads {
        Leads::new(self.clone())
    }
}

impl Leads {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// Leads of the workspace, newest first, narrowed by any combination of filters.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, LeadStatus};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let page = client.leads().list().status(LeadStatus::New).created_from("2025-01-01").await?;
    /// for lead in &page.items {
    ///     println!("{} {}", lead.unique_code, lead.first_name);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list(&self) -> List {
        List::new(self.client.clone())
    }

    /// One lead, by its id, uniqueCode, externalRef or phone.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let lead = client.leads().get("CRM-1024").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn get(&self, lead: impl Into<String>) -> Get {
        Get::new(self.client.clone(), lead.into())
    }

    /// A new lead; only its first name is needed.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let lead = client.leads().create("Budi").phone("081234567890").await?;
    /// println!("{}", lead.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create(&self, first_name: impl Into<String>) -> Create {
        Create::new(self.client.clone(), NewLead::new(first_name))
    }

    /// Changes one lead, referenced as in [`get`](Self::get). Fields that are not set stay as they are.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, LeadStatus};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// client.leads().update("CRM-1024").status(LeadStatus::Qualified).clear_email().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update(&self, lead: impl Into<String>) -> Update {
        Update::new(self.client.clone(), lead.into())
    }

    /// Changes the lead that matches, or creates it when there is none.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, LeadMatch, LeadStatus};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let upserted = client
    ///     .leads()
    ///     .upsert(LeadMatch::phone("081234567890"))
    ///     .first_name("Budi")
    ///     .status(LeadStatus::Contacted)
    ///     .await?;
    /// println!("{} {}", if upserted.created { "created" } else { "updated" }, upserted.lead.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn upsert(&self, matching: LeadMatch) -> Upsert {
        Upsert::new(self.client.clone(), matching)
    }
}

impl NewLead {
    /// A lead with a first name and nothing else.
    ///
    /// ```
    /// let lead = konektor_sdk::NewLead::new("Budi").email("budi@example.com");
    /// assert_eq!(serde_json::to_string(&lead)?, r#"{"firstName":"Budi","email":"budi@example.com"}"#);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn new(first_name: impl Into<String>) -> Self {
        Self::from_required(first_name.into())
    }
}

impl LeadMatch {
    /// The lead whose `by` is `value`.
    ///
    /// ```
    /// use konektor_sdk::{LeadMatch, LeadMatchBy};
    ///
    /// assert_eq!(LeadMatch::new(LeadMatchBy::Phone, "0812"), LeadMatch::phone("0812"));
    /// ```
    pub fn new(by: LeadMatchBy, value: impl Into<String>) -> Self {
        Self::from_required(by, value.into())
    }

    /// The lead with this id. An unknown id creates none: the server makes ids.
    ///
    /// ```
    /// let matching = konektor_sdk::LeadMatch::id("lead_01jhmh6v5e7m2q9r4s8t0w1x3y");
    /// ```
    pub fn id(id: impl Into<String>) -> Self {
        Self::new(LeadMatchBy::Id, id)
    }

    /// The lead with this uniqueCode.
    ///
    /// ```
    /// let matching = konektor_sdk::LeadMatch::unique_code("KNK-7GQ2M9XD");
    /// ```
    pub fn unique_code(code: impl Into<String>) -> Self {
        Self::new(LeadMatchBy::UniqueCode, code)
    }

    /// The lead with this phone number, in any usual spelling.
    ///
    /// ```
    /// let matching = konektor_sdk::LeadMatch::phone("0812-3456-7890");
    /// ```
    pub fn phone(phone: impl Into<String>) -> Self {
        Self::new(LeadMatchBy::Phone, phone)
    }

    /// The lead with this key in a system of yours.
    ///
    /// ```
    /// let matching = konektor_sdk::LeadMatch::external_ref("CRM-1024");
    /// ```
    pub fn external_ref(key: impl Into<String>) -> Self {
        Self::new(LeadMatchBy::ExternalRef, key)
    }
}
