//! A search as terms, which are looked up in an index and compared with decrypted leads.

use super::{
    code, email,
    lead::Lead,
    name_words::{self, Name, NameWord},
    phone::Phone,
};

/// The most groups of digits in a spelling of a phone number.
const MAX_PHONE_GROUPS: usize = 18;

/// The most words that are read. The document's limit is lower.
const MAX_TERMS: usize = 16;

/// A search. It finds a lead if all its words match, or if its text as a whole is the lead's email or the beginning of
/// one of its codes.
#[derive(Clone)]
pub struct SearchQuery {
    /// None when the text is one word.
    whole: Option<SearchTerm>,
    words: Vec<SearchTerm>,
}

/// A word, or a phone number with its spaces, in every form that can match a lead.
#[derive(Clone)]
pub struct SearchTerm {
    /// The text as it was sent: codes are compared exactly, by their beginning.
    pub text: String,
    /// The text as an email in its comparable form, if it can be one.
    pub email: Option<String>,
    /// The text as a phone number, if it is one.
    pub phone: Option<Phone>,
    /// The words of a name that all have to match; empty when names are not searched for the text.
    pub names: Vec<NameWord>,
}

impl SearchQuery {
    /// Reads the text of a search.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let mut words = terms(text);
        let whole = (words.len() > 1 || words.first().is_some_and(|word| word.text != text))
            .then(|| SearchTerm::exact(text));
        words.sort_by(|a, b| a.text.cmp(&b.text));
        words.dedup_by(|a, b| a.text == b.text);
        Self { whole, words }
    }

    /// How many words a text has. Hyphens and apostrophes separate words; an email or a phone is one word.
    #[must_use]
    pub fn count_words(text: &str) -> usize {
        terms(text.trim()).iter().map(SearchTerm::word_count).sum()
    }

    /// The text as a whole, when it is more than one word.
    #[must_use]
    pub fn whole(&self) -> Option<&SearchTerm> {
        self.whole.as_ref()
    }

    /// The words, all of which have to match.
    #[must_use]
    pub fn words(&self) -> &[SearchTerm] {
        &self.words
    }

    /// Whether it finds this lead.
    #[must_use]
    pub fn finds(&self, lead: &Lead) -> bool {
        let name = Name::new(&lead.first_name, lead.last_name.as_deref());
        self.whole.as_ref().is_some_and(|whole| whole.is_of(lead))
            || (!self.words.is_empty()
                && self
                    .words
                    .iter()
                    .all(|word| word.is_of(lead) || word.names(&name)))
    }
}

impl SearchTerm {
    /// A text that is compared with codes and emails only.
    fn exact(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            email: text.contains('@').then(|| email::comparable(text)),
            phone: None,
            names: Vec::new(),
        }
    }

    fn word(text: &str, phone: Option<Phone>) -> Self {
        let mut term = Self {
            phone,
            ..Self::exact(text)
        };
        let names = name_words::words(text);
        // The parts of an email or a phone are not names.
        if !term.is_email_or_phone() || parts(&names) == 1 {
            term.names = names;
        }
        term
    }

    fn is_email_or_phone(&self) -> bool {
        let is_email = self.email.as_deref().is_some_and(|email| {
            email
                .split_once('@')
                .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
        });
        is_email || self.phone.is_some()
    }

    fn word_count(&self) -> usize {
        parts(&self.names).max(1)
    }

    /// Whether it is the lead's email or phone, or the beginning of a code.
    fn is_of(&self, lead: &Lead) -> bool {
        let codes = [Some(&lead.unique_code), lead.external_ref.as_ref()];
        codes
            .into_iter()
            .flatten()
            .any(|code| code.starts_with(&self.text))
            || (self.email.is_some() && lead.email.as_deref().map(email::comparable) == self.email)
            || self
                .phone
                .as_ref()
                .is_some_and(|phone| lead.phone.as_deref() == Some(phone.as_str()))
    }

    fn names(&self, name: &Name) -> bool {
        !self.names.is_empty() && self.names.iter().all(|word| word.finds(name))
    }

    /// The end of the range of codes that begin with the text; None when it is open.
    #[must_use]
    pub fn code_end(&self) -> Option<String> {
        code::prefix_end(&self.text)
    }
}

fn parts(names: &[NameWord]) -> usize {
    names.iter().map(|name| name.parts().len()).sum()
}

/// The words of a text in their order; groups of digits that make a phone number are one word. At most one word more
/// than [`MAX_TERMS`], because such a text is refused anyway and each word may be tried as a phone number.
fn terms(text: &str) -> Vec<SearchTerm> {
    let words: Vec<_> = ranges(text).collect();
    let mut terms = Vec::new();
    let mut at = 0;
    while let Some(&(start, end)) = words.get(at)
        && terms.len() <= MAX_TERMS
    {
        let groups = words[at..]
            .iter()
            .take(MAX_PHONE_GROUPS)
            .take_while(|&&(start, end)| may_be_of_phone(&text[start..end]))
            .count();
        // The longest phone number wins: 0812 3456 7890, and not 0812 3456 789 followed by a word 0.
        let phone = (1..=groups).rev().find_map(|count| {
            let (_, end) = words[at + count - 1];
            Some((count, end, Phone::parse(&text[start..end])?))
        });
        let (count, end, phone) = match phone {
            Some((count, end, phone)) => (count, end, Some(phone)),
            None => (1, end, None),
        };
        terms.push(SearchTerm::word(&text[start..end], phone));
        at += count;
    }
    terms
}

/// Where the words of a text begin and end.
fn ranges(text: &str) -> impl Iterator<Item = (usize, usize)> {
    text.split_whitespace().map(move |word| {
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        (start, start + word.len())
    })
}

/// Whether a word has no letters. Most words have some, and a phone number has none.
fn may_be_of_phone(word: &str) -> bool {
    !word.chars().any(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let query = SearchQuery::parse(text);
        query.words.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn a_phone_with_blanks_is_one_word() {
        assert_eq!(
            texts("Nur'aini 0812 0000 0101"),
            ["0812 0000 0101", "Nur'aini"]
        );
        assert_eq!(
            texts("0812-0000-0101 rahmawati 2"),
            ["0812-0000-0101", "2", "rahmawati"]
        );
        assert_eq!(
            texts(" +62 (0) 812 - 0000 - 0101 "),
            ["+62 (0) 812 - 0000 - 0101"]
        );
        assert_eq!(texts("7 0812 0000 0101"), ["0812 0000 0101", "7"]);
        assert_eq!(texts("0812 0000"), ["0000", "0812"]);
        let query = SearchQuery::parse("62 812 0000 0101");
        assert!(query.whole.is_none());
        assert_eq!(
            query.words[0].phone.as_ref().map(Phone::as_str),
            Some("+6281200000101")
        );
    }

    #[test]
    fn words_are_counted_as_people_and_indexes_do() {
        for (text, count) in [
            ("budi", 1),
            ("budi santoso", 2),
            ("a a a", 3),
            ("Muhammad Al-Fatih", 3),
            ("ma'ruf", 2),
            ("Nur'aini 0812 0000 0101", 3),
            ("+62 (0) 812 - 0000 - 0101", 1),
            ("budi.s-x@mail.example.co.id", 1),
            ("--- ???", 2),
            ("", 0),
        ] {
            assert_eq!(SearchQuery::count_words(text), count, "{text}");
        }
    }
}
