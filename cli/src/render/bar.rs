//! Bars and sparklines.

/// Draws a share of a width, to an eighth of a character: `████▌`. A share above zero draws at least one eighth.
pub(super) fn bar(share: f64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

    let eighths = eighths(share, width * 8);
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// Draws a character for each number: `▁▃█`.
pub(crate) fn sparkline(numbers: &[i64]) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

    let most = numbers.iter().copied().max().unwrap_or_default();
    numbers
        .iter()
        .map(|number| HEIGHTS[eighths(share_of(*number, most), 8).saturating_sub(1)])
        .collect()
}

/// Returns the number as a share of the largest one, from 0 to 1.
pub(crate) fn share_of(number: i64, most: i64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a picture is not exact to the last digit"
    )]
    let (number, most) = (number as f64, most as f64);
    if most > 0.0 { number / most } else { 0.0 }
}

fn eighths(share: f64, of: usize) -> usize {
    let share = share.clamp(0.0, 1.0);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and the width of a terminal"
    )]
    let eighths = (share * of as f64).round() as usize;
    if share > 0.0 { eighths.max(1) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_its_share() {
        assert_eq!(bar(1.0, 4), "████");
        assert_eq!(bar(0.5, 4), "██");
        assert_eq!(bar(0.4, 4), "█▋");
        assert_eq!(bar(0.0, 4), "");
        assert_eq!(bar(7.0, 2), "██");
    }

    #[test]
    fn what_is_not_nothing_is_seen() {
        assert_eq!(bar(0.000_1, 10), "▏");
        assert_eq!(sparkline(&[0, 1, 1000]), "▁▁█");
    }

    #[test]
    fn a_line_has_a_letter_for_every_number() {
        assert_eq!(sparkline(&[1, 2, 4, 8]), "▁▂▄█");
        assert_eq!(sparkline(&[0, 0]), "▁▁");
        assert_eq!(sparkline(&[]), "");
    }
}
