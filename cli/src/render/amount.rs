//! Numbers for people.

/// The currency of a workspace, which decides how amounts look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Currency(Option<String>);

impl Currency {
    /// The currency with this ISO 4217 code; `None` if it is not known.
    pub(crate) fn new(code: Option<&str>) -> Self {
        Self(code.map(str::to_owned))
    }

    /// Formats an amount: rupiah as in Indonesia (`Rp 5.000.000`), other currencies with their code (`USD 1,234.50`),
    /// an unknown one as a number (`5,000,000`).
    pub(crate) fn amount(&self, amount: f64) -> String {
        match self.0.as_deref() {
            Some("IDR") => format!("Rp {}", group_digits(amount, '.', ',')),
            Some(code) => format!("{code} {}", group_digits(amount, ',', '.')),
            None => group_digits(amount, ',', '.'),
        }
    }
}

/// `2,013`
pub(crate) fn count(count: i64) -> String {
    let digits = thousands(&count.unsigned_abs().to_string(), ',');
    if count < 0 {
        format!("-{digits}")
    } else {
        digits
    }
}

/// `26.92 %`
pub(crate) fn share(percentage: f64) -> String {
    format!("{percentage:.2} %")
}

/// Whole numbers without a fraction, others with two decimals.
fn group_digits(amount: f64, group: char, point: char) -> String {
    let rounded = format!("{:.2}", amount.abs());
    let (whole, fraction) = rounded.split_once('.').unwrap_or((&rounded, "00"));
    let sign = if amount < 0.0 { "-" } else { "" };
    let whole = thousands(whole, group);
    if fraction == "00" {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}{point}{fraction}")
    }
}

fn thousands(digits: &str, group: char) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(group);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rupiah_look_as_they_do_in_indonesia() {
        let rupiah = Currency::new(Some("IDR"));
        assert_eq!(rupiah.amount(5_000_000.0), "Rp 5.000.000");
        assert_eq!(rupiah.amount(1234.5), "Rp 1.234,50");
        assert_eq!(rupiah.amount(0.0), "Rp 0");
    }

    #[test]
    fn other_currencies_are_named() {
        assert_eq!(Currency::new(Some("USD")).amount(1234.5), "USD 1,234.50");
        assert_eq!(Currency::new(None).amount(5_000_000.0), "5,000,000");
        assert_eq!(Currency::new(None).amount(-1e15), "-1,000,000,000,000,000");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(2013), "2,013");
        assert_eq!(count(-1_000_000), "-1,000,000");
    }
}
