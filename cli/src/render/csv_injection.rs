//! Protection against formula injection.
//!
//! A spreadsheet runs the cells of a CSV file that look like a formula
//! (<https://owasp.org/www-community/attacks/CSV_Injection>). A leading quote makes them text.

use std::borrow::Cow;

const QUOTE: char = '\'';

/// Escapes a cell that a spreadsheet would run as a formula.
pub(crate) fn escape(cell: &str) -> Cow<'_, str> {
    if is_formula(cell.trim_start_matches(QUOTE)) {
        Cow::Owned(format!("{QUOTE}{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// Undoes [`escape`]. A cell that was not escaped stays as it is.
pub(crate) fn unescape(cell: &str) -> &str {
    match cell.strip_prefix(QUOTE) {
        // Quotes that were in the text before `escape` stay.
        Some(meant) if is_formula(meant.trim_start_matches(QUOTE)) => meant,
        _ => cell,
    }
}

fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_becomes_text() {
        for cell in ["=1+1", "+6281234567890", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert_eq!(escape(cell), format!("'{cell}"));
        }
    }

    #[test]
    fn what_no_spreadsheet_runs_stays() {
        for cell in ["", "Budi", "a=1", "'tis", "081234567890"] {
            assert_eq!(escape(cell), cell);
            assert_eq!(unescape(cell), cell);
        }
    }

    #[test]
    fn every_cell_comes_back_as_it_was() {
        for cell in [
            "=1+1", "'=1+1", "''@x", "+62", "Budi", "'", "", "'Budi", "\r",
        ] {
            assert_eq!(unescape(&escape(cell)), cell);
        }
    }
}
