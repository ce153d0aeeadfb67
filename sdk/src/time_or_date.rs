use std::fmt;

use jiff::{Timestamp, ZonedDateTime, civil::Date};
use serde::{Deserialize, Serialize};

/// A time, or a whole day in the workspace's time zone: the type of `from`, `to`, `created_from` and
/// `created_to`.
///
/// Text is sent unchanged. The server accepts a date, or an RFC 3339 time with `Z` or an offset.
///
/// ```
/// use jiff::{Timestamp, civil::date};
/// use konektor_sdk::TimeOrDate;
///
/// assert_eq!(TimeOrDate::from(date(2025, 1, 15)).as_str(), "2025-01-15");
/// assert_eq!(TimeOrDate::from(Timestamp::UNIX_EPOCH).as_str(), "1970-01-01T00:00:00Z");
/// assert_eq!(TimeOrDate::from("2025-01-15T10:30:00+07:00").as_str(), "2025-01-15T10:30:00+07:00");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeOrDate(String);

impl TimeOrDate {
    /// The value as it is sent.
    ///
    /// ```
    /// assert_eq!(konektor_sdk::TimeOrDate::from("2025-01-15").as_str(), "2025-01-15");
    /// ```
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TimeOrDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<Timestamp> for TimeOrDate {
    fn from(time: Timestamp) -> Self {
        Self(time.to_string())
    }
}

impl From<&ZonedDateTime> for TimeOrDate {
    fn from(time: &ZonedDateTime) -> Self {
        time.timestamp().into()
    }
}

impl From<ZonedDateTime> for TimeOrDate {
    fn from(time: ZonedDateTime) -> Self {
        time.timestamp().into()
    }
}

impl From<Date> for TimeOrDate {
    fn from(date: Date) -> Self {
        Self(date.to_string())
    }
}

impl From<String> for TimeOrDate {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for TimeOrDate {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}
