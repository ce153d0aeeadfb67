//! Escapes control characters reversibly, so that they are visible and an import can restore them.

use std::{borrow::Cow, fmt::Write as _};

use super::sanitize::is_harmful;

/// Escapes harmful characters other than line ends and tabs, as `\x1b`, `\u202e` or `\u{e0001}`.
///
/// A backslash that begins something that looks like an escape becomes `\x5c`, so that [`unescape_controls`] restores
/// every text.
pub(crate) fn escape_controls(text: &str) -> Cow<'_, str> {
    let is_plain = |letter: char| letter != '\\' && (letter == '\t' || !is_harmful(letter));
    if text
        .chars()
        .all(|letter| letter == '\n' || is_plain(letter))
    {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for (at, letter) in text.char_indices() {
        let rest = &text[at..];
        match letter {
            '\n' | '\t' => escaped.push(letter),
            '\r' if rest.starts_with("\r\n") => escaped.push(letter),
            '\\' if parse(rest).is_none() => escaped.push(letter),
            '\\' => write_escape(&mut escaped, letter),
            letter if is_harmful(letter) => write_escape(&mut escaped, letter),
            letter => escaped.push(letter),
        }
    }
    Cow::Owned(escaped)
}

/// Undoes [`escape_controls`].
pub(crate) fn unescape_controls(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut meant = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let (letter, length) = parse(rest).unwrap_or((letter, letter.len_utf8()));
        meant.push(letter);
        rest = &rest[length..];
    }
    Cow::Owned(meant)
}

/// `\x1b`
pub(crate) fn write_escape(to: &mut String, letter: char) {
    let code = u32::from(letter);
    let _ = match code {
        0..=0xff => write!(to, "\\x{code:02x}"),
        0x100..=0xffff => write!(to, "\\u{code:04x}"),
        _ => write!(to, "\\u{{{code:x}}}"),
    }; // Writing to a String cannot fail.
}

/// Parses an escape at the start of a text: its character, and its length in bytes.
///
/// Only what [`escape_controls`] writes is an escape: `\x41` and `\u00e9` are text.
pub(crate) fn parse(text: &str) -> Option<(char, usize)> {
    let (digits, length) = match text.strip_prefix('\\')?.split_at_checked(1)? {
        ("x", rest) => (rest.get(..2)?, 4),
        ("u", rest) => match rest.strip_prefix('{') {
            Some(rest) => {
                let digits = &rest[..rest.find('}')?];
                (digits, digits.len() + 4)
            }
            None => (rest.get(..4)?, 6),
        },
        _ => return None,
    };
    let letter = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
    let mut written = String::new();
    write_escape(&mut written, letter);
    let is_ours = (letter == '\\' || is_harmful(letter)) && text.starts_with(&written);
    is_ours.then_some((letter, length))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::sanitize::tests::HARMFUL;

    #[test]
    fn what_a_terminal_would_obey_is_seen() {
        assert_eq!(
            escape_controls("a\u{1b}[31m\u{9b}2J\u{7f}\u{202e}\u{feff}\u{e0041}"),
            r"a\x1b[31m\x9b2J\x7f\u202e\ufeff\u{e0041}"
        );
        assert_eq!(
            escape_controls("two\nlines\r\nand\ta\rtab"),
            "two\nlines\r\nand\ta\\x0dtab"
        );
    }

    #[test]
    fn what_only_looks_like_it_is_told_apart() {
        for (text, escaped) in [
            (r"C:\new\x", r"C:\new\x"),
            (r"Jos\u00e9 \x41", r"Jos\u00e9 \x41"),
            (r"\x1b", r"\x5cx1b"),
            (r"\\u202e", r"\\x5cu202e"),
            (r"\x5cx1b", r"\x5cx5cx1b"),
            (r"\X1B \x1B \u{202e}", r"\X1B \x1B \u{202e}"),
        ] {
            assert_eq!(escape_controls(text), escaped);
            assert_eq!(unescape_controls(escaped), text);
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(parts in prop::collection::vec(part(), 0..12)) {
            let text = parts.concat();
            let escaped = escape_controls(&text);
            prop_assert!(!escaped.replace("\r\n", "\n").chars().any(|letter| !matches!(letter, '\n' | '\t') && is_harmful(letter)));
            prop_assert_eq!(unescape_controls(&escaped).into_owned(), text);
        }
    }

    /// What is easily taken for something else.
    fn part() -> impl Strategy<Value = String> {
        let harmful: Vec<_> = HARMFUL.chars().map(String::from).collect();
        let lookalikes = [
            "\\", "x", "x1b", "u", "u202e", "{", "}", "5c", "\r", "\n", "\r\n", "'", "=", "é",
        ];
        prop_oneof![
            prop::sample::select(harmful),
            prop::sample::select(lookalikes.map(str::to_owned).to_vec()),
            any::<char>().prop_map(String::from),
        ]
    }
}
