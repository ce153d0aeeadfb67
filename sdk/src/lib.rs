#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod analytics;
mod call;
mod change;
mod client;
pub mod conversions;
mod environment;
mod error;
mod generated;
mod headers;
pub mod leads;
mod limiter;
mod page;
mod proxy;
mod request;
mod response;
mod retry;
mod sanitize;
pub mod skill;
pub mod support;
mod time_or_date;
mod tls;
mod wire;
pub mod workspace;

pub use change::Change;
pub use client::{Client, ClientBuilder, check_base_url};
pub use error::{Error, ErrorKind};
pub use generated::*;
pub use page::{Page, PageCheck, RowStream};
pub use request::{Answer, Request};
pub use response::{RateLimit, Response};
pub use retry::{Retries, Retry, Wait};
pub use time_or_date::TimeOrDate;

/// The crate of times and dates, in the version that this one uses.
pub use jiff;
/// The crate of UUIDs, in the version that this one uses.
pub use uuid;
