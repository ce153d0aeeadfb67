//! Pure types and rules: no I/O, no HTTP, no SQL. Clock and randomness are arguments.

pub mod address;
pub mod amount;
pub mod api_key;
pub mod code;
pub mod email;
pub mod forwarded;
pub mod id;
pub mod lead;
mod lead_fields;
pub mod name_words;
pub mod period;
pub mod search;
pub mod time;
pub mod time_zone;
pub mod workspace;

pub(crate) use lead_fields::lead_fields;

pub use konektor_spec::phone;
