//! Fits the columns of a table to the width of a terminal.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// The widths that a column needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct ColumnWidths {
    /// The width of its widest cell.
    pub(super) preferred_width: usize,
    /// The width below which it is not useful.
    pub(super) min_width: usize,
    /// Columns with a higher priority are dropped first; those with 0 stay.
    pub(super) drop_priority: u8,
}

/// Returns the width of every column, `None` for those that are dropped. All fit into `available`, with `padding` for
/// each column.
pub(super) fn widths(
    columns: &[ColumnWidths],
    available: usize,
    padding: usize,
) -> Vec<Option<usize>> {
    let mut kept: Vec<bool> = vec![true; columns.len()];
    loop {
        let widths = narrow_widest(columns, &kept, available, padding);
        if total(&widths, padding) <= available {
            return widths;
        }
        match least_important(columns, &kept) {
            Some(column) => kept[column] = false,
            None => return shrink(widths, available, padding),
        }
    }
}

/// Cuts text to a width in columns of a terminal, with `…` at the cut.
pub(super) fn shorten(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut shortened = String::new();
    for grapheme in text.graphemes(true) {
        if shortened.width() + grapheme.width() + 1 > width {
            break;
        }
        shortened.push_str(grapheme);
    }
    shortened.push('…');
    shortened
}

/// Narrows the widest column first, and no column below its minimum.
fn narrow_widest(
    columns: &[ColumnWidths],
    kept: &[bool],
    available: usize,
    padding: usize,
) -> Vec<Option<usize>> {
    let mut widths: Vec<_> = columns
        .iter()
        .zip(kept)
        .map(|(column, kept)| kept.then_some(column.preferred_width))
        .collect();
    while total(&widths, padding) > available {
        let widest = (0..columns.len())
            .filter(|&column| widths[column].is_some_and(|width| width > columns[column].min_width))
            .max_by_key(|&column| widths[column]);
        let Some(width) = widest.and_then(|column| widths[column].as_mut()) else {
            break;
        };
        *width -= 1;
    }
    widths
}

/// Narrows the columns that cannot be dropped below their minimum.
fn shrink(mut widths: Vec<Option<usize>>, available: usize, padding: usize) -> Vec<Option<usize>> {
    while total(&widths, padding) > available {
        match widths
            .iter_mut()
            .flatten()
            .filter(|width| **width > 1)
            .max()
        {
            Some(width) => *width -= 1,
            None => break,
        }
    }
    widths
}

fn least_important(columns: &[ColumnWidths], kept: &[bool]) -> Option<usize> {
    (0..columns.len())
        .filter(|&column| kept[column] && columns[column].drop_priority > 0)
        .max_by_key(|&column| columns[column].drop_priority)
}

fn total(widths: &[Option<usize>], padding: usize) -> usize {
    widths.iter().flatten().map(|width| width + padding).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn column(preferred_width: usize, min_width: usize, drop_priority: u8) -> ColumnWidths {
        ColumnWidths {
            preferred_width,
            min_width,
            drop_priority,
        }
    }

    #[test]
    fn what_fits_is_left_alone() {
        assert_eq!(
            widths(&[column(5, 5, 0), column(9, 4, 1)], 18, 2),
            [Some(5), Some(9)]
        );
    }

    #[test]
    fn columns_are_shortened_before_any_is_dropped() {
        assert_eq!(
            widths(&[column(5, 5, 0), column(9, 4, 1)], 13, 2),
            [Some(5), Some(4)]
        );
    }

    #[test]
    fn the_widest_gives_first() {
        assert_eq!(
            widths(&[column(6, 2, 0), column(9, 2, 0)], 14, 2),
            [Some(5), Some(5)]
        );
    }

    #[test]
    fn the_least_important_is_dropped_and_the_others_grow_again() {
        let columns = [column(8, 4, 0), column(5, 5, 2), column(5, 5, 1)];
        assert_eq!(widths(&columns, 17, 2), [Some(8), None, Some(5)]);
    }

    #[test]
    fn even_the_narrowest_terminal_gets_something() {
        assert_eq!(
            widths(&[column(8, 4, 0), column(5, 5, 3)], 4, 2),
            [Some(2), None]
        );
        assert_eq!(widths(&[column(8, 4, 0)], 0, 2), [Some(1)]);
    }

    #[test]
    fn no_width_is_ever_exceeded() {
        let columns = [
            column(40, 12, 0),
            column(17, 17, 1),
            column(11, 11, 4),
            column(25, 8, 3),
        ];
        for available in 3..120 {
            assert!(
                total(&widths(&columns, available, 2), 2) <= available,
                "{available}"
            );
        }
    }

    #[test]
    fn wide_letters_count_twice_and_are_never_cut_in_two() {
        assert_eq!(shorten("佐藤花子", 8), "佐藤花子");
        assert_eq!(shorten("佐藤花子", 7), "佐藤花…");
        assert_eq!(shorten("佐藤花子", 6), "佐藤…");
        for width in 1..9 {
            assert!(shorten("佐藤花子", width).width() <= width);
        }
    }

    #[test]
    fn what_is_one_letter_to_a_reader_stays_whole() {
        assert_eq!(shorten("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(shorten("Budi Santoso", 1), "…");
    }
}
