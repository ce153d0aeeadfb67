//! Input, checked against the API document's own schemas: every bad field is named in one answer.
//!
//! An operation reaches what was sent only through [`Input`], which gives it nothing while a field is bad.

mod rules;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

pub use rules::Rules;

use crate::error::{Details, Error};

/// What is told whoever sends a body where none is taken.
pub(crate) const NO_BODY: &str = "This operation takes no body";

/// What was sent to one operation, as values that nobody has judged yet.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// The parameters of the path.
    pub path: Map<String, Value>,
    /// The query parameters.
    pub query: Map<String, Value>,
    /// The headers that the operation declares.
    pub headers: Map<String, Value>,
    /// The body; None without one.
    pub body: Option<Value>,
    /// Fields that were found bad while they were read.
    pub bad: Details,
}

/// What was sent to one operation, judged.
pub struct Input {
    path: Map<String, Value>,
    /// As they were sent.
    given: Map<String, Value>,
    /// With the defaults filled in.
    query: Map<String, Value>,
    headers: Map<String, Value>,
    /// With the defaults filled in.
    body: Value,
    /// As it was sent, but for fields that are their defaults; null when no header that could ask for it was sent.
    sent_body: Value,
    bad: Details,
}

impl Input {
    /// A path or query parameter as it was sent (or its default), unless it is bad.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        if self.bad.contains_key(name) {
            return None;
        }
        self.query
            .get(name)
            .or_else(|| self.path.get(name))?
            .as_str()
    }

    /// A header of the operation's parameters, unless it is bad.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        if self.bad.contains_key(name) {
            return None;
        }
        self.headers.get(name)?.as_str()
    }

    /// What was asked for, as it was sent. Defaults do not count: whether a client writes one or leaves it out, it asks
    /// for the same, and a default that the document gains later does not make it another request.
    #[must_use]
    pub fn sent(&self) -> Value {
        json!({"path": self.path, "body": self.sent_body})
    }

    /// A value of the body by its dotted path, unless it is bad.
    #[must_use]
    pub fn body_at(&self, path: &str) -> Option<&Value> {
        if self.bad.contains_key(path) {
            return None;
        }
        path.split('.')
            .try_fold(&self.body, |value, name| value.get(name))
    }

    /// All query parameters, defaults filled in.
    #[must_use]
    pub fn query_map(&self) -> &Map<String, Value> {
        &self.query
    }

    /// The query parameters that were sent.
    pub fn given(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.given.iter()
    }

    /// Puts other query parameters into the place of those that were sent.
    pub fn replace_query(&mut self, query: Map<String, Value>) {
        self.query = query;
    }

    /// Notes a bad field that no schema can tell; the first reason given stays.
    pub fn reject(&mut self, field: &str, why: impl Into<String>) {
        self.bad
            .entry(field.to_owned())
            .or_insert_with(|| why.into());
    }

    /// The path parameter.
    ///
    /// # Errors
    /// [`Error::Invalid`] when anything that was sent is bad.
    pub fn path(&self, name: &str) -> Result<String, Error> {
        self.check()?;
        self.path
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| Error::field(name, "Required"))
    }

    /// The query parameters as a type of the operation's.
    ///
    /// # Errors
    /// [`Error::Invalid`] when anything that was sent is bad.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.check()?;
        read(Value::Object(self.query.clone()))
    }

    /// The body as a type of the operation's.
    ///
    /// # Errors
    /// [`Error::Invalid`] when anything that was sent is bad.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.check()?;
        read(self.body.clone())
    }

    /// Refuses the request when anything that was sent is bad.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every bad field.
    pub fn check(&self) -> Result<(), Error> {
        if self.bad.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.bad.clone()))
        }
    }
}

/// What passed the document's schema fits the operation's type; if not, one of the two is wrong. serde's message
/// may repeat a value, so it stays out of the log.
fn read<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|_| {
        Error::Internal(anyhow::anyhow!(
            "valid input does not fit the operation's type"
        ))
    })
}
