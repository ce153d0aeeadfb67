//! A lead, and the changes that a caller asks for.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{amount::Amount, id, lead_fields::lead_fields, phone::Phone, time};

/// The type in which a lead stores the input of a caller.
macro_rules! stored_type {
    ($input:ty) => {
        $input
    };
    ($input:ty as $stored:ty) => {
        $stored
    };
}

macro_rules! define_lead {
    ($( $name:ident: $input:ty $(as $stored:ty)?, $place:ident $($key:literal)?; )*) => {
        /// A lead as the API answers it.
        ///
        /// Status, priority, source and the like are plain text here, because only the API document states their
        /// allowed values.
        #[derive(Clone, PartialEq, Default, Serialize)]
        #[serde(rename_all = "camelCase")]
        #[expect(
            missing_docs,
            reason = "the fields are those of the API document, which describes them"
        )]
        pub struct Lead {
            pub id: String,
            pub unique_code: String,
            $( pub $name: stored_type!($input $(as $stored)?), )*
            pub conversion_sync_status: String,
            #[serde(serialize_with = "time::serialize")]
            pub created_at: Timestamp,
            #[serde(serialize_with = "time::serialize")]
            pub updated_at: Timestamp,
        }

        /// The fields that a caller sent. `None` leaves a field as it is, `Some(None)` clears it.
        #[derive(Clone, Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        #[expect(
            missing_docs,
            reason = "the fields are those of the API document, which describes them"
        )]
        pub struct LeadChanges {
            #[serde(deserialize_with = "present")]
            pub unique_code: Option<String>,
            $( #[serde(deserialize_with = "present")] pub $name: Option<$input>, )*
        }

        impl Lead {
            /// Creates a lead from the fields of a caller, with defaults filled in.
            ///
            /// Returns `None` if firstName, status or priority is missing.
            #[must_use]
            pub fn create(new: NewLead, fields: LeadChanges) -> Option<Self> {
                Some(Self {
                    id: new.id,
                    unique_code: fields.unique_code.unwrap_or(new.unique_code),
                    $( $name: match fields.$name {
                        Some(value) => value.into_stored(),
                        None => Field::absent()?,
                    }, )*
                    conversion_sync_status: NOTHING_TO_SYNC.into(),
                    created_at: time::whole_millis(new.now),
                    updated_at: time::whole_millis(new.now),
                })
            }

            /// Sets the fields that were sent. If they already have these values, nothing changes, not even updatedAt.
            pub fn apply(&mut self, changes: LeadChanges, now: Timestamp) {
                let before = self.clone();
                if let Some(code) = changes.unique_code {
                    self.unique_code = code;
                }
                $( if let Some(value) = changes.$name {
                    self.$name = value.into_stored();
                } )*
                if *self != before {
                    self.updated_at = time::whole_millis(now);
                }
            }
        }

        define_personal_data! { [] $( $name: stored_type!($input $(as $stored)?), $place $($key)?; )* }
    };
}

/// Defines a struct of the sealed fields. One rule skips the fields with a column, another one collects the sealed
/// ones.
macro_rules! define_personal_data {
    ([$($sealed:tt)*] $name:ident: $stored:ty, column; $($rest:tt)*) => {
        define_personal_data! { [$($sealed)*] $($rest)* }
    };
    ([$($sealed:tt)*] $name:ident: $stored:ty, sealed $key:literal; $($rest:tt)*) => {
        define_personal_data! { [$($sealed)* $name: $stored, $key;] $($rest)* }
    };
    ([$( $name:ident: $stored:ty, $key:literal; )*]) => {
        /// The personal data of a lead, which is sealed as one record. Debug shows none of it.
        ///
        /// One record takes fewer nonces, fewer bytes and a quarter of the work of a cell for each field.
        #[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[expect(
            missing_docs,
            reason = "the fields are those of the API document, which describes them"
        )]
        pub struct PersonalData {
            $( #[serde(rename = $key, skip_serializing_if = "Field::is_absent")] pub $name: $stored, )*
        }

        impl Lead {
            /// The names of the fields that are sealed, as the API document writes them.
            #[must_use]
            pub fn sealed_field_names() -> BTreeSet<String> {
                [$( camel_case(stringify!($name)) ),*].into()
            }

            /// Its personal data.
            #[must_use]
            pub fn personal_data(&self) -> PersonalData {
                PersonalData {
                    $( $name: self.$name.clone(), )*
                }
            }

            /// Replaces the personal data and returns the names of the fields that changed.
            fn set_personal_data(&mut self, data: PersonalData) -> Vec<String> {
                let mut changed = Vec::new();
                $( if self.$name != data.$name {
                    self.$name = data.$name;
                    changed.push(camel_case(stringify!($name)));
                } )*
                changed
            }
        }
    };
}

lead_fields!(define_lead);

/// A field that a caller may leave out.
trait Field: Sized {
    /// The value of a field that was left out; `None` for a field that every lead has.
    fn absent() -> Option<Self>;

    fn is_absent(&self) -> bool;
}

impl Field for String {
    fn absent() -> Option<Self> {
        None
    }

