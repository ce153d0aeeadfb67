//! What counts as text, and which characters stand for one another.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};

/// Characters that Unicode counts as symbols or letters and fonts draw as nothing.
const BLANK_SYMBOLS: [char; 5] = [
    '\u{2800}',  // BRAILLE PATTERN BLANK
    '\u{fffc}',  // OBJECT REPLACEMENT CHARACTER
    '\u{13441}', // EGYPTIAN HIEROGLYPH FULL BLANK
    '\u{13442}', // EGYPTIAN HIEROGLYPH HALF BLANK
    '\u{1d159}', // MUSICAL SYMBOL NULL NOTEHEAD
];

/// Whether a text has a character that can be seen. Spaces of any kind, controls, zero-width and filler characters
/// cannot, nor can a mark without a letter.
///
/// ```
/// use konektor_spec::text::is_blank;
/// assert!(is_blank(" \u{3164}\u{200b}"));
/// assert!(!is_blank(" Budi"));
/// ```
#[must_use]
pub fn is_blank(text: &str) -> bool {
    !text.chars().any(is_visible)
}

fn is_visible(c: char) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    !(c.is_whitespace()
        || matches!(category, GeneralCategory::Control | GeneralCategory::Format)
        || GeneralCategoryGroup::Separator.contains(category)
        || GeneralCategoryGroup::Mark.contains(category)
        || is_ignorable(c)
        || BLANK_SYMBOLS.contains(&c))
}

/// Whether a character is not seen (joiners, soft hyphens, direction marks, fillers).
#[must_use]
pub fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether a character is an apostrophe, or a sign that people type or that programs put in its place.
#[must_use]
pub fn is_apostrophe(c: char) -> bool {
    matches!(
        c,
        '\'' | '`' | '´'
            | '‘' | '’' | '‛' | '′' | '‵'
            // Modifier letters: primes, the Hawaiian ʻokina, the Ukrainian apostrophe, hamza and ayn.
            | '\u{2b9}' | '\u{2bb}'
            ..='\u{2bf}' | '\u{2c8}' | '\u{2ca}' | '\u{2cb}'
            // Canonical doubles of the prime, the acute and the grave accent, and the Greek tonos and koronis.
            | '\u{374}' | '\u{384}' | '\u{1fbd}' | '\u{1fbf}' | '\u{1fef}' | '\u{1ffd}'
            // Armenian, Hebrew, saltillo.
            | '\u{55a}' | '\u{5f3}' | '\u{a78b}' | '\u{a78c}'
            // Full-width.
            | '\u{ff07}' | '\u{ff40}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_blank() {
        for blank in [
            "",
            " ",
            "\t\r\n\u{b}\u{c}",
            "\u{a0}\u{2003}\u{3000}\u{1680}\u{202f}\u{205f}",
            "\u{2028}\u{2029}\u{85}",
            "\u{1a}\u{1b}\u{7f}\u{9f}",
            "\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}",
            "\u{202a}\u{202e}\u{2066}\u{200e}",
            "\u{ad}",
            "\u{34f}\u{180e}\u{fe0f}\u{e0100}\u{e0020}",
            "\u{115f}\u{1160}\u{3164}\u{ffa0}",
            "\u{2800}",
            "\u{fff9}\u{fffb}\u{fffc}",
            "\u{1d159}\u{13441}",
            "\u{301}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for seen in ["a", "\u{200b}é", " 王 ", "-", "?", "👩", "क", "\u{fffd}"] {
            assert!(!is_blank(seen), "{seen:?}");
        }
    }

    #[test]
    fn every_apostrophe_that_is_typed_is_one() {
        for c in "'’‘`´ʼʻ＇｀ʹʿʾ".chars() {
            assert!(is_apostrophe(c), "{c}");
        }
        for c in "\"-.,a ".chars() {
            assert!(!is_apostrophe(c), "{c}");
        }
    }
}
