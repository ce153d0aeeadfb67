//! Text of a server, made safe for a terminal and a log.

use crate::api_key::ApiKey;

/// The most characters of one text. A longer one is noise, or an attempt to fill a disk.
const MAX_CHARACTERS: usize = 1_000;

/// Puts text of a server on one line, without control and format characters, and without the API key,
/// which the server may echo.
pub(crate) fn sanitize(text: &str, key: Option<&ApiKey>) -> String {
    let line: String = text
        .chars()
        .map(|letter| if is_invisible(letter) { ' ' } else { letter })
        .collect();
    let line = match key {
        Some(key) => key.redact(line),
        None => line,
    };
    match line.char_indices().nth(MAX_CHARACTERS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Whether a character is a control or format character. Those move the cursor, reorder text or hide it.
/// <https://www.unicode.org/reports/tr44/#General_Category_Values> (Cc, Cf, Zl, Zp)
pub(crate) fn is_invisible(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
            | '\u{890}'..='\u{891}' | '\u{8e2}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_format_characters_become_blanks() {
        for letter in [
            '\u{1b}',
            '\n',
            '\u{85}',
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{e0041}',
        ] {
            assert_eq!(sanitize(&format!("a{letter}b"), None), "a b");
        }
        assert_eq!(sanitize("Żółć 佐藤 “é”", None), "Żółć 佐藤 “é”");
    }

    #[test]
    fn the_key_is_left_out_in_each_way_to_write_it() {
        let key = ApiKey::new("kna_\"3fJx\" secret").unwrap();
        for written in [
            "Authorization: Bearer kna_\"3fJx\" secret!",
            r#"{"authorization":"Bearer kna_\"3fJx\" secret"}"#,
            "?key=kna_%223fJx%22%20secret",
        ] {
            let text = sanitize(written, Some(&key));
            assert!(!text.contains("3fJx") && text.contains('…'), "{text}");
        }
    }

    #[test]
    fn a_long_text_is_cut_after_the_key_was_left_out() {
        let key = ApiKey::new("kna_3fJx_secret").unwrap();
        let text = format!("{}kna_3fJx_secret", "ä".repeat(MAX_CHARACTERS - 3));

        let text = sanitize(&text, Some(&key));

        assert!(text.ends_with("ä…"), "{text}");
    }
}
