//! Output of commands on stdout.

use std::io::{self, BufRead, ErrorKind, IsTerminal, Write};

use anyhow::{Result, bail};
use comfy_table::{Table, presets::NOTHING};
use indicatif::HumanCount;
use serde_json::Value;

use super::usage::UsageError;

/// The format of the output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    /// One JSON object instead of text.
    pub(super) json: bool,
}

impl Output {
    /// Prints the JSON object, or the text that `words` returns.
    pub(super) fn print(self, json: &Value, words: impl FnOnce() -> String) -> io::Result<()> {
        if self.json {
            line(&json.to_string())
        } else {
            line(&words())
        }
    }
}

/// Asks for confirmation of something that cannot be undone. Fails if the answer is not yes, or if stdin is not a
/// terminal.
pub(super) fn confirm(what: &str, question: &str, refused: &'static str) -> Result<()> {
    if !io::stdin().is_terminal() {
        bail!(UsageError(format!(
            "{what} cannot be undone; add --yes to skip the question"
        )));
    }
    eprint!("{question} This cannot be undone. [y/N] ");
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    if !answer.trim().eq_ignore_ascii_case("y") && !answer.trim().eq_ignore_ascii_case("yes") {
        bail!(refused);
    }
    Ok(())
}

/// Prints a text and a line break.
///
/// A closed pipe is no failure: the reader of `… | head` has seen enough.
pub(super) fn line(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let printed = writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush());
    match printed {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Names and values in two columns.
pub(super) fn fields<const N: usize>(fields: [(&str, String); N]) -> String {
    let rows = fields.map(|(name, value)| vec![name.to_owned(), value]);
    aligned(&mut Table::new(), rows)
}

/// Rows under headings.
pub(super) fn table<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.set_header(headings);
    aligned(&mut table, rows.into_iter().map(Vec::from))
}

fn aligned(table: &mut Table, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    table.load_style(NOTHING).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

/// A number with its thousands separated: `2,013`.
pub(super) fn grouped(number: impl Into<i64>) -> String {
    let number = number.into();
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", HumanCount(number.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        let shown = [0_i64, 999, 1_000, 2_013, 1_000_000].map(grouped);
        assert_eq!(shown, ["0", "999", "1,000", "2,013", "1,000,000"]);
    }

    #[test]
    fn columns_are_aligned() {
        let table = table(["ID", "NAME"], [["ws_1".to_owned(), "Toko".to_owned()]]);
        assert_eq!(table, "ID    NAME\nws_1  Toko");
    }
}
