//! The error when no lead matches a reference.

use crate::error::Error;

pub(super) const NOT_FOUND: Error =
    Error::NotFound("No lead of this workspace has that id, uniqueCode, externalRef or phone");
