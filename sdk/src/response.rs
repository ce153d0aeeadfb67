use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use jiff::Timestamp;
use reqwest::{StatusCode, header::HeaderMap};
use serde_json::{Map, Value};

use crate::{client::ApiKey, sanitize::sanitize};

/// An answer, with what came beside it: rate limit, request id, the number of tries, and whether it
/// is a replay.
///
/// It reads like the value inside.
///
/// ```no_run
/// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
/// let lead = client.leads().get("CRM-1024").send().await?;
/// println!("{} ({} requests left)", lead.first_name, lead.rate_limit().remaining);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Response<T> {
    value: T,
    meta: Meta,
    extra: Map<String, Value>,
}

/// What comes with every answer.
#[derive(Clone, Debug)]
pub(crate) struct Meta {
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) request_id: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) replayed: bool,
    pub(crate) status: Option<StatusCode>,
}

impl Meta {
    pub(crate) fn new(
        status: Option<StatusCode>,
        headers: &HeaderMap,
        attempts: u32,
        key: Option<&ApiKey>,
    ) -> Self {
        Self {
            status,
            rate_limit: RateLimit::read(headers),
            request_id: request_id(headers, key),
            attempts,
            replayed: headers
                .get("idempotency-replayed")
                .is_some_and(|value| value == "true"),
        }
    }
}

impl<T> Response<T> {
    pub(crate) fn new(value: T, meta: Meta, extra: Map<String, Value>) -> Self {
        Self { value, meta, extra }
    }

    /// The value alone.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let lead: konektor_sdk::Lead = client.leads().get("CRM-1024").send().await?.into_inner();
    /// # Ok(())
    /// # }
    /// ```
    pub fn into_inner(self) -> T {
        self.value
    }

    /// The state of the rate limit after this request.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let workspace = client.workspace().show().send().await?;
    /// let limit = workspace.rate_limit();
    /// println!("{} of {} left, all of them at {}", limit.remaining, limit.limit, limit.reset);
    /// # Ok(())
    /// # }
    /// ```
    pub fn rate_limit(&self) -> RateLimit {
        self.meta.rate_limit.unwrap_or_else(RateLimit::unknown)
    }

    /// The id under which the server has logged this request; quote it to support.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let workspace = client.workspace().show().send().await?;
    /// println!("request {}", workspace.request_id().unwrap_or("without an id"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn request_id(&self) -> Option<&str> {
        self.meta.request_id.as_deref()
    }

    /// The HTTP status.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let workspace = client.workspace().show().send().await?;
    /// assert_eq!(workspace.status(), 200);
    /// # Ok(())
    /// # }
    /// ```
    pub fn status(&self) -> u16 {
        self.meta.status.unwrap_or_default().as_u16()
    }

    /// How many times the request was sent, the last one included.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let workspace = client.workspace().show().send().await?;
    /// assert!(workspace.attempts() >= 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn attempts(&self) -> u32 {
        self.meta.attempts
    }

    /// Whether this was answered before, to an earlier request with the same `Idempotency-Key`: an
    /// earlier try of this call, or an earlier call under a key of your own, in the last
    /// [24 hours](crate::IDEMPOTENCY_KEY_TTL). Nothing was written again.
    ///
    /// It is the answer of then, with one exception: when personal data of the lead was changed or
    /// erased since, the server has forgotten that answer, and this is the lead as it is now.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let lead = client.leads().create("Budi").idempotency_key("order-1024").send().await?;
    /// if lead.replayed() {
    ///     println!("{} was there already", lead.unique_code);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn replayed(&self) -> bool {
        self.meta.replayed
    }

    /// What a newer server sends beside the data, unknown to this version of the SDK. Unknown
    /// fields inside the data are in its own `extra`.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let workspace = client.workspace().show().send().await?;
    /// println!("{:?}", workspace.extra().get("notice"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn extra(&self) -> &Map<String, Value> {
        &self.extra
    }
}

impl<T> Deref for Response<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Response<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

/// Without the fields that nobody knows: they may be personal.
impl<T: fmt::Debug> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("value", &self.value)
            .field("meta", &self.meta)
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Display> fmt::Display for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// How many requests the workspace may send.
///
/// It is a bucket: all of `limit` may be sent at once, then it refills evenly over a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// Requests a minute. `u64::MAX` when the server did not say.
    pub limit: u64,
    /// Requests that may be sent at once now. `u64::MAX` when the server did not say.
    pub remaining: u64,
    /// When all of `limit` may be sent at once again.
    pub reset: Timestamp,
}

impl RateLimit {
    /// Whether the server said all of this. Every answer to a key does; SKILL.md and what stands
    /// between you and the server may not.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let guide = client.skill().show().send().await?;
    /// assert!(!guide.rate_limit().is_known());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.limit != u64::MAX
    }

    /// No limit that anybody knows of.
    fn unknown() -> Self {
        Self {
            limit: u64::MAX,
            remaining: u64::MAX,
            reset: Timestamp::now(),
        }
    }

    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let reset = i64::try_from(number(headers, "x-ratelimit-reset")?).ok()?;
        Some(Self {
            limit: number(headers, "x-ratelimit-limit")?,
            remaining: number(headers, "x-ratelimit-remaining")?,
            reset: Timestamp::from_second(reset).ok()?,
        })
    }
}

pub(crate) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The request's id. Something long enough to be anything else is left out.
fn request_id(headers: &HeaderMap, key: Option<&ApiKey>) -> Option<String> {
    const LONGEST: usize = 128;

    let id = headers.get("x-request-id")?.to_str().ok()?;
    (!id.is_empty() && id.len() <= LONGEST).then(|| sanitize(id, key))
}
