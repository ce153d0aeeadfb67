//! Validates input against the schemas of the API document. One answer names every bad field.
//!
//! An operation reads input only through [`Input`], which returns no value while a field is bad.

mod rules;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

pub use rules::Rules;

use crate::error::{Details, Error};

/// What is wrong with a body for an operation that takes none.
pub(crate) const NO_BODY: &str = "This operation takes no body";

/// The input of one operation, not validated yet.
#[derive(Clone, Default)]
pub struct Sent {
    /// The parameters of the path.
    pub path: Map<String, Value>,
    /// The query parameters.
    pub query: Map<String, Value>,
    /// The headers that the operation declares.
    pub headers: Map<String, Value>,
    /// The body; None without one.
    pub body: Option<Value>,
    /// Fields that were already bad when they were read, and why.
    pub bad: Details,
}

/// The input of one operation, validated.
pub struct Input {
    path: Map<String, Value>,
    /// The query parameters that were sent.
    given: Map<String, Value>,
    /// With the defaults filled in.
    query: Map<String, Value>,
    headers: Map<String, Value>,
    /// With the defaults filled in.
    body: Value,
    /// The body as it was sent, without fields that have their default. It is null if the request has none of the
    /// operation's headers, because only an `Idempotency-Key` needs it.
    sent_body: Value,
    bad: Details,
}

impl Input {
    /// A path or query parameter, or its default; None when it is bad.
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

    /// A header that the operation declares; None when it is bad.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        if self.bad.contains_key(name) {
            return None;
        }
        self.headers.get(name)?.as_str()
    }

    /// The path and the body as they were sent, without defaults. A client that writes a default asks for the same as
    /// one that leaves it out. A default that the document gains later must not change the request.
    #[must_use]
    pub fn sent(&self) -> Value {
        json!({"path": self.path, "body": self.sent_body})
    }

    /// A value of the body by its dotted path; None when it is bad.
    #[must_use]
    pub fn body_at(&self, path: &str) -> Option<&Value> {
        if self.bad.contains_key(path) {
            return None;
        }
        path.split('.')
            .try_fold(&self.body, |value, name| value.get(name))
    }

    /// All query parameters, with defaults filled in.
    #[must_use]
    pub fn query_map(&self) -> &Map<String, Value> {
        &self.query
    }

    /// The query parameters that were sent.
    pub fn given(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.given.iter()
    }

    /// Replaces the query parameters, for a cursor that carries its own.
    pub fn replace_query(&mut self, query: Map<String, Value>) {
        self.query = query;
    }

    /// Marks a field as bad for a reason that no schema describes. If the field is already bad, the first reason stays.
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

    /// The query parameters as a type of the operation.
    ///
    /// # Errors
    /// [`Error::Invalid`] when anything that was sent is bad.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.check()?;
        read(Value::Object(self.query.clone()))
    }

    /// The body as a type of the operation.
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

/// Valid input fits the type of the operation, unless the schema or the type is wrong. The message of serde may repeat
/// a value, so it is not logged.
fn read<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|_| {
        Error::Internal(anyhow::anyhow!(
            "valid input does not fit the operation's type"
        ))
    })
}
