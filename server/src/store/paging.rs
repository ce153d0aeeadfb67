//! Pages of a list: by number, or after the last row of the page before.

use super::{
    StoreError,
    engine::{Connection, Parameters, Row},
};

/// Where a page begins.
#[derive(Debug, Clone)]
pub enum PageStart {
    /// After so many rows.
    Offset(i64),
    /// After a row.
    After(Position),
}

/// A row of a list, and where the walk through its pages ends.
#[derive(Debug, Clone)]
pub struct Position {
    /// The row's time, in milliseconds.
    pub millis: i64,
    /// The row's id.
    pub id: String,
    /// The last time that the walk lists, in milliseconds; None lists everything.
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

/// A list as SQL.
pub(super) struct List<'q> {
    /// The columns to select after the time; the first one is the id.
    pub(super) columns: &'static str,
    /// A table and the conditions, to which more can be added with `and`.
    pub(super) from: String,
    /// The values of `from`.
    pub(super) parameters: Parameters<'q>,
    /// The column with the time of a row. The order is by time and id.
    pub(super) time: &'static str,
    /// Oldest first.
    pub(super) ascending: bool,
    /// Where a walk through all pages ends; see [`Position::until`].
    pub(super) until: Option<i64>,
    /// Whether the statement is worth keeping prepared.
    pub(super) persistent: bool,
}

impl<'q> List<'q> {
    /// The number of the column in which [`List::columns`] begin.
    pub(super) const FIRST_COLUMN: usize = 1;

    /// Reads one page of at most `limit` of the `total` rows.
    pub(super) async fn page<T>(
        self,
        connection: &mut Connection,
        total: i64,
        start: &'q PageStart,
        limit: i64,
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Page<T>, StoreError> {
        let Self {
            columns,
            from,
            mut parameters,
            time,
            until,
            persistent,
            ..
        } = self;
        let (direction, beyond) = if self.ascending {
            ("asc", ">")
        } else {
            ("desc", "<")
        };
        let (after, offset) = match start {
            PageStart::After(Position { millis, id, .. }) => {
                let (millis, id) = (parameters.bind(*millis), parameters.bind(id));
                (
                    format!(" and ({time}, id) {beyond} ({millis}, {id})"),
                    String::new(),
                )
            }
            PageStart::Offset(offset) => (
                String::new(),
                format!(" offset {}", parameters.bind(*offset)),
            ),
        };
        // One more, to know whether another page follows.
        let limit_and_one = parameters.bind(limit + 1);
        let sql = format!(
            "select {time}, {columns} from {from}{after} \
             order by {time} {direction}, id {direction} limit {limit_and_one}{offset}"
        );
        let mut rows = parameters
            .query(sql)
            .persistent(persistent)
            .fetch_all(connection)
            .await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = match rows.last() {
            Some(last) if has_more => Some(PageStart::After(Position {
                millis: last.get(0)?,
                id: last.get(Self::FIRST_COLUMN)?,
                until,
            })),
            _ => None,
        };
        let rows = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page { rows, total, next })
    }
}

impl PageStart {
    /// Whether it is after the last of so many rows.
    pub(super) fn is_beyond(&self, total: i64) -> bool {
        matches!(self, Self::Offset(offset) if *offset >= total)
    }
}

impl<T> Page<T> {
    /// A page after the last row.
    pub(super) fn beyond(total: i64) -> Self {
        Self {
            rows: Vec::new(),
            total,
            next: None,
        }
    }
}