    fn is_absent(&self) -> bool {
        false
    }
}

impl<T> Field for Option<T> {
    fn absent() -> Option<Self> {
        Some(None)
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

/// Converts the input of a caller to the value that a lead stores.
trait IntoStored<Stored> {
    fn into_stored(self) -> Stored;
}

impl<T> IntoStored<T> for T {
    fn into_stored(self) -> T {
        self
    }
}

impl IntoStored<Option<String>> for Option<Phone> {
    fn into_stored(self) -> Option<String> {
        self.map(Phone::into_string)
    }
}

/// The values that the server chooses for a new lead.
pub struct NewLead {
    /// A new id.
    pub id: String,
    /// The code to use when the caller gave none.
    pub unique_code: String,
    /// The time of creation.
    pub now: Timestamp,
}

/// The status that makes a lead a conversion.
pub const CONVERSION: &str = "won";

/// The first name of a lead after its person was erased. Every lead has a first name.
pub const ERASED_NAME: &str = "Erased";

/// The sync state of a lead that has nothing to deliver.
pub const NOTHING_TO_SYNC: &str = "none";

impl Lead {
    /// The names of all fields, as the API document writes them.
    #[must_use]
    pub fn field_names() -> BTreeSet<String> {
        let new = NewLead {
            id: String::new(),
            unique_code: String::new(),
            now: Timestamp::UNIX_EPOCH,
        };
        let fields = LeadChanges {
            first_name: Some(String::new()),
            status: Some(String::new()),
            priority: Some(String::new()),
            ..LeadChanges::default()
        };
        let lead = Self::create(new, fields).and_then(|lead| serde_json::to_value(lead).ok());
        match lead {
            Some(Value::Object(fields)) => fields.into_iter().map(|(name, _)| name).collect(),
            _ => BTreeSet::new(),
        }
    }

    /// Whether this is its id, uniqueCode, externalRef or phone.
    #[must_use]
    pub fn has_handle(&self, handle: &str) -> bool {
        self.id == handle
            || self.unique_code == handle
            || self.external_ref.as_deref() == Some(handle)
            || self.phone.is_some()
                && self.phone.as_deref() == Phone::parse(handle).as_ref().map(Phone::as_str)
    }

    /// Erases the person and returns the names of the erased fields; none if the person was erased before. Fields that
    /// totals are computed from stay.
    ///
    /// The handles are erased too, because other systems may know the person by them. `code` replaces the uniqueCode.
    pub fn erase(&mut self, code: String, now: Timestamp) -> Vec<String> {
        let mut erased = self.set_personal_data(PersonalData {
            first_name: ERASED_NAME.to_owned(),
            ..PersonalData::default()
        });
        if self.external_ref.take().is_some() {
            erased.push("externalRef".to_owned());
        }
        if !erased.is_empty() || !id::is_unique_code(&self.unique_code) {
            self.unique_code = code;
            self.updated_at = time::whole_millis(now);
            erased.push("uniqueCode".to_owned());
        }
        erased
    }

    /// Whether stored replies that show the earlier lead must not be sent again. They would reveal personal data that
    /// has since changed, or notes that have been cleared.
    #[must_use]
    pub fn outdates_answers(&self, before: &Self) -> bool {
        let without_notes = |lead: &Self| PersonalData {
            notes: None,
            ..lead.personal_data()
        };
        without_notes(self) != without_notes(before)
            || (self.notes.is_none() && before.notes.is_some())
    }
}

impl fmt::Debug for PersonalData {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PersonalData(…)")
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

/// The name of a field in the API document.
fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut starts_word = false;
    for letter in name.chars() {
        match letter {
            '_' => starts_word = true,
            _ if starts_word => {
                camel.push(letter.to_ascii_uppercase());
                starts_word = false;
            }
            _ => camel.push(letter),
        }
    }
    camel
}

/// Makes null a value: a field with this function is absent only if it was not sent, whereas serde reads null as
/// absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        assert_eq!(format!("{:?}", lead().personal_data()), "PersonalData(…)");
    }

    /// Later versions must read what is stored, so fields may only be added to this form.
    #[test]
    fn the_sealed_form_stays_as_it_is() {
        let data = PersonalData {
            email: None,
            ..lead().personal_data()
        };
        let form = r#"{"f":"Budi","p":"+6281234567890"}"#;
        assert_eq!(serde_json::to_string(&data).unwrap(), form);
        assert_eq!(serde_json::from_str::<PersonalData>(form).unwrap(), data);
        assert!(serde_json::from_str::<PersonalData>(r#"{"p":"+6281234567890"}"#).is_err());
    }

    proptest! {
        #[test]
        fn personal_data_comes_back_exactly(
            first_name: String, last_name: Option<String>, email: Option<String>, phone: Option<String>, notes: Option<String>,
        ) {
            let data = PersonalData { first_name, last_name, email, phone, notes };
            let form = serde_json::to_vec(&data).unwrap();
            prop_assert_eq!(serde_json::from_slice::<PersonalData>(&form).ok(), Some(data));
        }
    }
}
