//! A lead, and what a caller wants changed about one.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::{amount::Amount, id, phone::Phone, time};

/// A lead as the API answers it.
///
/// Allowed values of status, priority, source and the like stand in the API document alone, so they are
/// plain text here.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    missing_docs,
    reason = "the fields are those of the API document, which describes them"
)]
pub struct Lead {
    pub id: String,
    pub unique_code: String,
    pub external_ref: Option<String>,
    pub first_name: String,
    pub last_name: Option<String>,
    pub email: Option<String>,
    pub phone: Option<String>,
    pub status: String,
    pub priority: String,
    pub source: Option<String>,
    pub ad_platform: Option<String>,
    pub assigned_to: Option<String>,
    pub estimated_value: Option<Amount>,
    pub actual_value: Option<Amount>,
    pub notes: Option<String>,
    pub campaign_name: Option<String>,
    pub conversion_sync_status: String,
    #[serde(serialize_with = "time::serialize")]
    pub created_at: Timestamp,
    #[serde(serialize_with = "time::serialize")]
    pub updated_at: Timestamp,
}

/// The fields a caller gave: None was not given, `Some(None)` is to be cleared.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(
    missing_docs,
    reason = "the fields are those of the API document, which describes them"
)]
pub struct LeadChanges {
    pub unique_code: Option<String>,
    #[serde(deserialize_with = "given")]
    pub external_ref: Option<Option<String>>,
    pub first_name: Option<String>,
    #[serde(deserialize_with = "given")]
    pub last_name: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub email: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub phone: Option<Option<Phone>>,
    pub status: Option<String>,
    pub priority: Option<String>,
    #[serde(deserialize_with = "given")]
    pub source: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub ad_platform: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub assigned_to: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub estimated_value: Option<Option<Amount>>,
    #[serde(deserialize_with = "given")]
    pub actual_value: Option<Option<Amount>>,
    #[serde(deserialize_with = "given")]
    pub notes: Option<Option<String>>,
    #[serde(deserialize_with = "given")]
    pub campaign_name: Option<Option<String>>,
}

/// What the server itself decides about a lead that is being made.
pub struct NewLead {
    /// A fresh id.
    pub id: String,
    /// The code to use when the caller gave none.
    pub unique_code: String,
    /// The moment of creation.
    pub now: Timestamp,
}

/// The status that makes a lead a conversion.
pub const CONVERSION: &str = "won";

/// The first name of a lead whose person was erased: every lead has one.
pub const ERASED_NAME: &str = "Erased";

/// The sync state of a lead for which nothing is due.
pub const NOTHING_TO_SYNC: &str = "none";

impl Lead {
    /// Makes a lead out of what a caller gave, defaults already filled in.
    ///
    /// None when firstName, status or priority is missing.
    #[must_use]
    pub fn create(new: NewLead, fields: LeadChanges) -> Option<Self> {
        Some(Self {
            id: new.id,
            unique_code: fields.unique_code.unwrap_or(new.unique_code),
            external_ref: fields.external_ref.flatten(),
            first_name: fields.first_name?,
            last_name: fields.last_name.flatten(),
            email: fields.email.flatten(),
            phone: fields.phone.flatten().map(Phone::into_string),
            status: fields.status?,
            priority: fields.priority?,
            source: fields.source.flatten(),
            ad_platform: fields.ad_platform.flatten(),
            assigned_to: fields.assigned_to.flatten(),
            estimated_value: fields.estimated_value.flatten(),
            actual_value: fields.actual_value.flatten(),
            notes: fields.notes.flatten(),
            campaign_name: fields.campaign_name.flatten(),
            conversion_sync_status: NOTHING_TO_SYNC.into(),
            created_at: time::whole_millis(new.now),
            updated_at: time::whole_millis(new.now),
        })
    }

    /// Takes over the fields that were given. When they have the values that were given, nothing changes, updatedAt
    /// included.
    pub fn apply(&mut self, changes: LeadChanges, now: Timestamp) {
        let before = self.clone();
        replace(&mut self.unique_code, changes.unique_code);
        replace(&mut self.external_ref, changes.external_ref);
        replace(&mut self.first_name, changes.first_name);
        replace(&mut self.last_name, changes.last_name);
        replace(&mut self.email, changes.email);
        replace(
            &mut self.phone,
            changes.phone.map(|phone| phone.map(Phone::into_string)),
        );
        replace(&mut self.status, changes.status);
        replace(&mut self.priority, changes.priority);
        replace(&mut self.source, changes.source);
        replace(&mut self.ad_platform, changes.ad_platform);
        replace(&mut self.assigned_to, changes.assigned_to);
        replace(&mut self.estimated_value, changes.estimated_value);
        replace(&mut self.actual_value, changes.actual_value);
        replace(&mut self.notes, changes.notes);
        replace(&mut self.campaign_name, changes.campaign_name);
        if *self != before {
            self.updated_at = time::whole_millis(now);
        }
    }
}

