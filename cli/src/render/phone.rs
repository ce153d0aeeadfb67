use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};

/// Formats an E.164 number as its country writes it. Other text stays as it is.
pub(crate) fn phone(number: &str) -> String {
    PHONE_NUMBER_UTIL.parse(number, None).map_or_else(
        |_| number.to_owned(),
        |parsed| {
            PHONE_NUMBER_UTIL
                .format(&parsed, PhoneNumberFormat::International)
                .into_owned()
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_as_in_their_country() {
        assert_eq!(phone("+6281234567890"), "+62 812-3456-7890");
        assert_eq!(phone("+6285711112222"), "+62 857-1111-2222");
        assert_eq!(phone("+4930901820"), "+49 30 901820");
    }

    #[test]
    fn what_is_no_number_stays() {
        assert_eq!(phone("ask Budi"), "ask Budi");
        assert_eq!(phone(""), "");
    }
}
