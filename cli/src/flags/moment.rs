//! Moments as people say them.

use konektor_sdk::jiff::{Span, ToSpan as _};

use crate::output::When;

/// What is sent for `7d`, `2w`, `90 minutes`, `now`, `today`, `yesterday`; anything else is sent as it is,
/// because the server knows best which times and dates it takes.
///
/// A day is one of the reader's calendar.
pub(super) fn sent(typed: &str, when: &When) -> String {
    let now = when.local_now();
    let day = match typed.trim() {
        "now" => return format!("{:.3}", now.timestamp()),
        "today" => Some(now.date()),
        "yesterday" => now.date().checked_sub(1.day()).ok(),
        "tomorrow" => now.date().checked_add(1.day()).ok(),
        _ => None,
    };
    if let Some(day) = day {
        return day.to_string();
    }
    ago(typed)
        .and_then(|span| now.checked_sub(span).ok())
        .map_or_else(
            || typed.to_owned(),
            |time| format!("{:.3}", time.timestamp()),
        )
}

/// `7d`, and `7d ago` as well.
fn ago(typed: &str) -> Option<Span> {
    let typed = typed.trim();
    typed
        .starts_with(|letter: char| letter.is_ascii_digit())
        .then(|| typed.parse::<Span>().ok())?
        .map(Span::abs)
}

#[cfg(test)]
mod tests {
    use konektor_sdk::jiff::tz::TimeZone;

    use super::*;

    fn at_half_past_midnight_in_jakarta(typed: &str) -> String {
        let zone = TimeZone::fixed(konektor_sdk::jiff::tz::offset(7));
        sent(
            typed,
            &When::new("2025-01-14T17:30:00Z".parse().unwrap(), zone),
        )
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
    fn days_are_those_of_the_reader() {
        assert_eq!(at_half_past_midnight_in_jakarta("today"), "2025-01-15");
        assert_eq!(at_half_past_midnight_in_jakarta("yesterday"), "2025-01-14");
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
