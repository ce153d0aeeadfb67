//! Checks at startup that the API document has the values that code gives a meaning to, and no others.
//!
//! An unknown value would silently be sorted or counted wrongly, so the server refuses to start.

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};
use konektor_spec::{Schema, Spec};

use super::{
    analytics::summary,
    conversions::pending,
    support::tickets,
    values::{MatchBy, SortBy, SortOrder, parse},
};
use crate::domain::{
    id::{LEAD_PREFIX, TICKET_PREFIX},
    lead::{CONVERSION, Lead, NOTHING_TO_SYNC},
    name_words::SHORTEST_PREFIX,
    period::Period,
};

/// The error when this program cannot serve a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnservableDocument {
    /// A value that has no meaning in the code.
    #[error("no code behind the value {1} of {0}")]
    UnknownValue(&'static str, String),
    /// Values that the code needs and the document does not list under this name.
    #[error("the code needs the values of {0}, which are missing from the document")]
    MissingSchema(&'static str),
    /// A value that the code needs and nobody can send or see.
    #[error("the code needs the value {1} of {0}, which is missing from the document")]
    MissingValue(&'static str, &'static str),
    /// A property that no lead has.
    #[error("no code behind the property {1} of {0}; add it to server/src/domain/lead_fields.rs")]
    UnknownField(&'static str, String),
    /// A field of a lead that the document does not describe.
    #[error("the code has the field {1} of {0}, which is missing from the document")]
    MissingField(&'static str, String),
    /// A personal field that is not encrypted, or the other way round.
    #[error("{0} must be both encrypted and marked x-konektor-personal, but is only one of them")]
    PersonalField(String),
    /// A limit that is stored in indexes, which a document cannot change.
    #[error("the limit {0} is {1} in the code")]
    FixedLimit(&'static str, usize),
    /// An id that begins with another prefix than the document says.
    #[error("{1} of {0} begins with {2} in the code")]
    IdPrefix(&'static str, &'static str, &'static str),
}

/// Whether there is a rule for a value.
type HasRule = fn(&str) -> bool;

/// The enums of which every value has a rule.
const ENUM_RULES: [(&str, HasRule); 4] = [
    ("LeadSortBy", |value| parse::<SortBy>(value).is_some()),
    ("SortOrder", |value| parse::<SortOrder>(value).is_some()),
    ("LeadMatchBy", |value| parse::<MatchBy>(value).is_some()),
    ("Timeframe", |value| {
        Period::from_timeframe(value, Timestamp::UNIX_EPOCH, &TimeZone::UTC).is_some()
    }),
];

/// The enums of which only some values have a meaning.
const REQUIRED_VALUES: [(&str, &[&str]); 5] = [
    ("LeadStatus", &[CONVERSION]),
    ("LeadStatus", &summary::COUNTED_STATUSES),
    ("ConversionSyncStatus", &[NOTHING_TO_SYNC]),
    ("ConversionSyncStatus", &pending::UNSYNCED_STATES),
    ("TicketStatus", &[tickets::NEW]),
];

/// The properties that contain ids made by the server, and what these ids begin with.
const ID_PREFIXES: [(&str, &str, &str); 2] = [
    ("Lead", "id", LEAD_PREFIX),
    ("SupportTicket", "ticketId", TICKET_PREFIX),
];

/// Checks that every value with a rule is known to the code, and that the document has what the code needs.
pub(crate) fn check(spec: &Spec) -> Result<(), UnservableDocument> {
    for (schema, has_rule) in ENUM_RULES {
        let values = spec.enum_values(schema);
        if values.is_empty() {
            return Err(UnservableDocument::MissingSchema(schema));
        }
        for value in values {
            if !has_rule(value) {
                return Err(UnservableDocument::UnknownValue(schema, value.to_owned()));
            }
        }
    }
    for (schema, needed) in REQUIRED_VALUES {
        let values: BTreeSet<_> = spec.enum_values(schema).into_iter().collect();
        for value in needed {
            if !values.contains(value) {
                return Err(UnservableDocument::MissingValue(schema, value));
            }
        }
    }
    check_lead_fields(spec)?;
    check_personal_fields(spec)?;
    check_id_prefixes(spec)?;
    if spec.limits().search_prefix_letters != SHORTEST_PREFIX {
        return Err(UnservableDocument::FixedLimit(
            "searchPrefixLetters",
            SHORTEST_PREFIX,
        ));
    }
    Ok(())
}

/// Checks that ids begin as the document says, because clients recognise them by their prefix.
fn check_id_prefixes(spec: &Spec) -> Result<(), UnservableDocument> {
    for (name, property, prefix) in ID_PREFIXES {
        let schema = spec.schema(name);
        let schema = schema.ok_or(UnservableDocument::MissingSchema(name))?;
        if schema.property(property).and_then(Schema::prefix) != Some(prefix) {
            return Err(UnservableDocument::IdPrefix(name, property, prefix));
        }
    }
    Ok(())
}

/// Checks that the personal fields of a lead, and no others, are encrypted.
fn check_personal_fields(spec: &Spec) -> Result<(), UnservableDocument> {
    let lead = spec.schema("Lead").into_iter();
    let personal: BTreeSet<_> = lead
        .flat_map(Schema::properties)
        .filter(|(_, property)| property.is_personal())
        .map(|(name, _)| name.to_owned())
        .collect();
    let sealed = Lead::sealed_field_names();
    let mut different = personal.symmetric_difference(&sealed);
    match different.next() {
        Some(name) => Err(UnservableDocument::PersonalField(name.clone())),
        None => Ok(()),
    }
}

/// Checks that a lead has every property that the document describes, so that none is lost.
fn check_lead_fields(spec: &Spec) -> Result<(), UnservableDocument> {
    const LEAD: &str = "Lead";
    let schema = spec
        .schema(LEAD)
        .ok_or(UnservableDocument::MissingSchema(LEAD))?;
    let documented: BTreeSet<_> = schema
        .properties()
        .map(|(name, _)| name.to_owned())
        .collect();
    let fields = Lead::field_names();
    if let Some(unknown) = documented.difference(&fields).next() {
        return Err(UnservableDocument::UnknownField(LEAD, unknown.clone()));
    }
    match fields.difference(&documented).next() {
        Some(missing) => Err(UnservableDocument::MissingField(LEAD, missing.clone())),
        None => Ok(()),
    }
}
