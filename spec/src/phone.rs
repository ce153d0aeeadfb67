//! Phone numbers: one strict rule, and one form for every spelling that it accepts.
//!
//! The rule would rather refuse a number than make it somebody else's. A number is
//! - with `+` and a country code, one that is possible there at its full length;
//! - with 62, 0062, +62 or a leading 0, a valid Indonesian number, mobile or fixed;
//! - without any of these, a valid Indonesian mobile number that begins with 8.

use std::{fmt, str::FromStr};

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::{CodePointMapData, props::GeneralCategory};
use rlibphonenumber::{
    PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat,
    enums::{NumberLengthType, PhoneNumberType},
};
use serde::Deserialize;
use thiserror::Error;

use crate::text::{is_apostrophe, is_ignorable};

/// The country code of Indonesia.
const HOME: &str = "62";

/// The most digits of a number, its country code included (ITU-T E.164, 6.1).
const MAX_DIGITS: usize = 15;

/// The most digits that the spellings of one number have: 00 or a trunk 0 comes on top.
const MAX_DIALLED: usize = MAX_DIGITS + 3;

/// New Indonesian mobile ranges that libphonenumber's metadata does not have yet: what follows +62.
const NEW_MOBILE_PREFIXES: [&str; 0] = [];

/// How many digits an Indonesian mobile number has after +62.
const MOBILE_DIGITS: std::ops::RangeInclusive<usize> = 9..=12;

/// Fewer digits than these, with a point, are a usual spelling and no spreadsheet's number.
const MIN_FLOAT_DIGITS: usize = 9;

/// A phone number in E.164 form (`+6281234567890`). Debug never shows it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Phone(String);

/// Why a text is no phone number, and what to write instead. The message leaves the text out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PhoneError {
    /// Something that is no part of writing a number.
    #[error("Invalid phone: write one number in digits, like 081234567890 or +14155552671")]
    Text,
    /// More than one number.
    #[error("Invalid phone: write one number, like 081234567890 or +14155552671")]
    SeveralNumbers,
    /// A spreadsheet has taken it for an amount.
    #[error(
        "Invalid phone: a spreadsheet has changed it; format the column as text and write all digits, like 081234567890"
    )]
    Spreadsheet,
    /// Digits that are not Indonesian.
    #[error("Invalid phone: write + and the country code, like +14155552671")]
    NoCountryCode,
    /// It begins as an Indonesian number does.
    #[error(
        "Invalid phone: not a valid Indonesian number; check its digits, or write + and the country code of another country"
    )]
    NotIndonesian,
    /// The country code or the number of digits is wrong.
    #[error(
        "Invalid phone: not a possible number; check the country code and write all digits, area code included"
    )]
    Impossible,
}

impl Phone {
    /// Reads a number as people write it; `None` when it cannot be a phone number. [`str::parse`] tells why.
    ///
    /// ```
    /// use konektor_spec::phone::Phone;
    /// let phone = Phone::parse("0812-3456-7890").map(Phone::into_string);
    /// assert_eq!(phone.as_deref(), Some("+6281234567890"));
    /// assert!(Phone::parse("CRM-1024").is_none());
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    /// A number with `+` and a country code.
    fn international(digits: &str) -> Result<Self, PhoneError> {
        let mut phone = Self::possible(digits)?;
        // libphonenumber takes one trunk prefix away at a time, and some numbers are written with two of them.
        loop {
            let again = Self::possible(&phone.0[1..])?;
            if again.0.len() >= phone.0.len() {
                return if again == phone {
                    Ok(phone)
                } else {
                    Err(PhoneError::Impossible)
                };
            }
            phone = again;
        }
    }

