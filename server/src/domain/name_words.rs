//! How names are searched: which words a name has, and which search words find it.
//!
//! A name is found through keyed tokens of its [`searchable_forms`], and the decrypted candidate is then verified with
//! [`NameWord::finds`]; a property test holds the two together. The forms are stored as tokens, so that a change to
//! these rules needs a migration that rebuilds every name index.

use std::collections::BTreeSet;

use icu_casemap::CaseMapper;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{Alphabetic, GeneralCategory, GeneralCategoryGroup},
};
use konektor_spec::text::{is_apostrophe, is_ignorable};

/// The shortest prefix, in letters. A prefix of two letters would find half of all names.
pub const SHORTEST_PREFIX: usize = 3;

/// What every apostrophe is folded to.
const APOSTROPHE: char = '\'';

/// A word of a name or of a search, folded.
///
/// An apostrophe separates a word that may also be written as one: `ma'ruf` is ma and ruf, and also maruf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameWord {
    parts: Vec<String>,
    joined: Option<String>,
}

/// The words of a name, as a search looks for them.
pub struct Name(Vec<String>);

/// The words of a text, folded: case, diacritics, compatibility forms and invisible characters make no
/// difference. Whatever is neither letter, digit, mark nor apostrophe separates words.
///
/// ```
/// use konektor_server::domain::name_words::words;
/// let words = words("José O'BRIEN");
/// assert_eq!(words[0].parts(), ["jose"]);
/// assert_eq!(words[1].parts(), ["o", "brien"]);
/// assert_eq!(words[1].joined(), Some("obrien"));
/// ```
#[must_use]
pub fn words(text: &str) -> Vec<NameWord> {
    folded(text)
        .split(|c| !is_word_character(c) && c != APOSTROPHE)
        .filter_map(NameWord::new)
        .collect()
}

/// Every search word that finds this name: its words, and their prefixes of at least three letters.
///
/// ```
/// use konektor_server::domain::name_words::searchable_forms;
/// let terms = searchable_forms("Budi", Some("Si"));
/// assert!(terms.iter().eq(["bud", "budi", "si"]));
/// ```
#[must_use]
pub fn searchable_forms(first: &str, last: Option<&str>) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for word in Name::new(first, last).0 {
        terms.extend(prefix_ends(&word).map(|end| word[..end].to_owned()));
        terms.insert(word);
    }
    terms
}

impl NameWord {
    fn new(word: &str) -> Option<Self> {
        let parts: Vec<_> = word
            .split(APOSTROPHE)
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        let joined = (parts.len() > 1).then(|| parts.concat());
        (!parts.is_empty()).then_some(Self { parts, joined })
    }

    /// The parts between its apostrophes. All have to match, unless [`NameWord::joined`] does.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The word without its apostrophes, if it has one.
    #[must_use]
    pub fn joined(&self) -> Option<&str> {
        self.joined.as_deref()
    }

    /// Whether this word finds a name.
    #[must_use]
    pub fn finds(&self, name: &Name) -> bool {
        self.parts.iter().all(|part| name.matches(part))
            || self.joined().is_some_and(|joined| name.matches(joined))
    }
}

impl Name {
    /// The words of both names.
    #[must_use]
    pub fn new(first: &str, last: Option<&str>) -> Self {
        let both = [Some(first), last].into_iter().flatten();
        let words = both.flat_map(words);
        Self(
            words
                .flat_map(|word| word.parts.into_iter().chain(word.joined))
                .collect(),
        )
    }

    /// Whether a folded text is a word of this name, or a long enough prefix of one.
    fn matches(&self, term: &str) -> bool {
        self.0.iter().any(|word| {
            word == term
                || (word.starts_with(term) && prefix_ends(word).any(|end| end == term.len()))
        })
    }
}

/// Where prefixes of three or more letters end, in bytes.
///
/// A letter is a character with the marks that follow it: a consonant with its vowel sign counts as one letter and is
/// never separated.
fn prefix_ends(word: &str) -> impl Iterator<Item = usize> {
    word.char_indices()
        .filter(|&(at, c)| at > 0 && !is_mark(c))
        .map(|(at, _)| at)
        .chain([word.len()])
        .skip(SHORTEST_PREFIX - 1)
}

