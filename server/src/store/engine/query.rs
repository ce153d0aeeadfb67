//! Statements and the values of their placeholders.

use std::borrow::Cow;

use futures::TryStreamExt;
use jiff::Timestamp;
use sqlx::{
    Arguments, AssertSqlSafe, Database, Encode, Execute, Executor, SqlSafeStr, SqlStr, Type,
    error::BoxDynError,
};

use super::{connection::Driver, row::Row, source::Source};
use crate::domain::{amount::Amount, time::to_millis};

/// A statement with the values of its placeholders.
pub(crate) struct Query<'q> {
    sql: SqlStr,
    /// None for a text that is not prepared, of one statement or of several.
    values: Option<Vec<Value<'q>>>,
    is_persistent: bool,
}

/// A value for one placeholder.
#[derive(Clone)]
pub(crate) enum Value<'q> {
    Int(Option<i64>),
    Double(Option<f64>),
    Text(Option<Cow<'q, str>>),
    Bytes(Option<Cow<'q, [u8]>>),
}

/// A statement, which is prepared once on each connection.
pub(crate) fn query<'q>(sql: impl SqlSafeStr) -> Query<'q> {
    Query {
        sql: sql.into_sql_str(),
        values: Some(Vec::new()),
        is_persistent: true,
    }
}

/// SQL that is not prepared and has no placeholders: one statement or several.
pub(crate) fn raw(sql: impl SqlSafeStr) -> Query<'static> {
    Query {
        sql: sql.into_sql_str(),
        values: None,
        is_persistent: false,
    }
}

impl<'q> Query<'q> {
    /// The value of the next placeholder.
    pub(crate) fn bind(mut self, value: impl Into<Value<'q>>) -> Self {
        self.values.get_or_insert_default().push(value.into());
        self
    }

    /// The values of the next placeholders.
    pub(crate) fn bind_all(mut self, values: impl IntoIterator<Item = Value<'q>>) -> Self {
        self.values.get_or_insert_default().extend(values);
        self
    }

    /// Whether it stays prepared on its connection.
    pub(crate) fn persistent(self, is_persistent: bool) -> Self {
        Self {
            is_persistent,
            ..self
        }
    }

    /// Runs it; how many rows it has changed.
    pub(crate) async fn execute<'c>(
        self,
        source: impl Into<Source<'c>>,
    ) -> Result<u64, sqlx::Error> {
        let mut connection = source.into().connection().await?;
        let mut statement = connection.statement();
        let result = match statement.driver() {
            Driver::Sqlite(connection) => connection
                .execute(self)
                .await
                .map(|done| done.rows_affected()),
            Driver::Postgres(connection) => connection
                .execute(self)
                .await
                .map(|done| done.rows_affected()),
        };
        statement.end(result)
    }

    /// Runs it; all its rows.
    pub(crate) async fn fetch_all<'c>(
        self,
        source: impl Into<Source<'c>>,
    ) -> Result<Vec<Row>, sqlx::Error> {
        let mut connection = source.into().connection().await?;
        let mut statement = connection.statement();
        let result = match statement.driver() {
            Driver::Sqlite(connection) => {
                connection
                    .fetch(self)
                    .map_ok(Row::Sqlite)
                    .try_collect()
                    .await
            }
            Driver::Postgres(connection) => {
                connection
                    .fetch(self)
                    .map_ok(Row::Postgres)
                    .try_collect()
                    .await
            }
        };
        statement.end(result)
    }

    /// Runs it; its first row, if there is one.
    pub(crate) async fn fetch_optional<'c>(
        self,
        source: impl Into<Source<'c>>,
    ) -> Result<Option<Row>, sqlx::Error> {
        let mut connection = source.into().connection().await?;
        let mut statement = connection.statement();
        let result = match statement.driver() {
            Driver::Sqlite(connection) => connection
                .fetch_optional(self)
                .await
                .map(|row| row.map(Row::Sqlite)),
            Driver::Postgres(connection) => connection
                .fetch_optional(self)
                .await
                .map(|row| row.map(Row::Postgres)),
        };
        statement.end(result)
    }

    /// Runs it; its first row, which there has to be.
    pub(crate) async fn fetch_one<'c>(
        self,
        source: impl Into<Source<'c>>,
    ) -> Result<Row, sqlx::Error> {
        let row = self.fetch_optional(source).await?;
        row.ok_or(sqlx::Error::RowNotFound)
    }
}

