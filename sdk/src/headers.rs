//! What is sent beside a request's body.

use std::fmt;

use uuid::Uuid;

use crate::{error::Error, generated::requests::IDEMPOTENCY_KEY_LENGTH, wire::redacted};

/// The header under which the server carries out a write once, however often it is sent.
pub(crate) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The headers of a write.
#[derive(Clone, Default)]
pub(crate) struct Headers {
    /// The caller's own; without one every call gets a new one.
    pub(crate) idempotency_key: Option<String>,
}

impl Headers {
    /// The key of one call, which all its tries carry.
    ///
    /// What HTTP would change on its way, or the server refuses, is never sent.
    pub(crate) fn idempotency_key(&self) -> Result<String, Error> {
        let Some(key) = &self.idempotency_key else {
            return Ok(Uuid::new_v4().to_string());
        };
        let length = IDEMPOTENCY_KEY_LENGTH;
        if length.contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(key.clone());
        }
        let (shortest, longest) = length.into_inner();
        let why = format!("Must be {shortest}–{longest} visible ASCII characters without spaces");
        Err(Error::bad_field(IDEMPOTENCY_KEY, &why))
    }
}

/// Without the key: callers make it of whatever they have, an email for example.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Headers")
            .field("idempotency_key", &redacted(&self.idempotency_key))
            .finish()
    }
}
