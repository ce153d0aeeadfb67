//! Statements in the log of the server.

use serde_json::Value;

/// A logged database statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// Its SQL.
    pub sql: String,
    /// The number of rows that it returned.
    pub rows: u64,
}

impl Statement {
    /// Parses a log line. Returns `None` if it does not log a statement; `RUST_LOG=sqlx::query=debug` enables such
    /// lines.
    #[must_use]
    pub fn of_line(line: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| {
            line[name]
                .as_str()
                .map(str::trim)
                .filter(|text| !text.is_empty())
        };
        // sqlx logs only the summary of a short statement.
        let sql = text("db.statement").or(text("summary"))?;
        Some(Self {
            sql: sql.to_owned(),
            rows: line["rows_returned"].as_u64().unwrap_or_default(),
        })
    }
}