impl Lead {
    /// Whether this is its id, uniqueCode, externalRef or phone.
    #[must_use]
    pub fn has_handle(&self, handle: &str) -> bool {
        self.id == handle
            || self.unique_code == handle
            || self.external_ref.as_deref() == Some(handle)
            || self.phone.is_some()
                && self.phone.as_deref() == Phone::parse(handle).as_ref().map(Phone::as_str)
    }

    /// Removes what tells who the person is, and names the fields that told it: none when they are empty already. The
    /// handles go too, since other systems may know the person by them; `code` takes the place of the uniqueCode. What
    /// totals are made of stays.
    pub fn erase(&mut self, code: String, now: Timestamp) -> Vec<&'static str> {
        let mut erased = Vec::new();
        if self.first_name != ERASED_NAME {
            ERASED_NAME.clone_into(&mut self.first_name);
            erased.push("firstName");
        }
        for (name, field) in [
            ("lastName", &mut self.last_name),
            ("email", &mut self.email),
            ("phone", &mut self.phone),
            ("notes", &mut self.notes),
            ("externalRef", &mut self.external_ref),
        ] {
            if field.take().is_some() {
                erased.push(name);
            }
        }
        if !erased.is_empty() || !id::is_unique_code(&self.unique_code) {
            self.unique_code = code;
            self.updated_at = time::whole_millis(now);
            erased.push("uniqueCode");
        }
        erased
    }

    /// Whether answers that show the lead as it was before must not be shown again: they would bring back a name, an
    /// email or a phone that was changed, or notes that were cleared.
    #[must_use]
    pub fn outdates_answers(&self, before: &Self) -> bool {
        let personal = |lead: &Self| {
            (
                lead.first_name.clone(),
                lead.last_name.clone(),
                lead.email.clone(),
                lead.phone.clone(),
            )
        };
        personal(self) != personal(before) || (self.notes.is_none() && before.notes.is_some())
    }
}

impl fmt::Debug for Lead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Lead")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

fn replace<T>(field: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *field = value;
    }
}

/// serde takes null and absent for the same; a field with this function tells them apart.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes(json: &str) -> LeadChanges {
        serde_json::from_str(json).unwrap()
    }

    fn lead() -> Lead {
        let new = NewLead {
            id: "lead_1".into(),
            unique_code: "KNK-1".into(),
            now: Timestamp::UNIX_EPOCH,
        };
        let fields = r#"{"firstName":"Budi","status":"new","priority":"low","email":"b@example.com","phone":"0812 3456 7890"}"#;
        Lead::create(new, changes(fields)).unwrap()
    }

    #[test]
    fn absent_stays_and_null_clears() {
        let mut lead = lead();
        let later = Timestamp::from_second(60).unwrap();
        lead.apply(changes(r#"{"email":null,"lastName":"Santoso"}"#), later);
        assert_eq!(lead.email, None);
        assert_eq!(lead.last_name.as_deref(), Some("Santoso"));
        assert_eq!(lead.phone.as_deref(), Some("+6281234567890"));
        assert_eq!(lead.updated_at, later);
    }

    #[test]
    fn nothing_given_changes_nothing() {
        let mut changed = lead();
        changed.apply(changes("{}"), Timestamp::from_second(60).unwrap());
        assert_eq!(changed, lead());
    }

    #[test]
    fn the_same_values_in_another_spelling_change_nothing() {
        let mut changed = lead();
        let later = Timestamp::from_second(60).unwrap();
        changed.apply(
            changes(r#"{"estimatedValue":5000000}"#),
            Timestamp::UNIX_EPOCH,
        );
        let before = changed.clone();
        let same = r#"{"firstName":"Budi","email":"b@example.com","phone":"+62 812-3456-7890","lastName":null,
            "status":"new","estimatedValue":5e6}"#;
        changed.apply(changes(same), later);
        assert_eq!(changed, before);
        changed.apply(changes(r#"{"email":"B@example.com"}"#), later);
        assert_eq!(changed.updated_at, later, "text is kept as it was sent");
    }

    #[test]
    fn what_tells_of_a_person_is_erased_once() {
        let mut lead = lead();
        lead.notes = Some("Calls at night".into());
        let later = Timestamp::from_second(60).unwrap();
        let code = "KNK-7ZQ4M0X2RD";
        let told = ["firstName", "email", "phone", "notes", "uniqueCode"];
        assert_eq!(lead.erase(code.into(), later), told);
        assert_eq!(
            (lead.first_name.as_str(), lead.unique_code.as_str()),
            (ERASED_NAME, code)
        );
        assert_eq!(
            (&lead.email, &lead.phone, &lead.notes),
            (&None, &None, &None)
        );
        assert_eq!((lead.status.as_str(), lead.updated_at), ("new", later));
        let before = lead.clone();
        let again = Timestamp::from_second(61).unwrap();
        assert!(lead.erase("KNK-0000000000".into(), again).is_empty());
        assert_eq!(lead, before);
    }

    #[test]
    fn debug_shows_no_personal_data() {
        assert_eq!(format!("{:?}", lead()), r#"Lead { id: "lead_1", .. }"#);
    }
}
