//! Phone numbers: one form for every spelling.

use std::fmt;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, enums::Region};
use serde::Deserialize;
use thiserror::Error;

/// The country of a number that names none.
const HOME: Region = Region::ID;

/// The most digits of a number, its country code included (ITU-T E.164, 6.1).
const LONGEST: usize = 15;

/// A possible phone number in E.164 form (`+6281234567890`).
///
/// "Possible" is libphonenumber's word: country code and length fit; it says nothing about whether
/// the number was ever assigned. Debug never shows the number.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Phone(String);

/// A text that cannot be a phone number. The message leaves the text out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("Invalid phone")]
pub struct PhoneError;

impl Phone {
    /// Reads a number as people write it, with or without country code; `None` when it cannot be a
    /// phone number.
    ///
    /// ```
    /// use konektor_spec::phone::Phone;
    /// let phone = Phone::parse("0812-3456-7890").map(Phone::into_string);
    /// assert_eq!(phone.as_deref(), Some("+6281234567890"));
    /// assert!(Phone::parse("CRM-1024").is_none());
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut phone = Self::read(&dialled(text)?)?;
        // One reading takes one trunk prefix away, and some numbers are written with two of them.
        loop {
            let again = Self::read(&phone.0)?;
            if again.0.len() >= phone.0.len() {
                return (again == phone).then_some(phone);
            }
            phone = again;
        }
    }

    fn read(dialled: &str) -> Option<Self> {
        let number = PHONE_NUMBER_UTIL.parse(dialled, Some(HOME)).ok()?;
        let phone = Self(number.format_as(PhoneNumberFormat::E164).into_owned());
        // libphonenumber allows for longer ones in some countries.
        let fits = phone.0.len() <= "+".len() + LONGEST;
        (fits && PHONE_NUMBER_UTIL.is_possible_number(&number)).then_some(phone)
    }

    /// The E.164 form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The E.164 form, owned.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;

    fn try_from(text: String) -> Result<Self, PhoneError> {
        Self::parse(&text).ok_or(PhoneError)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

/// An optional `+` and ASCII digits; `None` when the text holds anything that is not part of
/// writing a number.
///
/// libphonenumber itself is too willing: it finds a number in `CRM-1024` and in `1-800-FLOWERS`.
fn dialled(text: &str) -> Option<String> {
    let text = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '+' if kept.is_empty() => kept.push('+'),
            '(' | ')' | '.' | '/' => {}
            c if c.is_whitespace() => {}
            // Address books wrap numbers in invisible direction marks.
            c if CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c) => {}
            c => match CodePointMapData::<GeneralCategory>::new().get(c) {
                GeneralCategory::DecimalNumber => kept.push(c),
                GeneralCategory::DashPunctuation => {}
                _ => return None,
            },
        }
    }
    Some(with_plus(ascii_digits(&kept)))
}

/// Digits of any script as 0–9.
fn ascii_digits(number: &str) -> String {
    let digits = PHONE_NUMBER_UTIL.normalize_digits_only(number);
    if number.starts_with('+') {
        format!("+{digits}")
    } else {
        digits
    }
}

/// A leading 00 means +; with region ID libphonenumber would take it for part of the number.
fn with_plus(number: String) -> String {
    match number.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => number,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Option<String> {
        Phone::parse(text).map(Phone::into_string)
    }

    #[test]
    fn every_spelling_of_a_number_is_one_number() {
        for text in [
            "+6281234567890",
            "6281234567890",
            "081234567890",
            "81234567890",
            "006281234567890",
            "00 62 812 3456 7890",
            "+62 0812-3456-7890",
            "+62 (0) 812.3456.7890",
            "(0812) 3456/7890",
            "０８１２３４５６７８９０",
            "＋６２ ８１２ ３４５６ ７８９０",
            "٠٨١٢٣٤٥٦٧٨٩٠",
            "\u{202a}+62\u{a0}812\u{2011}3456\u{2011}7890\u{202c}",
        ] {
            assert_eq!(parsed(text).as_deref(), Some("+6281234567890"), "{text}");
        }
    }

    #[test]
    fn numbers_of_other_countries_keep_their_country() {
        assert_eq!(parsed("+1 (415) 555-2671").as_deref(), Some("+14155552671"));
        assert_eq!(parsed("0049 30 901820").as_deref(), Some("+4930901820"));
        assert_eq!(parsed("+39 06 698 12345").as_deref(), Some("+390669812345"));
    }

    #[test]
    fn a_trunk_prefix_that_is_written_twice_is_no_part_of_the_number() {
        assert_eq!(parsed("006100504481").as_deref(), Some("+61504481"));
        assert_eq!(parsed("+49 (0)030 901820").as_deref(), Some("+4930901820"));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in [
            "",
            " ",
            "+",
            "-",
            "00",
            "0",
            "12",
            "CRM-1024",
            "1-800-FLOWERS",
            "lead_01",
            "0812x",
            "++62812",
            "62+81234567890",
            "0812345678901234567",
            "+999123456789",
            "0812;ext=5",
            "tel:081234567890",
        ] {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }

    #[test]
    fn debug_does_not_show_the_number() {
        assert_eq!(
            format!("{:?}", Phone::parse("081234567890")),
            "Some(Phone(…))"
        );
    }

    /// The number in one of the ways people and programs write it.
    fn spelling() -> impl Strategy<Value = (String, String)> {
        let subscriber = "8[1-9][0-9]{8,9}";
        let start = prop::sample::select(vec![
            "+62", "62", "0", "", "0062", "+62 0", "+62 (0)", "00 62 ", "(0)",
        ]);
        let separator =
            prop::sample::select(vec!["", " ", "-", ".", "/", "\u{a0}", "–", "\u{200e}"]);
        let zero = prop::sample::select(vec!['0', '０', '٠', '۰', '०', '𝟎']);
        (
            subscriber,
            start,
            prop::collection::vec(separator, 11),
            zero,
        )
            .prop_map(|(digits, start, separators, zero)| {
                let spelled: String = digits
                    .chars()
                    .zip(separators)
                    .flat_map(|(d, s)| std::iter::once(d).chain(s.chars()))
                    .collect();
                let in_script = |c: char| match c.to_digit(10) {
                    Some(d) => {
                        char::from_u32(zero as u32 + d).expect("digits of a script are consecutive")
                    }
                    None => c,
                };
                (
                    format!("+62{digits}"),
                    format!("{start}{spelled}").chars().map(in_script).collect(),
                )
            })
    }

    proptest! {
        #[test]
        fn any_spelling_gives_the_same_number((e164, spelled) in spelling()) {
            prop_assert_eq!(parsed(&spelled), Some(e164));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = Phone::parse(&text);
        }

        #[test]
        fn a_parsed_number_stays_as_it_is(text in "(\\+|00)?[0-9]{0,3}0{0,3}[0-9 ()./-]{0,20}") {
            if let Some(phone) = Phone::parse(&text) {
                prop_assert_eq!(Phone::parse(phone.as_str()), Some(phone));
            }
        }
    }
}
