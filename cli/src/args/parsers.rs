//! Parsers for the values of arguments.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use heck::ToKebabCase as _;
use konektor_sdk::uuid::Uuid;

/// Parses one of these words, in any case and in kebab-case as well.
pub(crate) fn word<T>(words: &'static [T]) -> impl TypedValueParser<Value = T>
where
    T: AsRef<str> + Clone + Send + Sync,
{
    let values = words.iter().map(|word| {
        let (word, kebab) = (word.as_ref(), word.as_ref().to_kebab_case());
        let value = PossibleValue::new(word);
        if kebab == word {
            value
        } else {
            value.alias(kebab)
        }
    });
    PossibleValuesParser::new(values).try_map(|typed| {
        let is_typed = |word: &&T| {
            let word = word.as_ref();
            word.eq_ignore_ascii_case(&typed) || word.to_kebab_case().eq_ignore_ascii_case(&typed)
        };
        words.iter().find(is_typed).cloned().ok_or("not allowed")
    })
}

pub(super) fn whole_number(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "not a whole number")
}

pub(super) fn number(text: &str) -> Result<f64, &'static str> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err("not a number; write it like 5000000 or 49.5"),
    }
}

pub(super) fn uuid(text: &str) -> Result<Uuid, &'static str> {
    text.parse().map_err(|_| "not a UUID")
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};
    use konektor_sdk::LeadMatchBy;

    use super::*;

    fn typed(text: &str) -> Option<LeadMatchBy> {
        let arg = Arg::new("by")
            .value_parser(word(LeadMatchBy::VALUES))
            .ignore_case(true);
        let matches = Command::new("find")
            .arg(arg)
            .try_get_matches_from(["find", text]);
        matches.ok()?.get_one("by").cloned()
    }

    #[test]
    fn words_are_known_in_any_case_and_in_kebab_case() {
        for text in ["externalRef", "external-ref", "EXTERNALREF", "External-Ref"] {
            assert_eq!(typed(text), Some(LeadMatchBy::ExternalRef), "{text}");
        }
        for text in ["external", "external_ref", ""] {
            assert_eq!(typed(text), None, "{text}");
        }
    }

    #[test]
    fn numbers_are_finite() {
        assert_eq!(number("49.5"), Ok(49.5));
        assert_eq!(number("-1e3"), Ok(-1000.0));
        for text in ["NaN", "inf", "1,5", "Rp 5", ""] {
            assert!(number(text).is_err(), "{text}");
        }
        assert_eq!(whole_number("7"), Ok(7));
        for text in ["7.0", "-7", "seven", ""] {
            assert!(whole_number(text).is_err(), "{text}");
        }
    }
}