/// Compatibility caseless form (Unicode standard, section 3.13, D146), without diacritics and without
/// characters that are not seen (joiners, soft hyphens, direction marks).
fn folded(text: &str) -> String {
    let decompose = DecomposingNormalizerBorrowed::new_nfkd();
    let fold = |text: &str| CaseMapper::new().fold_string(text).into_owned();
    let visible: String = text
        .chars()
        .filter(|&c| !is_ignorable(c))
        // The spacing acute accent decomposes to a space, which would split a word.
        .map(|c| if is_apostrophe(c) { APOSTROPHE } else { c })
        .collect();
    let canonical = fold(&DecomposingNormalizerBorrowed::new_nfd().normalize(&visible));
    let compatible = fold(&decompose.normalize(&canonical));
    let mut plain = String::with_capacity(compatible.len());
    for c in decompose.normalize(&compatible).chars() {
        match letters_of(c) {
            Some(letters) => plain.push_str(letters),
            None if is_diacritic(c) => {}
            None if is_apostrophe(c) => plain.push(APOSTROPHE),
            None => plain.push(c),
        }
    }
    // Hangul syllables are one letter again.
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(&plain)
        .into_owned()
}

/// Marks that people may leave out when they type a name. Vowel signs and the like are not among them, because a word
/// without them is another word. The ranges are fixed, so that stored tokens do not depend on a version of Unicode.
fn is_diacritic(c: char) -> bool {
    matches!(
        c,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
            | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
            // Cyrillic, Hebrew, Arabic.
            | '\u{483}'..='\u{487}'
            | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c2}' | '\u{5c4}'..='\u{5c5}' | '\u{5c7}'
            | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}'
            | '\u{6d6}'..='\u{6dc}' | '\u{6df}'..='\u{6e4}' | '\u{6e7}'..='\u{6e8}' | '\u{6ea}'..='\u{6ed}'
    )
}

