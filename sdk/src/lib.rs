#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub mod analytics;
mod api_key;
mod call;
mod change;
mod client;
mod client_builder;
pub mod conversions;
mod endpoint;
mod environment;
mod error;
mod error_envelope;
mod failure;
mod generated;
mod headers;
pub mod leads;
mod limiter;
mod meta;
mod page;
mod prepared_request;
mod proxy;
mod rate_limit;
mod raw_request;
mod retry;
mod sanitize;
pub mod skill;
pub mod support;
mod time_or_date;
mod tls;
mod transport;
mod wire;
pub mod workspace;

pub use change::Change;
pub use client::Client;
pub use client_builder::{ClientBuilder, check_base_url};
pub use error::{Error, ErrorKind};
pub use generated::*;
pub use meta::Meta;
pub use page::{Page, PageStream, RowStream};
pub use prepared_request::PreparedRequest;
pub use rate_limit::RateLimit;
pub use raw_request::{RawRequest, RawResponse};
pub use retry::{Retries, Retry, Wait};
pub use time_or_date::TimeOrDate;

/// The crate of times and dates, in the version that this one uses.
pub use jiff;
/// The crate of UUIDs, in the version that this one uses.
pub use uuid;
