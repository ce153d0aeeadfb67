//! The reply of a successful operation. The protocol that sends it serialises it.

use erased_serde::Serialize as Data;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct as _};
use serde_json::value::RawValue;

use crate::store::{StoreError, idempotency::KeptAnswer};

/// A successful reply. Serialised, it is the envelope that the API document describes.
pub struct Reply {
    outcome: Outcome,
    data: Box<dyn Data + Send + Sync>,
    pagination: Option<Pagination>,
    created: Option<bool>,
    replayed: bool,
    lead_id: Option<String>,
}

/// The outcome of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The operation succeeded.
    Done,
    /// The operation succeeded and created something.
    Created,
}

/// The position of a page in a list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    page: i64,
    limit: i64,
    total: i64,
    total_pages: i64,
    next_cursor: Option<String>,
}

/// A stored envelope.
#[derive(Deserialize)]
struct StoredEnvelope {
    data: Box<RawValue>,
    pagination: Option<Pagination>,
    created: Option<bool>,
}

impl Reply {
    /// A reply with this data, whose outcome is [`Outcome::Done`].
    #[must_use]
    pub fn done(data: impl Serialize + Send + Sync + 'static) -> Self {
        Self {
            outcome: Outcome::Done,
            data: Box::new(data),
            pagination: None,
            created: None,
            replayed: false,
            lead_id: None,
        }
    }

    /// A reply with data that the operation created.
    #[must_use]
    pub fn created(data: impl Serialize + Send + Sync + 'static) -> Self {
        Self {
            outcome: Outcome::Created,
            ..Self::done(data)
        }
    }

    /// A reply with one page of a list.
    #[must_use]
    pub fn page(data: impl Serialize + Send + Sync + 'static, pagination: Pagination) -> Self {
        Self {
            pagination: Some(pagination),
            ..Self::done(data)
        }
    }

    /// A reply with data that the operation created or updated; `outcome` says which.
    #[must_use]
    pub fn upserted(data: impl Serialize + Send + Sync + 'static, outcome: Outcome) -> Self {
        Self {
            outcome,
            created: Some(outcome == Outcome::Created),
            ..Self::done(data)
        }
    }

    /// Restores a stored reply, to send it again.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the stored bytes are not a reply.
    pub fn replayed(kept: KeptAnswer) -> Result<Self, StoreError> {
        let envelope: StoredEnvelope =
            serde_json::from_slice(&kept.body).map_err(|_| StoreError::Corrupt("sealed"))?;
        Ok(Self {
            outcome: Outcome::from_code(kept.outcome).ok_or(StoreError::Corrupt("status"))?,
            data: Box::new(envelope.data),
            pagination: envelope.pagination,
            created: envelope.created,
            replayed: true,
            lead_id: kept.lead_id,
        })
    }

    /// The same reply, marked as a replay.
    #[must_use]
    pub fn into_replay(self) -> Self {
        Self {
            replayed: true,
            ..self
        }
    }

    /// The same reply, marked as one that shows this lead.
    #[must_use]
    pub fn about_lead(self, id: String) -> Self {
        Self {
            lead_id: Some(id),
            ..self
        }
    }

    /// The form in which the reply is stored, to send it again.
    ///
    /// # Errors
    /// [`StoreError::Unserializable`] if the data cannot be serialised.
    pub fn to_kept(&self) -> Result<KeptAnswer, StoreError> {
        Ok(KeptAnswer {
            outcome: self.outcome.code(),
            body: serde_json::to_vec(self)?.into(),
            lead_id: self.lead_id.clone(),
        })
    }

    /// The outcome of the operation.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether this replays the reply to an earlier request.
    #[must_use]
    pub fn is_replayed(&self) -> bool {
        self.replayed
    }
}

impl Serialize for Reply {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut envelope = serializer.serialize_struct("Reply", 4)?;
        envelope.serialize_field("success", &true)?;
        envelope.serialize_field("data", &*self.data)?;
        if let Some(pagination) = &self.pagination {
            envelope.serialize_field("pagination", pagination)?;
        }
        if let Some(created) = self.created {
            envelope.serialize_field("created", &created)?;
        }
        envelope.end()
    }
}

impl Outcome {
    /// The number that stands for the outcome in the store.
    #[must_use]
    pub fn code(self) -> u16 {
        match self {
            Self::Done => 200,
            Self::Created => 201,
        }
    }

    /// The outcome that this number stands for in the store.
    #[must_use]
    pub fn from_code(code: u16) -> Option<Self> {
        match code {
            200 => Some(Self::Done),
            201 => Some(Self::Created),
            _ => None,
        }
    }
}

impl Pagination {
    /// The position of a page of at most `limit` rows, out of `total` rows.
    #[must_use]
    pub fn new(page: i64, limit: i64, total: i64, next_cursor: Option<String>) -> Self {
        let total_pages = total.div_euclid(limit) + i64::from(total.rem_euclid(limit) > 0);
        Self {
            page,
            limit,
            total,
            total_pages,
            next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_replay_is_the_same_text() {
        let texts = [
            r#"{"success":true,"data":{"b":1.50,"a":[5e6,"\u00e9"]}}"#,
            r#"{"success":true,"data":{"id":"lead_1"},"created":true}"#,
        ];
        for text in texts {
            let kept = KeptAnswer {
                outcome: 201,
                body: text.into(),
                lead_id: None,
            };
            let reply = Reply::replayed(kept).unwrap();
            assert_eq!(serde_json::to_string(&reply).unwrap(), text);
            assert_eq!(reply.outcome(), Outcome::Created);
            assert!(reply.is_replayed());
        }
    }

    #[test]
    fn what_is_kept_is_what_was_sent() {
        let page = Reply::page(json!([1]), Pagination::new(1, 1, 2, None));
        let kept = page.to_kept().unwrap();
        assert_eq!(kept.body, serde_json::to_vec(&page).unwrap());
        let replayed = Reply::replayed(kept).unwrap();
        assert_eq!(
            serde_json::to_string(&replayed).unwrap(),
            r#"{"success":true,"data":[1],"pagination":{"page":1,"limit":1,"total":2,"totalPages":2,"nextCursor":null}}"#
        );
    }
}
