//! Rows, and values from their columns.

use jiff::Timestamp;
use sqlx::{Row as _, postgres::PgRow, sqlite::SqliteRow};

use crate::domain::{amount::Amount, time::from_millis};

/// A row of a result.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The value of a column, by its position.
    pub(crate) fn get<'r, T: Column<'r>>(&'r self, index: usize) -> Result<T, sqlx::Error> {
        T::read(self, index)
    }

    /// Its columns, to be read one after the other.
    pub(crate) fn columns(&self) -> Columns<'_> {
        self.columns_from(0)
    }

    /// Its columns from a position on.
    pub(crate) fn columns_from(&self, first: usize) -> Columns<'_> {
        Columns {
            row: self,
            next: first,
        }
    }
}

/// The columns of a row, read one after the other.
pub(crate) struct Columns<'r> {
    row: &'r Row,
    next: usize,
}

impl<'r> Columns<'r> {
    /// The position of the next column.
    pub(crate) fn position(&self) -> usize {
        self.next
    }

    /// The value of the next column.
    pub(crate) fn next<T: Column<'r>>(&mut self) -> Result<T, sqlx::Error> {
        self.next += 1;
        self.row.get(self.next - 1)
    }
}

/// A value that a column can hold. Text and bytes can be borrowed from the row.
pub(crate) trait Column<'r>: Sized {
    fn read(row: &'r Row, index: usize) -> Result<Self, sqlx::Error>;
}

macro_rules! columns {
    ($($type:ty),*) => {
        $( impl<'r> Column<'r> for $type {
            fn read(row: &'r Row, index: usize) -> Result<Self, sqlx::Error> {
                match row {
                    Row::Sqlite(row) => row.try_get(index),
                    Row::Postgres(row) => row.try_get(index),
                }
            }
        } )*
    };
}

columns!(
    i32,
    i64,
    Option<i64>,
    f64,
    Option<f64>,
    &'r str,
    Option<&'r str>,
    String,
    Option<String>,
    &'r [u8],
    Option<&'r [u8]>,
    Vec<u8>
);

impl<'r> Column<'r> for Option<Amount> {
    fn read(row: &'r Row, index: usize) -> Result<Self, sqlx::Error> {
        Ok(row.get::<Option<f64>>(index)?.map(Amount::from))
    }
}

impl<'r> Column<'r> for Timestamp {
    fn read(row: &'r Row, index: usize) -> Result<Self, sqlx::Error> {
        Ok(from_millis(row.get(index)?))
    }
}

impl<'r> Column<'r> for Option<Timestamp> {
    fn read(row: &'r Row, index: usize) -> Result<Self, sqlx::Error> {
        Ok(row.get::<Option<i64>>(index)?.map(from_millis))
    }
}
