//! What the log of the program tells.

use serde_json::Value;

/// A statement that the program sent to its database.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Statement {
    /// Its SQL.
    pub sql: String,
    /// How many rows came back.
    pub rows: u64,
}

impl Statement {
    /// Reads a line that tells of a statement, which `RUST_LOG` asks for with `sqlx::query=debug`; None for any other.
    #[must_use]
    pub fn of_line(line: &str) -> Option<Self> {
        let line: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| {
            line[name]
                .as_str()
                .map(str::trim)
                .filter(|text| !text.is_empty())
        };
        // sqlx logs a short statement as its summary alone.
        let sql = text("db.statement").or(text("summary"))?;
        Some(Self {
            sql: sql.to_owned(),
            rows: line["rows_returned"].as_u64().unwrap_or_default(),
        })
    }
}
