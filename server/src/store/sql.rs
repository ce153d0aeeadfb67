//! Values for the placeholders of a statement, and values from the columns of a row.

use jiff::Timestamp;
use sqlx::{
    Any, AssertSqlSafe, Row,
    any::{AnyArguments, AnyRow},
    query::Query,
};

use super::StoreError;
use crate::domain::{
    amount::Amount,
    time::{from_millis, to_millis},
};

/// A statement with its values.
pub(super) type AnyQuery = Query<'static, Any, AnyArguments>;

/// A value for one placeholder.
#[derive(Clone)]
pub(super) enum SqlValue {
    Int(Option<i64>),
    Double(Option<f64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

/// The values of a statement whose text depends on what was asked, numbered in the order in which they are bound.
#[derive(Clone, Default)]
pub(super) struct Parameters(Vec<SqlValue>);

impl Parameters {
    /// Adds a value; the result is the placeholder that stands for it.
    pub(super) fn bind(&mut self, value: impl Into<SqlValue>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    /// The statement with these values. The text is made of fixed parts and placeholders, so that no input becomes SQL.
    pub(super) fn query(self, sql: String) -> AnyQuery {
        query(AssertSqlSafe(sql), self.0)
    }
}

/// A statement with the values of its placeholders.
pub(super) fn query(
    sql: impl sqlx::SqlSafeStr,
    values: impl IntoIterator<Item = SqlValue>,
) -> AnyQuery {
    values
        .into_iter()
        .fold(sqlx::query(sql), |query, value| match value {
            SqlValue::Int(value) => query.bind(value),
            SqlValue::Double(Some(value)) => query.bind(value),
            // sqlx 0.9 sends a null double as a null float4, which PostgreSQL then takes for the placeholder's type in
            // the prepared statement, and a null float4 as a null float8.
            SqlValue::Double(None) => query.bind(None::<f32>),
            SqlValue::Text(value) => query.bind(value),
            SqlValue::Bytes(value) => query.bind(value),
        })
}

impl From<i64> for SqlValue {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<&str> for SqlValue {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<&String> for SqlValue {
    fn from(value: &String) -> Self {
        value.as_str().into()
    }
}

impl From<&Option<String>> for SqlValue {
    fn from(value: &Option<String>) -> Self {
        Self::Text(value.clone())
    }
}

impl From<&Option<Amount>> for SqlValue {
    fn from(value: &Option<Amount>) -> Self {
        Self::Double(value.map(Amount::value))
    }
}

impl From<&Timestamp> for SqlValue {
    fn from(value: &Timestamp) -> Self {
        to_millis(*value).into()
    }
}

impl From<Option<Timestamp>> for SqlValue {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Int(value.map(to_millis))
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

/// The columns of a row, read one after the other: no name is looked up.
pub(super) struct Columns<'r> {
    row: &'r AnyRow,
    next: usize,
}

impl<'r> Columns<'r> {
    /// All columns of a row.
    pub(super) fn new(row: &'r AnyRow) -> Self {
        Self::from_column(row, 0)
    }

    /// The columns of a row without the first ones.
    pub(super) fn from_column(row: &'r AnyRow, first: usize) -> Self {
        Self { row, next: first }
    }

    /// The number of the next column.
    pub(super) fn position(&self) -> usize {
        self.next
    }

    /// The value of the next column.
    pub(super) fn next<T: ColumnValue>(&mut self) -> Result<T, StoreError> {
        self.next += 1;
        Ok(T::read(self.row, self.next - 1)?)
    }
}

/// A value that a column can hold.
pub(super) trait ColumnValue: Sized {
    fn read(row: &AnyRow, index: usize) -> Result<Self, sqlx::Error>;
}

macro_rules! column_values {
    ($($type:ty),*) => {
        $( impl ColumnValue for $type {
            fn read(row: &AnyRow, index: usize) -> Result<Self, sqlx::Error> {
                row.try_get(index)
            }
        } )*
    };
}

column_values!(
    i64,
    Option<i64>,
    f64,
    String,
    Option<String>,
    Vec<u8>,
    Option<Vec<u8>>
);

impl ColumnValue for Option<Amount> {
    fn read(row: &AnyRow, index: usize) -> Result<Self, sqlx::Error> {
        Ok(row.try_get::<Option<f64>, _>(index)?.map(Amount::from))
    }
}

impl ColumnValue for Timestamp {
    fn read(row: &AnyRow, index: usize) -> Result<Self, sqlx::Error> {
        Ok(from_millis(row.try_get(index)?))
    }
}

impl ColumnValue for Option<Timestamp> {
    fn read(row: &AnyRow, index: usize) -> Result<Self, sqlx::Error> {
        Ok(row.try_get::<Option<i64>, _>(index)?.map(from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered_in_the_order_of_their_values() {
        let mut parameters = Parameters::default();
        let (a, b) = (parameters.bind(1_i64), parameters.bind("x"));
        assert_eq!(format!("a = {a} and b = {b}"), "a = $1 and b = $2");
    }
}
