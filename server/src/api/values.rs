//! Values of the API document that code gives a meaning to. [`super::meaning`] checks that the document has the same
//! ones.

use serde::{
    Deserialize,
    de::{IntoDeserializer, value::StrDeserializer},
};

/// The field by which a list of leads is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum SortBy {
    CreatedAt,
    UpdatedAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum SortOrder {
    Asc,
    Desc,
}

/// The field by which an upsert finds its lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum MatchBy {
    Id,
    UniqueCode,
    ExternalRef,
    Phone,
}

/// The value that has this name in the document.
pub(super) fn parse<'a, T: Deserialize<'a>>(name: &'a str) -> Option<T> {
    let name: StrDeserializer<'a, serde::de::value::Error> = name.into_deserializer();
    T::deserialize(name).ok()
}