    fn possible(digits: &str) -> Result<Self, PhoneError> {
        if let Some(national) = digits.strip_prefix(HOME) {
            return Self::indonesian(national).ok_or(PhoneError::NotIndonesian);
        }
        let number = read(&without_mexican_1(digits)).ok_or(PhoneError::Impossible)?;
        let length = PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number);
        let phone = Self(number.format_as(PhoneNumberFormat::E164).into_owned());
        // libphonenumber allows for longer ones in some countries.
        let fits = phone.0.len() <= "+".len() + MAX_DIGITS;
        // Numbers of some length can be dialled within their own area alone.
        if fits && matches!(length, Ok(NumberLengthType::IsPossible)) {
            Ok(phone)
        } else {
            Err(PhoneError::Impossible)
        }
    }

    /// The number after 62, with or without its trunk 0.
    fn indonesian(national: &str) -> Option<Self> {
        let national = national.strip_prefix('0').unwrap_or(national);
        let kind = indonesian_kind(national)?;
        matches!(
            kind,
            PhoneNumberType::Mobile
                | PhoneNumberType::FixedLine
                | PhoneNumberType::FixedLineOrMobile
        )
        .then(|| Self(format!("+{HOME}{national}")))
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

impl FromStr for Phone {
    type Err = PhoneError;

    fn from_str(text: &str) -> Result<Self, PhoneError> {
        let Dialled { plus, digits } = dialled(text)?;
        let home = digits
            .strip_prefix("00")
            .unwrap_or(&digits)
            .strip_prefix(HOME);
        match (plus, home) {
            (true, _) => Self::international(&digits),
            (false, Some(national)) => Self::indonesian(national).ok_or(PhoneError::NotIndonesian),
            (false, None) if digits.starts_with("00") => Err(PhoneError::NoCountryCode),
            (false, None) if digits.starts_with('0') => {
                Self::indonesian(&digits).ok_or(PhoneError::NotIndonesian)
            }
            (false, None) => match indonesian_kind(&digits) {
                Some(PhoneNumberType::Mobile) if digits.starts_with('8') => {
                    Ok(Self(format!("+{HOME}{digits}")))
                }
                _ => Err(PhoneError::NoCountryCode),
            },
        }
    }
}

impl TryFrom<String> for Phone {
    type Error = PhoneError;

    fn try_from(text: String) -> Result<Self, PhoneError> {
        text.parse()
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Phone(…)")
    }
}

/// The cell of a file without the marks that other programs put around phone numbers: Meta's `p:`, a spreadsheet's
/// `="…"`, an apostrophe before it.
///
/// Only importers strip these, because they know where the text comes from.
///
/// ```
/// use konektor_spec::phone::strip_marks;
/// assert_eq!(strip_marks("p:+6281200000101"), "+6281200000101");
/// assert_eq!(strip_marks("=\"081200000180\""), "081200000180");
/// assert_eq!(strip_marks("‘081200000191"), "081200000191");
/// ```
#[must_use]
pub fn strip_marks(cell: &str) -> &str {
    let mut text = cell.trim();
    loop {
        let quoted = text
            .strip_prefix("=\"")
            .and_then(|rest| rest.strip_suffix('"'));
        let stripped = quoted
            .or_else(|| text.strip_prefix("p:"))
            .or_else(|| text.strip_prefix(is_apostrophe));
        match stripped {
            Some(rest) => text = rest.trim(),
            None => return text,
        }
    }
}

/// Digits, and whether a + came before them.
struct Dialled {
    plus: bool,
    digits: String,
}

/// The digits of a number; an error when the text holds anything that is not part of writing one.
///
/// libphonenumber itself is too willing: it finds a number in `CRM-1024` and in `1-800-FLOWERS`.
fn dialled(text: &str) -> Result<Dialled, PhoneError> {
    let text = ComposingNormalizerBorrowed::new_nfkc().normalize(text);
    // Address books wrap numbers in invisible direction marks.
    let text: String = text.chars().filter(|&c| !is_ignorable(c)).collect();
    let text = text.trim();
    let categories = CodePointMapData::<GeneralCategory>::new();
    let mut dialled = Dialled {
        plus: false,
        digits: String::new(),
    };
    let (mut points, mut after_point, mut bracket) = (0, 0, false);
    let mut previous = None;
    for c in text.chars() {
        match c {
            '+' if dialled.plus || !dialled.digits.is_empty() => {
                return Err(if is_exponent(text) {
                    PhoneError::Spreadsheet
                } else {
                    PhoneError::SeveralNumbers
                });
            }
            '+' => dialled.plus = true,
            '(' if !bracket => bracket = true,
            ')' if bracket && previous != Some('(') => bracket = false,
            '/' | ';' | ',' | '|' | '&' | '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}'
            | '\u{2028}' | '\u{2029}' => {
                return Err(if is_exponent(text) {
                    PhoneError::Spreadsheet
                } else {
                    PhoneError::SeveralNumbers
                });
            }
            '.' if !dialled.digits.is_empty() => {
                points += 1;
                after_point = 0;
            }
            c if c.is_whitespace() => {}
            c if categories.get(c) == GeneralCategory::DashPunctuation
                && (dialled.plus || !dialled.digits.is_empty()) => {}
            c if categories.get(c) == GeneralCategory::DecimalNumber => {
                dialled.digits.push(c);
                after_point += 1;
            }
            _ if is_exponent(text) => return Err(PhoneError::Spreadsheet),
            _ => return Err(PhoneError::Text),
        }
        previous = Some(c);
    }
    // Separators stand between groups of digits.
    let ends = previous == Some(')')
        || previous.is_some_and(|c| categories.get(c) == GeneralCategory::DecimalNumber);
    if bracket || !ends {
        return Err(PhoneError::Text);
    }
    // Digits of any script as 0–9.
    dialled.digits = PHONE_NUMBER_UTIL.normalize_digits_only(&dialled.digits);
    let count = dialled.digits.len();
    if points == 1 && after_point <= 2 && count >= MIN_FLOAT_DIGITS {
        return Err(PhoneError::Spreadsheet);
    }
    if count > MAX_DIALLED {
        return Err(PhoneError::SeveralNumbers);
    }
    Ok(dialled)
}

/// `6.2812E+11`, with a point or a comma.
fn is_exponent(text: &str) -> bool {
    let Some((number, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    let is_number = |text: &str, separators: &[char]| {
        text.starts_with(|c: char| c.is_ascii_digit())
            && text
                .chars()
                .all(|c| c.is_ascii_digit() || separators.contains(&c))
    };
    is_number(number, &['.', ',']) && is_number(exponent.trim_start_matches(['+', '-']), &[])
}

fn read(digits: &str) -> Option<PhoneNumber> {
    PHONE_NUMBER_UTIL.parse(format!("+{digits}"), None).ok()
}

/// What kind of number the digits after 62 are, none when they are no valid number.
fn indonesian_kind(national: &str) -> Option<PhoneNumberType> {
    if is_new_mobile(national, &NEW_MOBILE_PREFIXES) {
        return Some(PhoneNumberType::Mobile);
    }
    let number = read(&format!("{HOME}{national}"))?;
    // libphonenumber takes prefixes away by itself; what is left has to be what was written.
    let written = number
        .format_as(PhoneNumberFormat::E164)
        .strip_prefix('+')?
        .strip_prefix(HOME)?
        == national;
    let kind = PHONE_NUMBER_UTIL.get_number_type(&number);
    (written && kind != PhoneNumberType::Unknown).then_some(kind)
}

fn is_new_mobile(national: &str, prefixes: &[&str]) -> bool {
    MOBILE_DIGITS.contains(&national.len())
        && prefixes.iter().any(|prefix| national.starts_with(prefix))
}

/// Mexico dropped the 1 between +52 and ten digits; `WhatsApp` still writes it.
fn without_mexican_1(digits: &str) -> String {
    match digits.strip_prefix("521") {
        Some(national) if national.len() == 10 => format!("52{national}"),
        _ => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> Option<String> {
        Phone::parse(text).map(Phone::into_string)
    }

    fn refusal(text: &str) -> PhoneError {
        text.parse::<Phone>().expect_err(text)
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
            "62 0812 3456 7890",
            "+62 0812-3456-7890",
            "+62 (0) 812.3456.7890",
            "+62 (0)812 3456 7890",
            "(+62) 812 3456 7890",
            "0812.3456.7890",
            "(0812) 3456-7890",
            " 0812 - 3456 - 7890 ",
            "０８１２３４５６７８９０",
            "＋６２ ８１２ ３４５６ ７８９０",
            "٠٨١٢٣٤٥٦٧٨٩٠",
            "\u{202a}+62\u{a0}812\u{2011}3456\u{2011}7890\u{202c}",
        ] {
            assert_eq!(parsed(text).as_deref(), Some("+6281234567890"), "{text}");
        }
    }

    #[test]
    fn indonesian_numbers_are_valid_ones() {
        for (text, number) in [
            ("021.555.0101", "+62215550101"),
            ("62 21 5550130", "+62215550130"),
            ("(021) 5550103", "+62215550103"),
            ("62 274 555013", "+62274555013"),
            ("0361 555013", "+62361555013"),
            // Ten digits in all, and a valid mobile number since before there were longer ones.
            ("62811234567", "+62811234567"),
            ("0811-234-567", "+62811234567"),
            ("811234567", "+62811234567"),
        ] {
            assert_eq!(parsed(text).as_deref(), Some(number), "{text}");
        }
        for text in [
            "08123456",
            "0895 3000 088863",
            "021555012",
            "0215550104 5550",
            "0800 1234567",
            "62 12345",
            "+62555123",
            "07911 123456",
            "6281234567890123",
        ] {
            assert_eq!(refusal(text), PhoneError::NotIndonesian, "{text}");
        }
    }

    #[test]
    fn digits_of_other_countries_need_a_plus() {
        for text in [
            "60123000456",
            "6591230004",
            "14155550123",
            "919812300045",
            "8613800000000",
            "0049 30 901820",
            "001 415 555 2671",
            "555123",
            "5551234",
            "12345",
            "110",
            "215550101",
            "00",
        ] {
            assert_eq!(refusal(text), PhoneError::NoCountryCode, "{text}");
        }
        for (text, number) in [
            ("+60123000456", "+60123000456"),
            ("+65 9123 0004", "+6591230004"),
            ("+1 (415) 555-2671", "+14155552671"),
            ("+919812300045", "+919812300045"),
            ("+86 138 0000 0000", "+8613800000000"),
            ("+49 30 901820", "+4930901820"),
            ("+39 06 698 12345", "+390669812345"),
            ("+441632960123", "+441632960123"),
        ] {
            assert_eq!(parsed(text).as_deref(), Some(number), "{text}");
        }
    }

    #[test]
    fn a_number_that_can_only_be_dialled_within_its_area_is_none() {
        for text in ["+1 555 2671", "+49 12", "+999123456789", "+1", "+0062812"] {
            assert_eq!(refusal(text), PhoneError::Impossible, "{text}");
        }
    }

    #[test]
    fn mexicos_mobile_1_is_no_part_of_the_number() {
        for text in ["+52 1 55 0000 0000", "+525500000000"] {
            assert_eq!(parsed(text).as_deref(), Some("+525500000000"), "{text}");
        }
        assert_eq!(refusal("+52 1 55 0000 00000"), PhoneError::Impossible);
    }

    #[test]
    fn a_trunk_prefix_that_is_written_twice_is_no_part_of_the_number() {
        assert_eq!(parsed("+49 (0)030 901820").as_deref(), Some("+4930901820"));
    }

    #[test]
    fn what_a_spreadsheet_has_changed_is_refused() {
        for text in [
            "6281200000200.0",
            "081234560009.0",
            "81200000201.00",
            "+6281200000200.0",
            "０８１２３４５６０００９．０",
            "6.2812E+11",
            "6,2812E+11",
            "6.281200000204E12",
            "8.12346e+10",
        ] {
            assert_eq!(refusal(text), PhoneError::Spreadsheet, "{text}");
        }
    }

    #[test]
    fn two_numbers_are_none() {
        for text in [
            "081200000210 / 081200000211",
            "0812-0000-0299/98",
            "021-5550101/02",
            "(0812) 3456/7890",
            "081200000212; 081200000213",
            "081200000212, 081200000213",
            "081200000212\n081200000213",
            "081200000212 081200000213",
            "+6281200000212 +6281200000213",
            "62+81234567890",
            "++62812",
        ] {
            assert_eq!(refusal(text), PhoneError::SeveralNumbers, "{text}");
        }
        assert_eq!(refusal("021-5550104 - 5550105"), PhoneError::NotIndonesian);
    }

    #[test]
    fn text_is_no_number() {
        for text in [
            "",
            " ",
            "+",
            "-",
            "()",
            "0812-3456-7890.",
            "-081234567890",
            ".081234567890",
            "(0812 3456 7890",
            "0812) 3456 7890",
            "CRM-1024",
            "1-800-FLOWERS",
            "lead_01",
            "0812x",
            "tel:081234567890",
            "WA: 081200000216",
            "https://wa.me/6281200000215",
            "+62 812-0000-0214 (WA)",
            "(021) 5550103 ext 12",
            "0812 0000 0218 a.n. Budi",
            "p:+6281200000101",
            "'081200000190",
        ] {
            assert_eq!(refusal(text), PhoneError::Text, "{text:?}");
        }
        assert_eq!(refusal("0812;ext=5"), PhoneError::SeveralNumbers);
    }

    #[test]
    fn a_new_mobile_range_can_be_added() {
        assert!(is_new_mobile("841234567", &["84"]));
        assert!(!is_new_mobile("84123456", &["84"]));
        assert!(!is_new_mobile("841234567", &NEW_MOBILE_PREFIXES));
    }

    #[test]
    fn importers_strip_what_they_know_by_name() {
        for (cell, number) in [
            ("p:+6281200000101", "+6281200000101"),
            ("=\"081200000180\"", "081200000180"),
            ("'081200000190", "081200000190"),
            ("‘081200000191", "081200000191"),
            ("\t'p:0812 ", "0812"),
            ("='0812", "='0812"),
            ("0812", "0812"),
            ("P0812", "P0812"),
            ("'", ""),
        ] {
            assert_eq!(strip_marks(cell), number, "{cell}");
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
        // Valid mobile numbers: 80 and 84 are none.
        let subscriber = "8[1-35-9][0-9]{8,9}";
        let start = prop::sample::select(vec![
            "+62", "62", "0", "", "0062", "+62 0", "+62 (0)", "00 62 ", "(0)",
        ]);
        let separator = prop::sample::select(vec!["", " ", "-", " - ", "\u{a0}", "–", "\u{200e}"]);
        let zero = prop::sample::select(vec!['0', '０', '٠', '۰', '०', '𝟎']);
        (
            subscriber,
            start,
            prop::collection::vec(separator, 11),
            zero,
        )
            .prop_map(|(digits, start, separators, zero)| {
                let mut spelled: String = digits
                    .chars()
                    .zip(separators)
                    .flat_map(|(d, s)| std::iter::once(d).chain(s.chars()))
                    .collect();
                spelled.truncate(spelled.trim_end_matches([' ', '-', '–', '\u{a0}']).len());
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

        #[test]
        fn digits_are_kept_or_refused(text in "(\\+|\\+62 ?\\(?0?\\)?|0|62|8)?[0-9 .-]{4,18}") {
            if let Some(phone) = Phone::parse(&text) {
                let written: String = text.chars().filter(char::is_ascii_digit).collect();
                // Country code and trunk prefix aside, nothing is added and nothing lost.
                let subscriber = &phone.as_str()[phone.as_str().len() - 5..];
                prop_assert!(written.ends_with(subscriber));
            }
        }
    }
}
