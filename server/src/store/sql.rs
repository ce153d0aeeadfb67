//! SQL whose `where` depends on what was asked: text and values grow side by side.

use std::fmt::Write;

use sqlx::{
    Any, AssertSqlSafe,
    any::{AnyArguments, AnyRow},
    query::Query,
};

/// One value for a placeholder.
#[derive(Clone)]
pub(super) enum SqlValue {
    Int(Option<i64>),
    Double(Option<f64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// A statement under construction; only `push` of fixed text and `bind` of values, so that no input becomes SQL.
#[derive(Default)]
pub(super) struct Statement {
    text: String,
    values: Vec<SqlValue>,
}

impl Statement {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            values: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends the next placeholder, which stands for this value.
    pub(super) fn bind(&mut self, value: impl Into<SqlValue>) -> &mut Self {
        self.values.push(value.into());
        // Writing to a String cannot fail.
        let _ = write!(self.text, "${}", self.values.len());
        self
    }

    pub(super) fn query(self) -> Query<'static, Any, AnyArguments> {
        self.values
            .into_iter()
            .fold(sqlx::query(AssertSqlSafe(self.text)), bind)
    }

    #[cfg(test)]
    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

/// Binds one value to a query.
pub(super) fn bind(
    query: Query<'static, Any, AnyArguments>,
    value: SqlValue,
) -> Query<'static, Any, AnyArguments> {
    match value {
        SqlValue::Int(value) => query.bind(value),
        SqlValue::Double(Some(value)) => query.bind(value),
        // sqlx 0.9 sends a null double as a null float4, which PostgreSQL then takes for the placeholder's type in
        // the prepared statement, and a null float4 as a null float8.
        SqlValue::Double(None) => query.bind(None::<f32>),
        SqlValue::Text(value) => query.bind(value),
        SqlValue::Bytes(value) => query.bind(value),
    }
}

impl From<i64> for SqlValue {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for SqlValue {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<Option<f64>> for SqlValue {
    fn from(value: Option<f64>) -> Self {
        Self::Double(value)
    }
}

impl From<&str> for SqlValue {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for SqlValue {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<String>> for SqlValue {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<&[u8]> for SqlValue {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Some(value.to_owned()))
    }
}

impl From<Vec<u8>> for SqlValue {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value))
    }
}

impl From<Option<Vec<u8>>> for SqlValue {
    fn from(value: Option<Vec<u8>>) -> Self {
        Self::Bytes(value)
    }
}

/// Rows of a list, one more than asked for, so that it is known whether another page follows.
pub(super) fn has_more(rows: &mut Vec<AnyRow>, limit: i64) -> bool {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_numbered_in_the_order_they_are_bound() {
        let mut statement = Statement::new("select 1 where a = ");
        statement.bind(1_i64).push(" and b = ").bind("x");
        assert_eq!(statement.text(), "select 1 where a = $1 and b = $2");
    }
}
