//! What all requests have in common: how one is built, sent and read.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{
    call::{Answer, Call, CallOptions, Idempotency},
    error::Error,
    failure,
    generated::client::Requests,
    meta::Meta,
    prepared_request::PreparedRequest,
    transport::Transport,
};

/// A request of one operation, and what its answer holds.
pub(crate) trait Endpoint {
    type Output;

    /// `leads.create`
    fn operation(&self) -> String;

    fn options(&self) -> CallOptions;

    /// A write carries an idempotency key.
    fn idempotency(&self) -> Result<Idempotency, Error> {
        Ok(Idempotency::ReadOnly)
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError>;

    /// The value and unknown fields beside it, or why the answer cannot be read.
    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String>;
}

/// Why a request cannot be built.
#[derive(Debug)]
pub(crate) enum BuildError {
    /// An argument is not valid.
    Invalid(Error),
    /// A value cannot be serialised.
    Unwritable(reqwest::Error),
}

impl From<Error> for BuildError {
    fn from(error: Error) -> Self {
        Self::Invalid(error)
    }
}

impl From<reqwest::Error> for BuildError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unwritable(error)
    }
}

/// Makes the call, and reads its answer.
pub(crate) async fn send<E: Endpoint>(
    transport: &Arc<Transport>,
    endpoint: &E,
) -> Result<(E::Output, Meta), Error> {
    let options = endpoint.options();
    if transport.key.is_none() && !options.is_public && !options.is_custom {
        return Err(Error::no_key());
    }
    let (mut call, request) = prepare(transport, endpoint)?;
    // Boxed to keep the future small, which is part of the futures of callers.
    let answer = match Box::pin(call.send(request)).await {
        Some(Ok(answer)) => answer,
        Some(Err(error)) => return Err(failure::from_connection(error, &call)),
        None => return Err(failure::deadline_exceeded(&call)),
    };
    if !answer.status().is_success() {
        return Err(failure::from_answer(answer.body(), &call));
    }
    if call.is_oversized() {
        return Err(failure::oversized(&call));
    }
    let (value, extra) = endpoint
        .read(&answer)
        .map_err(|why| failure::unreadable(&why, &call))?;
    let meta = call.meta(&answer, extra);
    Ok((value, meta))
}

/// Builds the request, which needs no key.
pub(crate) fn build<E: Endpoint>(
    transport: &Arc<Transport>,
    endpoint: &E,
) -> Result<PreparedRequest, Error> {
    let (_, request) = prepare(transport, endpoint)?;
    Ok(PreparedRequest::new(&request))
}

fn prepare<E: Endpoint>(
    transport: &Arc<Transport>,
    endpoint: &E,
) -> Result<(Call, reqwest::Request), Error> {
    let call = Call::new(
        Arc::clone(transport),
        endpoint.operation(),
        endpoint.options(),
        endpoint.idempotency()?,
    );
    let requests = Requests {
        client: &transport.http,
        baseurl: &transport.base_url,
    };
    let mut request = endpoint.request(&requests).map_err(|error| match error {
        BuildError::Invalid(error) => error,
        BuildError::Unwritable(error) => failure::from_connection(error, &call),
    })?;
    call.authorize(&mut request);
    Ok((call, request))
}

/// Reads the JSON of an answer.
pub(crate) fn json<T: DeserializeOwned>(answer: &Answer) -> Result<T, String> {
    serde_json::from_slice(answer.body())
        .map_err(|error| failure::unreadable_because(answer.body(), &error))
}

/// Implements what all requests have in common, except `send`.
macro_rules! request_methods {
    ($request:ident -> $output:ty) => {
        impl $request {
            /// The longest time that the whole call may take, with all tries and waits. A call that takes
            /// longer fails with [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded). A wait that would
            /// not end in time is skipped: the last failure is returned at once. In a stream it is the
            /// deadline of each page.
            ///
            /// Prefer it to `tokio::time::timeout` around a write, which drops the call together with its
            /// `Idempotency-Key`: the call cannot be repeated safely then. The error of a deadline still has
            /// the key, in [`Error::retry`](crate::Error::retry).
            ///
            /// ```
            /// use std::time::Duration;
            ///
            /// # use konektor_sdk::*;
            /// # fn example(client: Client) {
            /// let request = client.leads().update("CRM-1024").deadline(Duration::from_secs(10));
            /// # }
            /// ```
            pub fn deadline(mut self, deadline: ::std::time::Duration) -> Self {
                self.options.deadline = Some(deadline);
                self
            }

            /// Sends the request, and returns metadata with the value: the request id, the rate limit, the
            /// number of tries, and whether it is a replay.
            ///
            /// # Errors
            ///
            /// As [`send`](Self::send).
            ///
            /// ```no_run
            /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
            /// let (lead, meta) = client.leads().get("CRM-1024").send_with_meta().await?;
            /// println!("{} (request {:?})", lead.first_name, meta.request_id);
            /// # Ok(())
            /// # }
            /// ```
            pub async fn send_with_meta(
                self,
            ) -> Result<($output, crate::meta::Meta), crate::error::Error> {
                crate::endpoint::send(self.client.transport(), &self).await
            }

            /// The HTTP request as it would be sent. Nothing is sent, and no key is needed.
            ///
            /// A write without an `idempotency_key` of your own gets a new one each time.
            ///
            /// # Errors
            ///
            /// When it cannot be sent: a lead without a name, for example.
            ///
            /// ```
            /// let client = konektor_sdk::Client::builder().build()?;
            /// let request = client.leads().create("Budi").phone("081234567890").build()?;
            /// assert_eq!(request.method(), "POST");
            /// assert_eq!(request.url(), "https://konektor.id/api/v2/agent/leads");
            /// assert_eq!(request.body(), Some(r#"{"firstName":"Budi","phone":"081234567890"}"#));
            /// # Ok::<(), konektor_sdk::Error>(())
            /// ```
            pub fn build(
                &self,
            ) -> Result<crate::prepared_request::PreparedRequest, crate::error::Error> {
                crate::endpoint::build(self.client.transport(), self)
            }
        }

        /// Sends the request, as `send` does.
        impl ::std::future::IntoFuture for $request {
            type Output = Result<$output, crate::error::Error>;
            type IntoFuture =
                ::std::pin::Pin<Box<dyn ::std::future::Future<Output = Self::Output> + Send>>;

            fn into_future(self) -> Self::IntoFuture {
                Box::pin(self.send())
            }
        }
    };
}
pub(crate) use request_methods;