/// How people type small letters that have no decomposition: without their stroke, hook or ligature.
fn letters_of(c: char) -> Option<&'static str> {
    Some(match c {
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        'ə' | 'ⱥ' => "a",
        'ƀ' | 'ɓ' => "b",
        'ƈ' | 'ȼ' => "c",
        'đ' | 'ð' | 'ƌ' | 'ɖ' | 'ɗ' => "d",
        'ɇ' | 'ɛ' => "e",
        'ƒ' => "f",
        'ǥ' | 'ɠ' => "g",
        'ħ' | 'ɦ' => "h",
        'ı' | 'ɨ' | 'ɩ' => "i",
        'ȷ' | 'ɉ' => "j",
        'ĸ' | 'ƙ' => "k",
        'ł' | 'ƚ' | 'ɫ' => "l",
        'ŋ' | 'ƞ' | 'ɲ' => "n",
        'ø' | 'ɔ' | 'ɵ' => "o",
        'ƥ' => "p",
        'ɋ' => "q",
        'ɍ' => "r",
        'ȿ' => "s",
        'ŧ' | 'ƫ' | 'ƭ' | 'ʈ' => "t",
        'ʉ' => "u",
        'ʋ' => "v",
        'ƴ' | 'ɏ' => "y",
        'ƶ' | 'ȥ' | 'ɀ' | 'ʒ' => "z",
        _ => return None,
    })
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
        let name = Name::new(first, last);
        words(search).iter().all(|word| word.finds(&name))
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
    fn diacritics_make_no_difference_in_either_direction() {
        for (plain, written) in [
            ("jose", "José"),
            ("jose", "Jose\u{301}"),
            ("lukasz", "Łukasz"),
            ("soren", "Søren"),
            ("dung", "Đụng"),
            ("strasse", "Straße"),
            ("STRASSE", "STRAẞE"),
            ("aeneas", "Æneas"),
            ("coeur", "Cœur"),
            ("thor", "Þór"),
            ("gudrun", "Guðrún"),
            ("isik", "Işık"),
            ("ISIK", "ışık"),
            ("istanbul", "İstanbul"),
            ("nguyen", "Nguyễn"),
            ("anh", "Ánh"),
            ("huong", "Hương"),
            ("sahin", "Şahin"),
            ("елена", "Елёна"),
            ("محمد", "مُحَمَّد"),
            ("احمد", "أحمد"),
            ("שלום", "שָׁלוֹם"),
        ] {
            assert!(finds(plain, written, None), "{plain} {written}");
            assert!(finds(written, plain, None), "{written} {plain}");
            assert!(finds(written, written, None), "{written}");
        }
        // Vowel signs are no diacritics.
        assert!(!finds("कमार", "कुमार", None));
        assert!(finds("ガン", "ガン", None));
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
        // Two letters, whatever the number of characters.
        assert!(!finds("कुमा", "कुमार", None));
        assert!(finds("कुमार", "कुमार", None));
        assert!(finds("कुमार", "कुमारी", None) == (words("कुमार")[0].parts()[0].len() == 9));
        assert!(finds("ebo", "e\u{30a}bon", None));
    }

    #[test]
    fn an_apostrophe_of_any_kind_parts_a_word_that_is_also_one() {
        let names = [
            "Ma'ruf", "Ma’ruf", "Ma‘ruf", "Ma`ruf", "Ma´ruf", "Maʼruf", "Maʻruf", "Ma＇ruf",
            "Maʿruf",
        ];
        for name in names {
            for search in names
                .into_iter()
                .chain(["maruf", "mar", "ruf", "ma ruf", "Ma’ru"])
            {
                assert!(finds(search, name, None), "{search} {name}");
            }
            assert!(finds(name, "Maruf", None), "{name}");
            assert!(!finds(name, "Ruf", None), "{name}");
        }
        assert_eq!(words("'aisyah'")[0].joined(), None);
        assert!(finds("aisyah", "’Aisyah", None));
        assert!(finds("ŉdaba", "'ndaba", None));
        assert_eq!(words("' ’").len(), 0);
    }

    #[test]
    fn punctuation_separates_in_names_and_searches_alike() {
        assert!(finds("o'brien", "O'Brien", None));
        assert!(finds("brien", "O’Brien", None));
        assert!(finds("jean-luc", "Jean Luc", None));
        assert!(!finds("jeanluc", "Jean-Luc", None));
        assert_eq!(words(" ,.- "), []);
    }

    #[test]
    fn several_words_may_come_from_both_names() {
        assert!(finds("santoso budi", "Budi", Some("Santoso")));
        assert!(!finds("santoso andi", "Budi", Some("Santoso")));
    }

    fn name() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[A-Za-zßİıŉΣς łØđæÞé'’´ʼ\u{301}\u{30a}\u{345}\u{200d}-]{0,20}",
            "[a-c]{0,5} [a-c]{0,5}'?[a-c]{0,3}",
        ]
    }

    proptest! {
        #[test]
        fn a_search_word_matches_exactly_when_it_is_an_index_term(
            first in name(), last in prop::option::of(name()), search in name(),
        ) {
            let terms = searchable_forms(&first, last.as_deref());
            let name = Name::new(&first, last.as_deref());
            for word in words(&search) {
                let indexed = word.parts().iter().all(|part| terms.contains(part))
                    || word.joined().is_some_and(|joined| terms.contains(joined));
                prop_assert_eq!(indexed, word.finds(&name));
            }
            for term in &terms {
                prop_assert!(name.matches(term));
            }
        }

        #[test]
        fn a_name_is_found_by_itself_in_any_case(name in name()) {
            prop_assert!(finds(&name, &name, None));
            prop_assert!(finds(&name.to_uppercase(), &name.to_uppercase(), None));
        }

        #[test]
        fn folding_is_settled_after_once(name in name()) {
            let once = folded(&name);
            prop_assert_eq!(folded(&once), once);
        }
    }
}
