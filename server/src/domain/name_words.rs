//! How names are searched: which words a name has, and which search words find it.
//!
//! A name is found through keyed tokens of [`index_terms`], then the decrypted candidate is
//! verified with [`matches`]; a property test keeps the two alike. Terms are stored (as tokens), so
//! a change to these rules needs a new index.

use std::collections::BTreeSet;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{Alphabetic, DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};

/// Shorter words match only as a whole: a prefix of two letters would find half of all names.
const SHORTEST_PREFIX: usize = 3;

/// The words of a text, folded: compatibility forms, case and invisible characters make no
/// difference. Whatever is neither letter, digit nor mark separates words, so `O'Brien` is two.
///
/// ```
/// use konektor_server::domain::name_words::words;
/// assert_eq!(words("Siti O'BRIEN"), ["siti", "o", "brien"]);
/// ```
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    folded(text)
        .split(|c| !is_word_character(c))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Everything a search word may be to find this name: each word, and of each word of at least three
/// letters every prefix from three letters on.
///
/// ```
/// use konektor_server::domain::name_words::index_terms;
/// let terms = index_terms("Budi", Some("Si"));
/// assert!(terms.iter().eq(["bud", "budi", "si"]));
/// ```
#[must_use]
pub fn index_terms(first: &str, last: Option<&str>) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for word in name_words(first, last) {
        terms.extend(prefix_ends(&word).map(|end| word[..end].to_owned()));
        terms.insert(word);
    }
    terms
}

/// Whether a search word, as [`words`] gives it, finds this name.
#[must_use]
pub fn matches(search_word: &str, first: &str, last: Option<&str>) -> bool {
    name_words(first, last).any(|word| {
        word == search_word || prefix_ends(&word).any(|end| word[..end] == *search_word)
    })
}

fn name_words(first: &str, last: Option<&str>) -> impl Iterator<Item = String> {
    words(first)
        .into_iter()
        .chain(last.into_iter().flat_map(words))
}

/// Where prefixes of three or more letters end, in bytes.
///
/// A letter is a character with the marks that follow it, so that `e` + combining accent counts,
/// and is cut, like `é`.
fn prefix_ends(word: &str) -> impl Iterator<Item = usize> {
    word.char_indices()
        .filter(|&(at, c)| at > 0 && !is_mark(c))
        .map(|(at, _)| at)
        .chain([word.len()])
        .skip(SHORTEST_PREFIX - 1)
}

/// Compatibility caseless form (Unicode standard, section 3.13, D146), without characters that are
/// not seen (joiners, soft hyphens, direction marks).
fn folded(text: &str) -> String {
    let compose = ComposingNormalizerBorrowed::new_nfkc();
    let fold = |text: &str| CaseMapper::new().fold_string(text).into_owned();
    let visible: String = text
        .chars()
        .filter(|&c| !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c))
        .collect();
    let canonical = fold(&DecomposingNormalizerBorrowed::new_nfd().normalize(&visible));
    let compatible = fold(&compose.normalize(&canonical));
    compose.normalize(&compatible).into_owned()
}

fn is_word_character(c: char) -> bool {
    CodePointSetData::new::<Alphabetic>().contains(c)
        || in_group(c, GeneralCategoryGroup::Number)
        || is_mark(c)
}

fn is_mark(c: char) -> bool {
    in_group(c, GeneralCategoryGroup::Mark)
}

fn in_group(c: char, group: GeneralCategoryGroup) -> bool {
    group.contains(CodePointMapData::<GeneralCategory>::new().get(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn finds(search: &str, first: &str, last: Option<&str>) -> bool {
        words(search).iter().all(|word| matches(word, first, last))
    }

    #[test]
    fn case_and_form_make_no_difference() {
        assert!(finds("BUDI", "budi", None));
        assert!(finds("Ｂｕｄｉ", "Budi", None));
        assert!(finds("GROSS", "Groß", None));
        assert!(finds("groß", "GROSS", None));
        assert!(finds("jose\u{301}", "José", None));
        assert!(finds("ΣΊΣΥΦΟΣ", "Σίσυφος", None));
        assert!(finds("oﬃce", "Office", None));
        assert!(finds("nima\u{200c}", "Nima", None));
    }

    #[test]
    fn longer_words_match_by_prefix_of_three_letters_or_more() {
        assert!(finds("san", "Budi", Some("Santoso")));
        assert!(finds("santos", "Budi", Some("Santoso")));
        assert!(!finds("sa", "Budi", Some("Santoso")));
        assert!(!finds("antoso", "Budi", Some("Santoso")));
        assert!(!finds("santosos", "Budi", Some("Santoso")));
    }

    #[test]
    fn words_of_one_or_two_letters_match_whole_words() {
        assert!(finds("li", "Li", Some("Wei")));
        assert!(finds("I Made", "I Made", Some("Ardana")));
        assert!(!finds("li", "Lina", None));
        assert!(finds("김", "김 민수", None));
        assert!(!finds("김", "김민수", None));
    }

    #[test]
    fn marks_count_with_their_letter() {
        // Two letters, however many characters they take.
        assert!(!finds("e\u{30a}b", "e\u{30a}bo", None));
        assert!(finds("e\u{30a}bo", "e\u{30a}bon", None));
        assert!(!finds("jos", "jo\u{30c}s\u{30a}e", None));
        assert!(!finds("abc", "abc\u{30a}", None));
    }

    #[test]
    fn punctuation_separates_in_names_and_searches_alike() {
        assert!(finds("o'brien", "O'Brien", None));
        assert!(finds("brien", "O’Brien", None));
        assert!(finds("jean-luc", "Jean Luc", None));
        assert_eq!(words(" ,.- "), Vec::<String>::new());
    }

    #[test]
    fn several_words_may_come_from_both_names() {
        assert!(finds("santoso budi", "Budi", Some("Santoso")));
        assert!(!finds("santoso andi", "Budi", Some("Santoso")));
    }

    fn name() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[A-Za-zßİıŉΣς é'’\u{301}\u{30a}\u{345}\u{200d}-]{0,20}",
            "[a-c]{0,5} [a-c]{0,5}",
        ]
    }

    proptest! {
        #[test]
        fn a_search_word_matches_exactly_when_it_is_an_index_term(
            first in name(), last in prop::option::of(name()), search in name(),
        ) {
            let terms = index_terms(&first, last.as_deref());
            for word in words(&search) {
                prop_assert_eq!(terms.contains(&word), matches(&word, &first, last.as_deref()));
            }
            for term in &terms {
                prop_assert!(matches(term, &first, last.as_deref()));
            }
        }

        #[test]
        fn a_name_is_found_by_itself_in_any_case(name in name()) {
            prop_assert!(finds(&name, &name, None));
            prop_assert!(finds(&name.to_uppercase(), &name.to_uppercase(), None));
        }

        #[test]
        fn folding_is_settled_after_once(name in name()) {
            let once = words(&name).join(" ");
            prop_assert_eq!(words(&once).join(" "), once);
        }
    }
}
