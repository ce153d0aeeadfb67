//! Relative times such as `7d` and `yesterday`.

use std::fmt;

use konektor_sdk::{
    TimeOrDate,
    jiff::{Span, ToSpan as _},
};

use crate::base::LocalClock;

/// A time as it was typed: `7d`, `2w`, `90 minutes`, `now`, `today`, `yesterday`, or a time or date that the server
/// parses. It is resolved when the request is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RelativeTime(String);

/// How a time depends on the time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Calendar {
    /// It does not: it is the same everywhere, or the server parses it.
    Not,
    /// It counts days, weeks or months back, which differ between zones only around a clock change.
    Counted,
    /// It names a day, such as `today`, which is another day in other zones for hours.
    Named,
}

impl RelativeTime {
    pub(crate) fn calendar(&self) -> Calendar {
        if self.day().is_some() {
            return Calendar::Named;
        }
        let has_days = |span: Span| {
            span.get_years() != 0
                || span.get_months() != 0
                || span.get_weeks() != 0
                || span.get_days() != 0
        };
        match self.ago() {
            Some(span) if has_days(span) => Calendar::Counted,
            _ => Calendar::Not,
        }
    }

    /// Returns the value to send. Other text is sent as it is, because the server decides which times and dates it
    /// accepts.
    ///
    /// The clock must be in the workspace's time zone, because the server reads dates in it.
    pub(crate) fn resolve(&self, clock: &LocalClock) -> TimeOrDate {
        let now = clock.local_now();
        if self.0.trim() == "now" {
            return format!("{:.3}", now.timestamp()).into();
        }
        if let Some(days) = self.day()
            && let Ok(day) = now.date().checked_add(days.days())
        {
            return day.into();
        }
        match self.ago().and_then(|span| now.checked_sub(span).ok()) {
            Some(time) => format!("{:.3}", time.timestamp()).into(),
            None => self.0.as_str().into(),
        }
    }

    /// The number of days from today.
    fn day(&self) -> Option<i64> {
        match self.0.trim() {
            "yesterday" => Some(-1),
            "today" => Some(0),
            "tomorrow" => Some(1),
            _ => None,
        }
    }

    /// Parses `7d` and `7d ago`.
    fn ago(&self) -> Option<Span> {
        let typed = self.0.trim();
        typed
            .starts_with(|letter: char| letter.is_ascii_digit())
            .then(|| typed.parse::<Span>().ok())?
            .map(Span::abs)
    }
}

impl From<String> for RelativeTime {
    fn from(typed: String) -> Self {
        Self(typed)
    }
}

impl fmt::Display for RelativeTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use konektor_sdk::jiff::tz::TimeZone;

    use super::*;

    fn at_half_past_midnight_in_jakarta(typed: &str) -> String {
        let zone = TimeZone::fixed(konektor_sdk::jiff::tz::offset(7));
        let clock = LocalClock::new("2025-01-14T17:30:00Z".parse().unwrap(), zone);
        RelativeTime::from(typed.to_owned())
            .resolve(&clock)
            .to_string()
    }

    #[test]
    fn spans_are_counted_back_from_now() {
        for (typed, sent) in [
            ("7d", "2025-01-07T17:30:00.000Z"),
            ("2w", "2024-12-31T17:30:00.000Z"),
            ("1mo", "2024-12-14T17:30:00.000Z"),
            ("90m", "2025-01-14T16:00:00.000Z"),
            ("3 hours ago", "2025-01-14T14:30:00.000Z"),
            ("now", "2025-01-14T17:30:00.000Z"),
        ] {
            assert_eq!(at_half_past_midnight_in_jakarta(typed), sent, "{typed}");
        }
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(at_half_past_midnight_in_jakarta("today"), "2025-01-15");
        assert_eq!(at_half_past_midnight_in_jakarta("yesterday"), "2025-01-14");
    }

    #[test]
    fn what_depends_on_the_time_zone_is_known() {
        for (typed, depends) in [
            ("today", Calendar::Named),
            (" yesterday ", Calendar::Named),
            ("tomorrow", Calendar::Named),
            ("7d", Calendar::Counted),
            ("2w", Calendar::Counted),
            ("1mo", Calendar::Counted),
            ("1d 12h ago", Calendar::Counted),
            ("12h", Calendar::Not),
            ("90m", Calendar::Not),
            ("now", Calendar::Not),
            ("2025-01-15", Calendar::Not),
            ("soon", Calendar::Not),
        ] {
            assert_eq!(
                RelativeTime::from(typed.to_owned()).calendar(),
                depends,
                "{typed}"
            );
        }
    }

    #[test]
    fn times_and_dates_are_sent_as_they_are_typed() {
        for typed in [
            "2025-01-15",
            "2025-01-15T10:30:00Z",
            "soon",
            "-7d",
            "P7D",
            "7",
        ] {
            assert_eq!(at_half_past_midnight_in_jakarta(typed), typed);
        }
    }
}
