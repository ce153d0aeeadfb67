//! How values are written on the wire, and which of them `Debug` may show.

use std::fmt;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Deserializer, Serializer, ser::Error as _};

use crate::change::Change;

/// All characters except the unreserved ones of RFC 3986.
/// <https://datatracker.ietf.org/doc/html/rfc3986#section-2.3>
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Encodes text as one segment of a path.
pub(crate) fn path_segment(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// A value, or a field that may have one.
pub(crate) trait AsOption<T> {
    fn as_option(&self) -> Option<&T>;
}

impl<T> AsOption<T> for T {
    fn as_option(&self) -> Option<&T> {
        Some(self)
    }
}

impl<T> AsOption<T> for Option<T> {
    fn as_option(&self) -> Option<&T> {
        self.as_ref()
    }
}

impl<T> AsOption<T> for Change<T> {
    fn as_option(&self) -> Option<&T> {
        self.value()
    }
}

/// Writes amounts as the server does: whole ones without a fraction.
///
/// NaN and infinity are an error: serde would write null, which clears a field.
pub(crate) fn amount<S: Serializer>(
    amount: &impl AsOption<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    /// Not every larger whole number is an `f64`.
    const EXACT: f64 = 9_007_199_254_740_992.0;

    match amount.as_option() {
        None => serializer.serialize_none(),
        Some(amount) if !amount.is_finite() => Err(S::Error::custom("an amount is not a number")),
        Some(amount) if amount.fract() == 0.0 && amount.abs() < EXACT => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is whole and small enough"
            )]
            let whole = *amount as i64;
            serializer.serialize_i64(whole)
        }
        Some(amount) => serializer.serialize_f64(*amount),
    }
}

/// Writes times as the server does: in UTC with milliseconds.
pub(crate) fn time<S: Serializer>(
    time: &impl AsOption<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time.as_option() {
        None => serializer.serialize_none(),
        Some(time) => serializer.collect_str(&format_args!("{time:.3}")),
    }
}

/// Reads a value that may be absent but not null. serde would silently read null as absent.
pub(crate) fn not_null<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Shows whether there is a text but not the text, which may be personal.
pub(crate) fn redacted(text: &impl AsOption<String>) -> fmt::Arguments<'static> {
    match text.as_option() {
        Some(_) => format_args!("…"),
        None => format_args!("none"),
    }
}

/// Implements an enum of known values and `Unknown`.
macro_rules! open_enum {
    ($name:ident { $($variant:ident = $value:literal),* $(,)? }) => {
        impl $name {
            /// The values that this version of the SDK knows, in the order of the API's document.
            ///
            /// ```
            /// for status in konektor_sdk::LeadStatus::VALUES {
            ///     println!("{status}");
            /// }
            /// ```
            pub const VALUES: &'static [Self] = &[$(Self::$variant),*];

            /// The value as it is on the wire.
            ///
            /// ```
            /// assert_eq!(konektor_sdk::LeadStatus::Won.as_str(), "won");
            /// ```
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $value,)*
                    Self::Unknown(value) => value,
                }
            }

            /// Whether this version of the SDK knows the value.
            ///
            /// ```
            /// use konektor_sdk::LeadStatus;
            ///
            /// assert!(LeadStatus::from("won").is_known());
            /// assert!(!LeadStatus::from("of-tomorrow").is_known());
            /// ```
            #[must_use]
            pub fn is_known(&self) -> bool {
                !matches!(self, Self::Unknown(_))
            }
        }

        impl From<&str> for $name {
            fn from(value: &str) -> Self {
                match value {
                    $($value => Self::$variant,)*
                    _ => Self::Unknown(value.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(value: String) -> Self {
                Self::from(value.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = ::std::convert::Infallible;

            fn from_str(value: &str) -> Result<Self, Self::Err> {
                Ok(Self::from(value))
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    };
}
pub(crate) use open_enum;
