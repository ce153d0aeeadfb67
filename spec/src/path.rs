//! Paths with parameters.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what RFC 3986 calls unreserved.
/// <https://datatracker.ietf.org/doc/html/rfc3986#section-2.3>
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Text as one segment of a path, or as a value in a query.
///
/// ```
/// assert_eq!(konektor_spec::percent_encode("+62 812/3"), "%2B62%20812%2F3");
/// ```
#[must_use]
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A path below the base path, with `{parameters}` as segments.
///
/// ```
/// let update = konektor_spec::Spec::builtin().operation("leads_update").unwrap();
/// assert_eq!(update.path.as_str(), "/leads/{id}");
/// assert_eq!(update.path.fill(|_| "CRM/1024"), "/leads/CRM%2F1024");
/// assert!(update.path.matches("/leads/CRM-1024"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathTemplate(String);

impl PathTemplate {
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As the document writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it has no parameters.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.segments().all(|segment| parameter(segment).is_none())
    }

    /// What a parameter selects one of, in the singular: `lead` for `id` in `/leads/{id}`. None when no segment is
    /// before it.
    ///
    /// ```
    /// let update = konektor_spec::Spec::builtin().operation("leads_update").unwrap();
    /// assert_eq!(update.path.noun_before("id"), Some("lead"));
    /// ```
    #[must_use]
    pub fn noun_before(&self, name: &str) -> Option<&str> {
        let nouns = self.segments().zip(self.segments().skip(1));
        let mut nouns = nouns.filter(|(_, segment)| parameter(segment) == Some(name));
        let (noun, _) = nouns.next()?;
        Some(noun.trim_end_matches('s'))
    }

    /// The path with a value for each parameter, percent-encoded.
    pub fn fill<T: AsRef<str>>(&self, value: impl Fn(&str) -> T) -> String {
        let segments = self.segments().map(|segment| match parameter(segment) {
            Some(name) => percent_encode(value(name).as_ref()),
            None => segment.to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    }

    /// Whether a path, without a query, is one of these. A parameter is never empty.
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        self.segments().count() == path.split('/').count()
            && self.segments().zip(path.split('/')).all(|(segment, text)| {
                match parameter(segment) {
                    Some(_) => !text.is_empty(),
                    None => segment == text,
                }
            })
    }

    fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name in a segment such as `{id}`.
fn parameter(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_segment_by_segment() {
        let template = PathTemplate::new("/leads/{id}");
        assert!(template.matches("/leads/a") && template.matches("/leads/a%2Fb"));
        for other in ["/leads", "/leads/", "/leads/a/b", "/lead/a", "leads/a", ""] {
            assert!(!template.matches(other), "{other}");
        }
        let fixed = PathTemplate::new("/leads/upsert");
        assert!(fixed.is_fixed() && fixed.matches("/leads/upsert"));
        assert!(!template.is_fixed());
    }

    #[test]
    fn values_are_filled_in_as_one_segment_each() {
        let template = PathTemplate::new("/a/{one}/b/{two}");
        assert_eq!(template.fill(str::to_uppercase), "/a/ONE/b/TWO");
        assert_eq!(
            template.fill(|_| "../{two}?#%"),
            "/a/..%2F%7Btwo%7D%3F%23%25/b/..%2F%7Btwo%7D%3F%23%25"
        );
    }
}
