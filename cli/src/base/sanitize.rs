//! Makes untrusted text harmless for a terminal.
//!
//! Control characters can move the cursor, rename the window or trigger actions of the terminal. Bidirectional
//! overrides make text look like other text (<https://trojansource.codes>).

/// Whether a character is invisible or affects other text: C0, DEL, C1, line and paragraph separators, the
/// bidirectional controls of <https://www.unicode.org/reports/tr9/#Bidirectional_Character_Types>, and format
/// characters without a width (byte order mark, tags, invisible operators).
///
/// The two joiners are allowed, because Persian and some emoji need them.
pub(crate) fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Sanitises text for one line.
pub(crate) fn line(text: &str) -> String {
    text.replace("\r\n", " ")
        .chars()
        .map(|letter| match letter {
            '\n' | '\t' | '\r' => ' ',
            letter => replace_harmful(letter),
        })
        .collect()
}

/// Sanitises text of several lines.
pub(crate) fn block(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\t', "    ")
        .chars()
        .map(|letter| match letter {
            '\n' => '\n',
            letter => replace_harmful(letter),
        })
        .collect()
}

fn replace_harmful(letter: char) -> char {
    if is_harmful(letter) {
        char::REPLACEMENT_CHARACTER
    } else {
        letter
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// One of each kind that is harmful.
    pub(crate) const HARMFUL: &str = "\0\u{1}\u{7}\u{8}\t\n\u{b}\u{c}\r\u{e}\u{1b}\u{1f}\u{7f}\u{80}\u{85}\u{90}\u{9b}\u{9c}\u{9d}\u{9f}\u{ad}\u{61c}\u{180e}\u{200b}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2061}\u{2064}\u{2066}\u{2067}\u{2068}\u{2069}\u{206a}\u{206f}\u{feff}\u{fff9}\u{fffb}\u{e0001}\u{e0020}\u{e007f}";

    #[test]
    fn each_kind_is_harmful() {
        for letter in HARMFUL.chars() {
            assert!(is_harmful(letter), "{letter:?}");
        }
        assert!(HARMFUL.chars().count() > 40);
    }

    #[test]
    fn a_line_has_no_control_characters_and_stays_one_line() {
        assert_eq!(
            line("Budi\u{1b}[2J\r\nwon\tx\u{7f}"),
            "Budi\u{fffd}[2J won x\u{fffd}"
        );
    }

    #[test]
    fn c1_and_bidirectional_overrides_are_replaced() {
        for letter in [
            '\u{9b}', '\u{85}', '\u{202e}', '\u{2066}', '\u{200f}', '\u{2028}',
        ] {
            assert_eq!(line(&format!("a{letter}b")), "a\u{fffd}b");
            assert_eq!(block(&format!("a{letter}b")), "a\u{fffd}b");
        }
    }

    #[test]
    fn a_block_keeps_its_lines_and_nothing_else() {
        assert_eq!(block("one\r\ntwo\n\u{7}"), "one\ntwo\n\u{fffd}");
    }

    #[test]
    fn names_in_any_script_stay() {
        for name in ["Żółć", "佐藤", "محمد", "👩\u{200d}👧", "Nguyễn"] {
            assert_eq!(line(name), name);
        }
    }
}
