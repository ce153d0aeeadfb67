//! Konektor's Agent API from Rust.
#![deny(missing_docs)]

pub mod analytics;
mod call;
mod change;
mod client;
pub mod conversions;
mod error;
mod generated;
pub mod leads;
mod page;
mod response;
mod retry;
pub mod skill;
pub mod support;
mod time_or_date;
mod tls;
mod wire;
pub mod workspace;

pub use change::Change;
pub use client::{Client, ClientBuilder};
pub use error::{Error, ErrorKind};
pub use generated::*;
pub use page::{Page, RowStream};
pub use response::{RateLimit, Response};
pub use retry::Retries;
pub use time_or_date::TimeOrDate;

pub use jiff;
pub use uuid;
