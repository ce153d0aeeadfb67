//! The document is the only place that says what the API is.

mod changed;
mod served;
