//! Tickets to Konektor's support team.

use serde_json::{Map, Value};

use crate::{
    call::{Answer, CallOptions, Idempotency},
    client::Client,
    endpoint::{self, BuildError, Endpoint, request_methods},
    error::Error,
    generated::{
        client::Requests,
        types::{SupportTicket, SupportTicketCreate, SupportTicketResponse},
    },
    headers::Headers,
};

/// Konektor's support; made by [`Client::support`].
#[derive(Clone, Debug)]
pub struct Support {
    client: Client,
}

impl Client {
    /// Konektor's support.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// client.support().create_ticket("A question", "How do I …?").await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn support(&self) -> Support {
        Support::new(self.clone())
    }
}

impl Support {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// A new ticket.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, TicketPriority};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let ticket = client
    ///     .support()
    ///     .create_ticket("Conversions to Meta fail", "Since this morning all of them fail.")
    ///     .priority(TicketPriority::High)
    ///     .await?;
    /// println!("{}", ticket.ticket_ref);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_ticket(
        &self,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> CreateTicket {
        CreateTicket {
            client: self.client.clone(),
            options: CallOptions::default(),
            headers: Headers::default(),
            body: SupportTicketCreate::from_required(subject.into(), message.into()),
        }
    }
}

/// A request that opens a ticket; made by [`Support::create_ticket`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct CreateTicket {
    client: Client,
    options: CallOptions,
    pub(crate) headers: Headers,
    pub(crate) body: SupportTicketCreate,
}

request_methods!(CreateTicket -> SupportTicket);

impl Endpoint for CreateTicket {
    type Output = SupportTicket;

    fn operation(&self) -> String {
        "support.create_ticket".to_owned()
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn idempotency(&self) -> Result<Idempotency, Error> {
        Ok(Idempotency::Key(self.headers.idempotency_key()?))
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        Ok(requests.support_ticket_create(&self.body)?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let envelope: SupportTicketResponse = endpoint::json(answer)?;
        Ok((envelope.data, envelope.extra))
    }
}

impl CreateTicket {
    /// Opens the ticket: once, however often it has to be sent. Under an
    /// [`idempotency_key`](Self::idempotency_key) of your own that holds for all calls within
    /// [24 hours](crate::IDEMPOTENCY_KEY_TTL); after that the same call opens a second ticket.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let ticket = client.support().create_ticket("A question", "How do I …?").await?;
    /// println!("{}", ticket.ticket_ref);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<SupportTicket, Error> {
        Ok(self.send_with_meta().await?.0)
    }
}
