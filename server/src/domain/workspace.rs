//! A workspace: whose leads they are, on which plan, in which time zone.

use jiff::{Timestamp, tz::TimeZone};

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

impl Workspace {
    /// Its time zone; UTC when the stored name is no longer known.
    #[must_use]
    pub fn time_zone(&self) -> TimeZone {
        TimeZone::get(&self.timezone).unwrap_or(TimeZone::UTC)
    }
}
