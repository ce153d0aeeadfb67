//! The time and time zone of a reader.

use konektor_sdk::jiff::{SignedDuration, Timestamp, ZonedDateTime, civil::Date, tz::TimeZone};

/// The current time in a time zone.
#[derive(Clone, Debug)]
pub(crate) struct LocalClock {
    now: Timestamp,
    zone: TimeZone,
}

impl LocalClock {
    pub(crate) fn new(now: Timestamp, zone: TimeZone) -> Self {
        Self { now, zone }
    }

    /// The current local time.
    pub(crate) fn local_now(&self) -> ZonedDateTime {
        self.now.to_zoned_datetime(self.zone.clone())
    }

    /// The same time in another zone, by its IANA name. An unknown zone changes nothing.
    pub(crate) fn in_zone(&self, name: Option<&str>) -> Self {
        let zone = name.and_then(|name| TimeZone::get(name).ok());
        Self {
            now: self.now,
            zone: zone.unwrap_or_else(|| self.zone.clone()),
        }
    }

    pub(crate) fn zone(&self) -> TimeZone {
        self.zone.clone()
    }

    /// The local date of a time.
    pub(crate) fn date(&self, time: Timestamp) -> Date {
        time.to_zoned_datetime(self.zone.clone()).date()
    }

    /// The first and last millisecond of a day. Some zones have skipped a day; then the last one is before the first.
    pub(crate) fn day(&self, date: Date) -> (Timestamp, Timestamp) {
        let start = self.start_of(date);
        let next = date
            .tomorrow()
            .map_or(Timestamp::MAX, |next| self.start_of(next));
        let last = next.checked_sub(SignedDuration::from_millis(1));
        (start, last.unwrap_or(start))
    }

    fn start_of(&self, date: Date) -> Timestamp {
        let start = date.to_zoned_datetime(self.zone.clone());
        start.map_or(Timestamp::MAX, |start| start.timestamp())
    }

    /// `3 min ago`; the date for times older than 30 days or in the future.
    pub(crate) fn ago(&self, time: Timestamp) -> String {
        const MINUTE: i64 = 60;
        const HOUR: i64 = 60 * MINUTE;
        const DAY: i64 = 24 * HOUR;

        // The clocks of two machines may differ slightly.
        match self.now.as_second() - time.as_second() {
            -60..MINUTE => "just now".to_owned(),
            age @ MINUTE..HOUR => format!("{} min ago", age / MINUTE),
            age @ HOUR..DAY => format!("{} h ago", age / HOUR),
            age if (DAY..2 * DAY).contains(&age) => "1 day ago".to_owned(),
            age if (DAY..=30 * DAY).contains(&age) => format!("{} days ago", age / DAY),
            _ => self.local(time, "%Y-%m-%d"),
        }
    }

    /// `2025-01-15 17:30 WIB`
    pub(crate) fn at(&self, time: Timestamp) -> String {
        self.local(time, "%Y-%m-%d %H:%M %Z")
    }

    /// `2025-01-15 17:30 WIB (3 min ago)`
    pub(crate) fn at_and_ago(&self, time: Timestamp) -> String {
        let (at, ago) = (self.at(time), self.ago(time));
        if at.starts_with(&ago) {
            at
        } else {
            format!("{at} ({ago})")
        }
    }

    fn local(&self, time: Timestamp, format: &str) -> String {
        time.to_zoned_datetime(self.zone.clone())
            .strftime(format)
            .to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> LocalClock {
        let zone = TimeZone::fixed(konektor_sdk::jiff::tz::offset(7));
        LocalClock::new("2025-01-15T10:30:00Z".parse().unwrap(), zone)
    }

    fn ago(time: &str) -> String {
        clock().ago(time.parse().unwrap())
    }

    #[test]
    fn what_is_recent_is_told_by_its_age() {
        assert_eq!(ago("2025-01-15T10:29:01Z"), "just now");
        assert_eq!(ago("2025-01-15T10:30:30Z"), "just now");
        assert_eq!(ago("2025-01-15T10:27:00Z"), "3 min ago");
        assert_eq!(ago("2025-01-15T08:30:00Z"), "2 h ago");
        assert_eq!(ago("2025-01-14T10:30:00Z"), "1 day ago");
        assert_eq!(ago("2025-01-10T10:30:00Z"), "5 days ago");
    }

    #[test]
    fn what_is_old_or_to_come_is_told_by_its_local_date() {
        assert_eq!(ago("2024-11-30T18:00:00Z"), "2024-12-01");
        assert_eq!(ago("2025-02-15T10:30:00Z"), "2025-02-15");
        assert_eq!(
            clock().at_and_ago("2024-11-30T18:00:00Z".parse().unwrap()),
            "2024-12-01 01:00 +07"
        );
    }
}
