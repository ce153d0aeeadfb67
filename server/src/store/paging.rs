//! Pages of a list.

/// Where a page begins.
#[derive(Debug, Clone)]
pub enum PageStart {
    /// After so many rows.
    Offset(i64),
    /// After a row.
    After(Position),
}

/// A row of a list, and where the walk that reached it ends.
#[derive(Debug, Clone)]
pub struct Position {
    /// The row's time, in milliseconds.
    pub millis: i64,
    /// The row's id.
    pub id: String,
    /// The last time that the walk lists, in milliseconds; None when it goes on to the end.
    pub until: Option<i64>,
}

/// Rows of one page, and where the next one begins if there is one.
#[derive(Debug)]
pub struct Page<T> {
    /// In the order asked for.
    pub rows: Vec<T>,
    /// All rows that match, on every page.
    pub total: i64,
    /// None on the last page.
    pub next: Option<PageStart>,
}
