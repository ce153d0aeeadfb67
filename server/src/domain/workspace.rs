//! A workspace: whose leads they are, on which plan, in which time zone.

use jiff::{Timestamp, tz::TimeZone};
use thiserror::Error;

/// A workspace as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// `ws_…`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// One of the plans of the API document.
    pub plan: String,
    /// A limit of its own instead of the plan's.
    pub requests_per_minute: Option<u32>,
    /// The most leads created a day; None for no limit.
    pub leads_per_day: Option<i64>,
    /// An IANA time zone.
    pub timezone: String,
    /// ISO 4217.
    pub currency: String,
    /// ISO 639.
    pub language: String,
    /// How its people write dates.
    pub date_format: String,
    /// Names the workspace in its web pages.
    pub tracking_code: String,
    /// Whether names can be searched.
    pub name_index: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A workspace in a time zone that this program does not know.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the workspace's time zone {0:?} is unknown")]
pub struct UnknownTimeZone(String);

impl Workspace {
    /// Its time zone. There is none to fall back on: another one's days would be wrong ones.
    pub fn time_zone(&self) -> Result<TimeZone, UnknownTimeZone> {
        TimeZone::get(&self.timezone).map_err(|_| UnknownTimeZone(self.timezone.clone()))
    }
}
