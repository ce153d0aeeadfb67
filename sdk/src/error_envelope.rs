//! The body of a failure as the API writes it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{api_key::ApiKey, generated::enums::ErrorCode, sanitize::sanitize};

/// What the API says of a failure.
pub(crate) struct ErrorEnvelope {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    pub(crate) details: BTreeMap<String, String>,
}

impl ErrorEnvelope {
    /// Reads what can be read: a newer server may say more, or some of it in another way. `None` when
    /// the body is not the API's.
    pub(crate) fn read(body: &[u8], key: Option<&ApiKey>) -> Option<Self> {
        /// More fields than any request has.
        const MAX_FIELDS: usize = 100;

        let body: Value = serde_json::from_slice(body).ok()?;
        let error = body.get("error")?;
        let details = error
            .get("details")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .take(MAX_FIELDS);
        let text = |value: &Value| match value {
            Value::String(text) => sanitize(text, key),
            value => sanitize(&value.to_string(), key),
        };
        Some(Self {
            code: ErrorCode::from(sanitize(error.get("code")?.as_str()?, key)),
            message: error
                .get("message")
                .and_then(Value::as_str)
                .map(|message| sanitize(message, key))
                .unwrap_or_default(),
            details: details
                .map(|(field, why)| (sanitize(field, key), text(why)))
                .collect(),
        })
    }
}
