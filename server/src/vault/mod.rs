//! Personal data at rest.
