//! What is sealed: the personal data of a lead, the text of a ticket.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::VaultError;
use crate::domain::lead::Lead;

/// The personal data of a lead, exactly as sent (the phone as E.164). Debug shows none of it.
///
/// One record instead of a cell for each field: fewer nonces, fewer bytes, a quarter of the work.
/// Sealed as JSON with names of one letter.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeadRecord {
    /// First name.
    #[serde(rename = "f")]
    pub first_name: String,
    /// Last name.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Email address.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number in E.164 form.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Notes.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// The text of a support ticket. Debug shows none of it.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TicketRecord {
    /// Subject.
    #[serde(rename = "s")]
    pub subject: String,
    /// Message.
    #[serde(rename = "m")]
    pub message: String,
}

impl fmt::Debug for LeadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeadRecord(…)")
    }
}

impl fmt::Debug for TicketRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TicketRecord(…)")
    }
}

impl LeadRecord {
    /// The personal data of a lead.
    #[must_use]
    pub fn from_lead(lead: &Lead) -> Self {
        Self {
            first_name: lead.first_name.clone(),
            last_name: lead.last_name.clone(),
            email: lead.email.clone(),
            phone: lead.phone.clone(),
            notes: lead.notes.clone(),
        }
    }

    /// The form that is sealed.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        to_bytes(self)
    }

    /// Reads the form that was sealed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        from_bytes(bytes)
    }
}

impl TicketRecord {
    /// The form that is sealed.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        to_bytes(self)
    }

    /// Reads the form that was sealed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultError> {
        from_bytes(bytes)
    }
}

fn to_bytes(record: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    // Records are texts only, which always serialise.
    serde_json::to_vec(record)
        .map(Zeroizing::new)
        .map_err(|_| VaultError::TooLarge)
}

fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, VaultError> {
    serde_json::from_slice(bytes).map_err(|_| VaultError::DamagedRecord)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn debug_shows_no_personal_data() {
        let lead = LeadRecord {
            first_name: "Budi".to_owned(),
            notes: Some("Budi".to_owned()),
            ..LeadRecord::default()
        };
        let ticket = TicketRecord {
            subject: "Budi".to_owned(),
            message: "Budi".to_owned(),
        };
        assert!(!format!("{lead:?} {ticket:?}").contains("Budi"));
    }

    #[test]
    fn bytes_of_another_kind_of_record_are_damaged() {
        let bytes = TicketRecord::default().to_bytes().expect("bytes");
        assert_eq!(
            LeadRecord::from_bytes(&bytes),
            Err(VaultError::DamagedRecord)
        );
    }

    /// What is stored must be read by every later version: this form may only grow.
    #[test]
    fn the_sealed_form_stays_as_it_is() {
        let lead = LeadRecord {
            first_name: "Budi".to_owned(),
            phone: Some("+6281234567890".to_owned()),
            ..LeadRecord::default()
        };
        let form = r#"{"f":"Budi","p":"+6281234567890"}"#;
        assert_eq!(lead.to_bytes().expect("bytes").as_slice(), form.as_bytes());
        assert_eq!(
            serde_json::from_str::<LeadRecord>(form).expect("reads"),
            lead
        );
    }

    proptest! {
        #[test]
        fn records_come_back_exactly(
            first_name: String, last_name: Option<String>, email: Option<String>, phone: Option<String>, notes: Option<String>,
        ) {
            let ticket = TicketRecord { subject: first_name.clone(), message: first_name.clone() };
            prop_assert_eq!(TicketRecord::from_bytes(&ticket.to_bytes().expect("bytes")), Ok(ticket));
            let lead = LeadRecord { first_name, last_name, email, phone, notes };
            prop_assert_eq!(LeadRecord::from_bytes(&lead.to_bytes().expect("bytes")), Ok(lead));
        }
    }
}
