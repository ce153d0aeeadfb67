//! The answer when there is no lead of a reference.

use crate::error::Error;

pub(super) const NOT_FOUND: Error =
    Error::NotFound("No lead of this workspace has that id, uniqueCode, externalRef or phone");
