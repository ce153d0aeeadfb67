//! The headers of a request.

use std::fmt;

use uuid::Uuid;

use crate::{error::Error, generated::requests::IDEMPOTENCY_KEY_LENGTH, wire::redacted};

/// The server carries out a write once under this header, however often it is sent.
pub(crate) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The headers of a write.
#[derive(Clone, Default)]
pub(crate) struct Headers {
    /// The caller's key. Without one, every call gets a new one.
    pub(crate) idempotency_key: Option<String>,
}

impl Headers {
    /// The key that all tries of one call carry.
    ///
    /// A key that HTTP would change or the server would refuse is an error.
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

/// Without the key, which may be personal: a caller may use an email.
impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Headers")
            .field("idempotency_key", &redacted(&self.idempotency_key))
            .finish()
    }
}
