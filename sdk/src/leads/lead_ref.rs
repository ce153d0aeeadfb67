//! The reference of a lead.

use std::fmt;

use crate::error::Error;

/// The reference of a lead in a path. It may be a phone number.
#[derive(Clone)]
pub(super) struct LeadRef(pub(super) String);

impl LeadRef {
    /// The text, unless it would lead to another path: an empty segment leads to the list, and URL
    /// libraries resolve dots, also when written as `%2e`.
    /// <https://url.spec.whatwg.org/#double-dot-path-segment>
    pub(super) fn checked(&self) -> Result<&str, Error> {
        match self.0.as_str() {
            "" => Err(Error::bad_field("id", "Required")),
            "." | ".." => Err(Error::bad_field("id", "No lead is called that")),
            lead => Ok(lead),
        }
    }
}

impl fmt::Debug for LeadRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}
