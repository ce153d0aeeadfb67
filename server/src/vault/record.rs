//! What is sealed: the personal data of a lead, the text of a ticket.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::{Place, VaultError, WorkspaceKeys};

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

impl WorkspaceKeys {
    /// Seals a record for its place.
    pub fn seal_record<T: Serialize>(
        &self,
        place: &Place<'_>,
        record: &T,
    ) -> Result<Vec<u8>, VaultError> {
        // Records are strings only, which always serialise.
        let plaintext = serde_json::to_vec(record)
            .map(Zeroizing::new)
            .map_err(|_| VaultError::TooLarge)?;
        self.seal(place, &plaintext)
    }

    /// Opens a record that was sealed for this place.
    pub fn open_record<T: DeserializeOwned>(
        &self,
        place: &Place<'_>,
        sealed: &[u8],
    ) -> Result<T, VaultError> {
        let plaintext = self.open(place, sealed)?;
        serde_json::from_slice(&plaintext).map_err(|_| VaultError::DamagedRecord)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{MasterKey, MasterKeys, Vault};
    use super::*;

    fn keys() -> WorkspaceKeys {
        let vault = Vault::new(MasterKeys::from(&MasterKey::generate()));
        let wrapped = vault.create_workspace_keys("ws_1").expect("keys");
        vault.open_workspace("ws_1", &wrapped).expect("opens")
    }

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
    fn a_record_of_another_kind_is_damaged() {
        let (keys, place) = (keys(), Place::record("ticket", "ticket_1"));
        let sealed = keys
            .seal_record(&place, &TicketRecord::default())
            .expect("seals");
        assert_eq!(
            keys.open_record::<LeadRecord>(&place, &sealed),
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
        assert_eq!(serde_json::to_string(&lead).expect("serialises"), form);
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
            let (keys, place) = (keys(), Place::record("lead", "lead_1"));
            let lead = LeadRecord { first_name, last_name, email, phone, notes };
            let sealed = keys.seal_record(&place, &lead).expect("seals");
            prop_assert_eq!(keys.open_record::<LeadRecord>(&place, &sealed), Ok(lead));
        }
    }
}
