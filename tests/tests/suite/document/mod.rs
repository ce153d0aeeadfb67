//! The document is the single source of truth for the API.

mod changed;
mod served;
