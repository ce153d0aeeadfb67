//! Tab-separated values. Tabs, line ends and control characters in a cell are escaped, so that a row is always one
//! line.

use crate::base::{
    escape::{parse, write_escape},
    sanitize::is_harmful,
};

/// Escapes a cell.
pub(crate) fn escape(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    for letter in cell.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            letter if is_harmful(letter) => write_escape(&mut text, letter),
            letter => text.push(letter),
        }
    }
    text
}

/// Undoes [`escape`]. A backslash that does not begin an escape stays.
pub(crate) fn unescape(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    let mut rest = cell;
    while let Some(letter) = rest.chars().next() {
        let escape = match rest.as_bytes() {
            [b'\\', b'\\', ..] => Some(('\\', 2)),
            [b'\\', b't', ..] => Some(('\t', 2)),
            [b'\\', b'n', ..] => Some(('\n', 2)),
            [b'\\', b'r', ..] => Some(('\r', 2)),
            _ => parse(rest),
        };
        let (meant, length) = escape.unwrap_or((letter, letter.len_utf8()));
        text.push(meant);
        rest = &rest[length..];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::sanitize::tests::HARMFUL;

    #[test]
    fn every_cell_comes_back_as_it_was() {
        for cell in [
            "",
            "Budi",
            "a\tb\nc\r\n",
            "\\",
            "\\t",
            "\\\\n",
            "C:\\new\\",
            "\"q\"",
            "\\x1b",
            "\\\\u202e",
            HARMFUL,
        ] {
            let written = escape(cell);
            assert!(!written.chars().any(is_harmful), "{written}");
            assert_eq!(unescape(&written), cell);
        }
    }

    #[test]
    fn other_backslashes_stay() {
        for cell in ["a\\b\\", "\\x41", "\\u00e9", "\\u{zz}", "\\x1"] {
            assert_eq!(unescape(cell), cell);
        }
    }
}
