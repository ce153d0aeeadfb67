//! Tickets to Konektor's support team.

use crate::{
    Client, Error, Response, SupportTicket,
    call::{CallOptions, Idempotency, call_options},
    generated::types::SupportTicketCreate,
    headers::Headers,
};

/// The way to support; made by [`Client::support`].
#[derive(Clone, Debug)]
pub struct Support {
    client: Client,
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
    ///     .send()
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
            body: SupportTicketCreate::of_required(subject.into(), message.into()),
        }
    }
}

/// A ticket that is to be opened; made by [`Support::create_ticket`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateTicket {
    client: Client,
    options: CallOptions,
    pub(crate) headers: Headers,
    pub(crate) body: SupportTicketCreate,
}

call_options!(CreateTicket);

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
    /// let ticket = client.support().create_ticket("A question", "How do I …?").send().await?;
    /// println!("{}", ticket.ticket_ref);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Response<SupportTicket>, Error> {
        let key = self.headers.idempotency_key()?;
        self.client
            .call(
                self.options,
                Idempotency::Key(key.clone()),
                async |api| api.support_ticket_create(Some(&key), &self.body).await,
                |answer| (answer.data, answer.extra),
            )
            .await
    }
}
