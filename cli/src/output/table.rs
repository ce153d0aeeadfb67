use comfy_table::{CellAlignment, Color, ContentArrangement, Table as Drawing, presets};
use unicode_width::UnicodeWidthStr as _;

use super::{
    NOTHING, clean,
    fit::{self, Need},
};
use crate::world::Terminal;

/// Rows under headings.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// A heading, and how the cells below it are laid out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    title: &'static str,
    least: Option<usize>,
    rank: u8,
    right: bool,
}

/// A value as a person reads it.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(super) text: String,
    tone: Tone,
}

/// What a value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Fresh,
    Busy,
    Good,
    Bad,
}

impl Column {
    /// One that is always shown in full.
    pub(crate) const fn new(title: &'static str) -> Self {
        Self {
            title,
            least: None,
            rank: 0,
            right: false,
        }
    }

    /// It may be shortened to this width.
    pub(crate) const fn least(mut self, width: usize) -> Self {
        self.least = Some(width);
        self
    }

    /// It may be dropped, after those with a higher rank.
    pub(crate) const fn rank(mut self, rank: u8) -> Self {
        self.rank = rank;
        self
    }

    /// Numbers stand under each other.
    pub(crate) const fn right(mut self) -> Self {
        self.right = true;
        self
    }
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            tone: Tone::Plain,
        }
    }

    pub(crate) fn optional(text: Option<impl Into<String>>) -> Self {
        text.map_or_else(|| Self::new(NOTHING), Self::new)
    }

    pub(crate) fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    pub(super) fn drawn(&self, text: String, terminal: Option<Terminal>) -> comfy_table::Cell {
        let cell = comfy_table::Cell::new_owned(text);
        let color = match self.tone {
            Tone::Plain => None,
            Tone::Fresh => Some(Color::DarkCyan),
            Tone::Busy => Some(Color::DarkYellow),
            Tone::Good => Some(Color::DarkGreen),
            Tone::Bad => Some(Color::DarkRed),
        };
        match color.filter(|_| terminal.is_some_and(|terminal| terminal.color)) {
            Some(color) => cell.fg(color),
            None => cell,
        }
    }
}

/// comfy-table leaves one column free on either side of a cell.
pub(super) const PADDING: usize = 2;

impl Table {
    pub(crate) fn new(
        columns: impl Into<Vec<Column>>,
        rows: impl IntoIterator<Item = Vec<Cell>>,
    ) -> Self {
        Self {
            columns: columns.into(),
            rows: rows.into_iter().collect(),
        }
    }

    /// Without rows there is nothing to print, headings neither.
    pub(super) fn text(&self, terminal: Option<Terminal>) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let cells = self.clean_cells();
        let widths = match terminal {
            Some(terminal) => fit::widths(&self.needs(&cells), terminal.columns, PADDING),
            None => vec![Some(usize::MAX); self.columns.len()],
        };
        self.draw(&cells, &widths, terminal)
    }

    fn clean_cells(&self) -> Vec<Vec<String>> {
        let clean = |row: &Vec<Cell>| row.iter().map(|cell| clean::line(&cell.text)).collect();
        self.rows.iter().map(clean).collect()
    }

    fn needs(&self, cells: &[Vec<String>]) -> Vec<Need> {
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(at, column)| {
                let widths = cells
                    .iter()
                    .filter_map(|row| row.get(at))
                    .map(|cell| cell.width());
                let natural = widths.max().unwrap_or_default().max(column.title.width());
                Need {
                    natural,
                    least: column.least.map_or(natural, |least| least.min(natural)),
                    rank: column.rank,
                }
            })
            .collect()
    }

    fn draw(
        &self,
        cells: &[Vec<String>],
        widths: &[Option<usize>],
        terminal: Option<Terminal>,
    ) -> String {
        let mut drawing = blank();
        let kept = || {
            widths
                .iter()
                .enumerate()
                .filter_map(|(at, width)| Some((at, (*width)?)))
        };
        drawing.set_header(
            kept()
                .map(|(at, width)| fit::shorten(self.columns[at].title, width))
                .collect::<Vec<_>>(),
        );
        for (row, texts) in self.rows.iter().zip(cells) {
            drawing.add_row(
                kept()
                    .map(|(at, width)| row[at].drawn(fit::shorten(&texts[at], width), terminal))
                    .collect::<Vec<_>>(),
            );
        }
        for (column, (at, _)) in drawing.column_iter_mut().zip(kept()) {
            if self.columns[at].right {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        drawing.trim_fmt()
    }
}

/// A table of comfy-table's that has no lines and asks no terminal.
pub(super) fn blank() -> Drawing {
    let mut drawing = Drawing::new();
    drawing
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .enforce_styling();
    drawing.style_text_only();
    drawing
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 3] = [
        Column::new("NAME").least(6),
        Column::new("STATUS"),
        Column::new("VALUE").right().rank(1),
    ];

    fn table() -> Table {
        let row = |name: &str, status: &str, tone, value: &str| {
            vec![
                Cell::new(name),
                Cell::new(status).tone(tone),
                Cell::new(value),
            ]
        };
        Table::new(
            COLUMNS,
            [
                row("Budi Santoso", "won", Tone::Good, "5,000,000"),
                row("佐藤花子", "new", Tone::Plain, "1"),
            ],
        )
    }

    fn on_a_terminal(columns: usize, color: bool) -> String {
        table().text(Some(Terminal { columns, color }))
    }

    #[test]
    fn wide_letters_leave_the_columns_straight() {
        insta::assert_snapshot!(table().text(None), @r"
         NAME          STATUS      VALUE
         Budi Santoso  won     5,000,000
         佐藤花子      new             1
        ");
    }

    #[test]
    fn a_narrow_terminal_gets_fewer_and_shorter_columns() {
        insta::assert_snapshot!(on_a_terminal(20, false), @r"
         NAME        STATUS
         Budi Sant…  won
         佐藤花子    new
        ");
    }

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        assert!(on_a_terminal(80, true).contains("\u{1b}["));
        assert!(!on_a_terminal(80, false).contains('\u{1b}'));
        assert!(!table().text(None).contains('\u{1b}'));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for columns in 5..60 {
            for line in on_a_terminal(columns, false).lines() {
                assert!(line.width() <= columns, "{columns}: {line:?}");
            }
        }
    }

    #[test]
    fn control_characters_never_pass() {
        let table = Table::new(
            [Column::new("NAME")],
            [vec![Cell::new("a\u{1b}]0;b\u{7}\u{202e}\nc")]],
        );
        insta::assert_snapshot!(table.text(None), @r"
         NAME
         a�]0;b�� c
        ");
    }

    #[test]
    fn no_rows_print_nothing() {
        assert_eq!(Table::new(COLUMNS, []).text(None), "");
    }
}
