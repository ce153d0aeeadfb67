//! The codes that people give to leads (`uniqueCode`, `externalRef`).

/// The smallest text above every text that begins with `prefix`, for a search by prefix as a range
/// (`prefix <= code < end`) over text compared by its bytes; `None` when there is none above.
///
/// ```
/// use konektor_server::domain::code::prefix_end;
/// assert_eq!(prefix_end("KNK-").as_deref(), Some("KNK."));
/// ```
#[must_use]
pub fn prefix_end(prefix: &str) -> Option<String> {
    let mut kept = prefix.to_owned();
    while let Some(last) = kept.pop() {
        // A range of chars skips the surrogates, which no text contains.
        if let Some(next) = (last..=char::MAX).nth(1) {
            kept.push(next);
            return Some(kept);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_end_of_a_prefix_carries_over_what_has_no_successor() {
        assert_eq!(prefix_end("a\u{d7ff}").as_deref(), Some("a\u{e000}"));
        assert_eq!(prefix_end("a\u{10ffff}\u{10ffff}").as_deref(), Some("b"));
        assert_eq!(prefix_end("\u{10ffff}"), None);
        assert_eq!(prefix_end(""), None);
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            "[ab\u{7f}\u{80}\u{d7ff}\u{e000}\u{10fffe}\u{10ffff}]{0,4}"
        ]
    }

    proptest! {
        #[test]
        fn the_range_holds_exactly_the_texts_with_the_prefix(prefix in text(), rest in text(), other in text()) {
            for candidate in [format!("{prefix}{rest}"), other] {
                let below_end = prefix_end(&prefix).is_none_or(|end| candidate < end);
                let in_range = candidate >= prefix && below_end;
                prop_assert_eq!(in_range, candidate.starts_with(&prefix));
            }
        }
    }
}
