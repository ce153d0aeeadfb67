//! A lead, and what a caller wants changed about one.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{amount::Amount, id, lead_fields::lead_fields, phone::Phone, time};

/// The type that a lead keeps of what a caller gives.
macro_rules! kept {
    ($given:ty) => {
        $given
    };
    ($given:ty as $kept:ty) => {
        $kept
    };
}

macro_rules! define_lead {
    ($( $name:ident: $given:ty $(as $kept:ty)?, $place:ident $($key:literal)?; )*) => {
        /// A lead as the API answers it.
        ///
        /// The API document alone knows the allowed values of status, priority, source and the like: here they are
        /// plain text.
        #[derive(Clone, PartialEq, Default, Serialize)]
        #[serde(rename_all = "camelCase")]
        #[expect(
            missing_docs,
            reason = "the fields are those of the API document, which describes them"
        )]
        pub struct Lead {
            pub id: String,
            pub unique_code: String,
            $( pub $name: kept!($given $(as $kept)?), )*
            pub conversion_sync_status: String,
            #[serde(serialize_with = "time::serialize")]
            pub created_at: Timestamp,
            #[serde(serialize_with = "time::serialize")]
            pub updated_at: Timestamp,
        }

        /// The fields that a caller gave: None leaves a field as it is, `Some(None)` clears it.
        #[derive(Clone, Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        #[expect(
            missing_docs,
            reason = "the fields are those of the API document, which describes them"
        )]
        pub struct LeadChanges {
            #[serde(deserialize_with = "given")]
            pub unique_code: Option<String>,
            $( #[serde(deserialize_with = "given")] pub $name: Option<$given>, )*
        }

        impl Lead {
            /// Makes a lead from what a caller gave, defaults already filled in.
            ///
            /// None when firstName, status or priority is missing.
            #[must_use]
            pub fn create(new: NewLead, fields: LeadChanges) -> Option<Self> {
                Some(Self {
                    id: new.id,
                    unique_code: fields.unique_code.unwrap_or(new.unique_code),
                    $( $name: match fields.$name {
                        Some(value) => value.into_kept(),
                        None => Field::absent()?,
                    }, )*
                    conversion_sync_status: NOTHING_TO_SYNC.into(),
                    created_at: time::whole_millis(new.now),
                    updated_at: time::whole_millis(new.now),
                })
            }

            /// Sets the fields that were given. When they already have these values nothing changes, updatedAt
            /// included.
            pub fn apply(&mut self, changes: LeadChanges, now: Timestamp) {
                let before = self.clone();
                if let Some(code) = changes.unique_code {
                    self.unique_code = code;
                }
                $( if let Some(value) = changes.$name {
                    self.$name = value.into_kept();
                } )*
                if *self != before {
                    self.updated_at = time::whole_millis(now);
                }
            }
        }

        define_personal_data! { [] $( $name: kept!($given $(as $kept)?), $place $($key)?; )* }
    };
}

/// Makes a type of the fields that are sealed: a rule skips each field with a column, another collects the others.
macro_rules! define_personal_data {
    ([$($sealed:tt)*] $name:ident: $kept:ty, column; $($rest:tt)*) => {
        define_personal_data! { [$($sealed)*] $($rest)* }
    };
    ([$($sealed:tt)*] $name:ident: $kept:ty, sealed $key:literal; $($rest:tt)*) => {
        define_personal_data! { [$($sealed)* $name: $kept, $key;] $($rest)* }
    };
    ([$( $name:ident: $kept:ty, $key:literal; )*]) => {
        /// The personal data of a lead, which is sealed as one record. Debug shows none of it.
        ///
        /// One record instead of a cell for each field: fewer nonces, fewer bytes, a quarter of the work.
        #[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
        #[expect(
            missing_docs,
            reason = "the fields are those of the API document, which describes them"
        )]
        pub struct PersonalData {
            $( #[serde(rename = $key, skip_serializing_if = "Field::is_absent")] pub $name: $kept, )*
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

            /// Replaces the personal data and names the fields that this changes.
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

/// What a field is without a value.
trait Field: Sized {
    /// The value of a field that was not given; None for a field that every lead has.
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

/// What a lead keeps of a value that was given.
trait IntoKept<Kept> {
    fn into_kept(self) -> Kept;
}

impl<T> IntoKept<T> for T {
    fn into_kept(self) -> T {
        self
    }
}

impl IntoKept<Option<String>> for Option<Phone> {
    fn into_kept(self) -> Option<String> {
        self.map(Phone::into_string)
    }
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

    /// Erases the person and names the fields that told who it was; none when they are erased already. What totals are
    /// made of stays.
    ///
    /// Other systems may know the person by the handles, so they go too: `code` replaces the uniqueCode.
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

    /// Whether answers that show the lead as it was before must not be given again: they would bring back personal data
    /// that was changed, or notes that were cleared.
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

/// serde reads null as an absent field; a field with this function is absent only if it was not sent.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
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

    /// What is stored must be read by every later version: this form may only grow.
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
