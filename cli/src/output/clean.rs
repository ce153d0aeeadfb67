//! Text of strangers, made harmless for a terminal.
//!
//! Control characters can move the cursor, rename the window or run what a terminal binds to them;
//! bidirectional overrides make text read as another one (<https://trojansource.codes>).

use serde_json::Value;

/// Whether a character changes more than what is written at its place: C0, DEL, C1, line and paragraph
/// separators, and the bidirectional controls of <https://www.unicode.org/reports/tr9/#Bidirectional_Character_Types>.
pub(super) fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text for one line.
pub(crate) fn line(text: &str) -> String {
    text.replace("\r\n", " ")
        .chars()
        .map(|letter| match letter {
            '\n' | '\t' | '\r' => ' ',
            letter => shown(letter),
        })
        .collect()
}

/// Text that may have several lines.
pub(super) fn block(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\t', "    ")
        .chars()
        .map(|letter| match letter {
            '\n' => '\n',
            letter => shown(letter),
        })
        .collect()
}

/// The same of every text in a value, names included.
pub(super) fn value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(block(text)),
        Value::Array(values) => values.iter().map(self::value).collect(),
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| (line(name), self::value(field)))
                .collect(),
        ),
        value => value.clone(),
    }
}

fn shown(letter: char) -> char {
    if is_harmful(letter) {
        char::REPLACEMENT_CHARACTER
    } else {
        letter
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
