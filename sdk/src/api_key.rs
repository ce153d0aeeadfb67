//! The key of a workspace.

use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::HeaderValue;
use serde_json::Value;

use crate::{error::Error, wire::path_segment};

/// A key, which `Debug` does not show.
#[derive(Clone)]
pub(crate) struct ApiKey {
    header: HeaderValue,
    /// The key in each encoding that a server may echo.
    spellings: Vec<String>,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl ApiKey {
    pub(crate) fn new(key: &str) -> Result<Self, Error> {
        let key = key.trim();
        if key.is_empty() {
            return Err(Error::config("the API key is empty"));
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {key}"))
            .map_err(|_| Error::config("the API key has characters that no key has"))?;
        header.set_sensitive(true);
        let as_json = Value::from(key).to_string();
        let spellings = vec![
            key.to_owned(),
            as_json.trim_matches('"').to_owned(),
            utf8_percent_encode(key, NON_ALPHANUMERIC).to_string(),
            path_segment(key),
        ];
        Ok(Self { header, spellings })
    }

    /// The value of `Authorization`.
    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// Replaces each occurrence of the key by "…".
    pub(crate) fn redact(&self, text: String) -> String {
        // A shorter text is not a key, and would match in ordinary words.
        const MIN_LENGTH: usize = 8;

        let mut text = text;
        for spelling in &self.spellings {
            if spelling.len() >= MIN_LENGTH && text.contains(spelling.as_str()) {
                text = text.replace(spelling.as_str(), "…");
            }
        }
        text
    }
}
