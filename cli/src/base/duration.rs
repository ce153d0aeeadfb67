use std::time::Duration;

use konektor_sdk::jiff::SignedDuration;

/// Parses `30s`, `5m` or `1h 30m`; a number alone is seconds.
///
/// # Errors
/// When the text is not a duration. The message says what to write instead.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .ok_or_else(|| format!("invalid duration \"{text}\"; use 30s, 5m or 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_as_people_do() {
        for (text, seconds) in [
            ("0", 0),
            ("45", 45),
            ("30s", 30),
            ("5m", 300),
            ("1h30m", 5400),
        ] {
            assert_eq!(
                parse_duration(text),
                Ok(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in ["", "-5", "-5m", "soon", "5 fortnights"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