impl<'q, DB> Execute<'q, DB> for Query<'q>
where
    DB: Database,
    Option<i64>: Encode<'q, DB> + Type<DB>,
    Option<f64>: Encode<'q, DB> + Type<DB>,
    Option<&'q str>: Encode<'q, DB> + Type<DB>,
    String: Encode<'q, DB> + Type<DB>,
    Option<&'q [u8]>: Encode<'q, DB> + Type<DB>,
    Vec<u8>: Encode<'q, DB> + Type<DB>,
{
    fn sql(self) -> SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&DB::Statement> {
        None
    }

    fn take_arguments(&mut self) -> Result<Option<DB::Arguments>, BoxDynError> {
        let Some(values) = self.values.take() else {
            return Ok(None);
        };
        let mut arguments = DB::Arguments::default();
        arguments.reserve(values.len(), 0);
        for value in values {
            match value {
                Value::Int(value) => arguments.add(value)?,
                Value::Double(value) => arguments.add(value)?,
                Value::Text(Some(Cow::Owned(text))) => arguments.add(text)?,
                Value::Text(Some(Cow::Borrowed(text))) => arguments.add(Some(text))?,
                Value::Text(None) => arguments.add(None::<&str>)?,
                Value::Bytes(Some(Cow::Owned(bytes))) => arguments.add(bytes)?,
                Value::Bytes(Some(Cow::Borrowed(bytes))) => arguments.add(Some(bytes))?,
                Value::Bytes(None) => arguments.add(None::<&[u8]>)?,
            }
        }
        Ok(Some(arguments))
    }

    fn persistent(&self) -> bool {
        self.is_persistent
    }
}

/// The values of a statement whose text depends on what was asked, numbered in the order in which they are bound.
#[derive(Clone, Default)]
pub(crate) struct Parameters<'q>(Vec<Value<'q>>);

impl<'q> Parameters<'q> {
    /// Adds a value; the result is the placeholder that stands for it.
    pub(crate) fn bind(&mut self, value: impl Into<Value<'q>>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    /// The statement with these values. The text is made of fixed parts and placeholders, so that no input becomes SQL.
    pub(crate) fn query(self, sql: String) -> Query<'q> {
        query(AssertSqlSafe(sql)).bind_all(self.0)
    }
}

impl Value<'_> {
    /// The same value, which borrows nothing.
    pub(crate) fn into_owned(self) -> Value<'static> {
        match self {
            Self::Int(value) => Value::Int(value),
            Self::Double(value) => Value::Double(value),
            Self::Text(text) => Value::Text(text.map(|text| Cow::Owned(text.into_owned()))),
            Self::Bytes(bytes) => Value::Bytes(bytes.map(|bytes| Cow::Owned(bytes.into_owned()))),
        }
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        i64::from(value).into()
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<Timestamp> for Value<'_> {
    fn from(value: Timestamp) -> Self {
        to_millis(value).into()
    }
}

impl From<&Timestamp> for Value<'_> {
    fn from(value: &Timestamp) -> Self {
        to_millis(*value).into()
    }
}

impl From<Option<Timestamp>> for Value<'_> {
    fn from(value: Option<Timestamp>) -> Self {
        value.map(to_millis).into()
    }
}

impl From<&Option<Amount>> for Value<'_> {
    fn from(value: &Option<Amount>) -> Self {
        Self::Double(value.map(Amount::value))
    }
}

impl<'q> From<&'q str> for Value<'q> {
    fn from(value: &'q str) -> Self {
        Some(value).into()
    }
}

impl<'q> From<Option<&'q str>> for Value<'q> {
    fn from(value: Option<&'q str>) -> Self {
        Self::Text(value.map(Cow::Borrowed))
    }
}

impl<'q> From<&'q String> for Value<'q> {
    fn from(value: &'q String) -> Self {
        value.as_str().into()
    }
}

impl<'q> From<&'q Option<String>> for Value<'q> {
    fn from(value: &'q Option<String>) -> Self {
        value.as_deref().into()
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Text(Some(Cow::Owned(value)))
    }
}

impl<'q> From<&'q [u8]> for Value<'q> {
    fn from(value: &'q [u8]) -> Self {
        Some(value).into()
    }
}

impl<'q> From<Option<&'q [u8]>> for Value<'q> {
    fn from(value: Option<&'q [u8]>) -> Self {
        Self::Bytes(value.map(Cow::Borrowed))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(value: Vec<u8>) -> Self {
        Some(value).into()
    }
}

impl From<Option<Vec<u8>>> for Value<'_> {
    fn from(value: Option<Vec<u8>>) -> Self {
        Self::Bytes(value.map(Cow::Owned))
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
