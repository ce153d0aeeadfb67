//! Comparison of email addresses.

/// The form in which addresses are compared and looked up: trimmed and lower-cased.
///
/// The address itself is stored and shown as it was sent.
///
/// ```
/// use konektor_server::domain::email::comparable;
/// assert_eq!(comparable(" Budi@Example.COM "), "budi@example.com");
/// ```
#[must_use]
pub fn comparable(address: &str) -> String {
    address.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_surrounding_space_do_not_matter() {
        assert_eq!(
            comparable("\tSITI@toko.CO.ID\n"),
            comparable("siti@toko.co.id")
        );
    }

    #[test]
    fn everything_else_does() {
        assert_ne!(
            comparable("si.ti@toko.co.id"),
            comparable("siti@toko.co.id")
        );
        assert_ne!(
            comparable("siti+a@toko.co.id"),
            comparable("siti@toko.co.id")
        );
    }
}
