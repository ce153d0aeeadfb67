//! The metadata of an answer.

use std::fmt;

use reqwest::{StatusCode, header::HeaderMap};
use serde_json::{Map, Value};

use crate::{api_key::ApiKey, rate_limit::RateLimit, sanitize::sanitize};

/// The metadata of an answer; `send_with_meta` of every request returns it with the value.
///
/// ```no_run
/// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
/// let (lead, meta) = client.leads().get("CRM-1024").send_with_meta().await?;
/// println!("{}: request {:?}, {} attempts", lead.first_name, meta.request_id, meta.attempts);
/// if let Some(limit) = meta.rate_limit {
///     println!("{} of {} requests left until {}", limit.remaining, limit.limit, limit.reset);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Meta {
    /// The HTTP status.
    pub status: u16,
    /// The id under which the server has logged the request; quote it to support.
    pub request_id: Option<String>,
    /// How many times the request was sent, the last one included.
    pub attempts: u32,
    /// The state of the rate limit after the request. An answer without a key, or of a proxy, may not have
    /// one.
    pub rate_limit: Option<RateLimit>,
    /// Whether this answers an earlier request with the same `Idempotency-Key`: an earlier try of
    /// this call, or an earlier call under a key of your own, in the last
    /// [24 hours](crate::IDEMPOTENCY_KEY_TTL). Nothing was written again.
    ///
    /// The value is that of the earlier answer, with one exception: when personal data of the lead
    /// was changed or erased since, the server has forgotten it, and this is the lead as it is now.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let create = client.leads().create("Budi").idempotency_key("order-1024");
    /// let (lead, meta) = create.send_with_meta().await?;
    /// if meta.replayed {
    ///     println!("{} was there already", lead.unique_code);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub replayed: bool,
    /// Fields beside the data that this version of the SDK does not know. Unknown fields inside the data
    /// are in its own `extra`.
    pub extra: Map<String, Value>,
}

impl Meta {
    pub(crate) fn new(
        status: StatusCode,
        headers: &HeaderMap,
        attempts: u32,
        key: Option<&ApiKey>,
        extra: Map<String, Value>,
    ) -> Self {
        Self {
            status: status.as_u16(),
            request_id: request_id(headers, key),
            attempts,
            rate_limit: RateLimit::read(headers),
            replayed: headers
                .get("idempotency-replayed")
                .is_some_and(|value| value == "true"),
            extra,
        }
    }
}

/// Without the unknown fields: they may be personal.
impl fmt::Debug for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meta")
            .field("status", &self.status)
            .field("request_id", &self.request_id)
            .field("attempts", &self.attempts)
            .field("rate_limit", &self.rate_limit)
            .field("replayed", &self.replayed)
            .finish_non_exhaustive()
    }
}

/// The request's id. A longer text is something else and is left out.
pub(crate) fn request_id(headers: &HeaderMap, key: Option<&ApiKey>) -> Option<String> {
    const MAX_LENGTH: usize = 128;

    let id = headers.get("x-request-id")?.to_str().ok()?;
    (!id.is_empty() && id.len() <= MAX_LENGTH).then(|| sanitize(id, key))
}
