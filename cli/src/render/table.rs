use std::borrow::Cow;

use comfy_table::{
    CellAlignment, Color, ColumnConstraint, ContentArrangement, Table as Drawing, Width, presets,
};
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

use super::{
    DisplayContext,
    bar::bar,
    columns,
    fit::{self, ColumnWidths},
};
use crate::{
    base::{Field, sanitize},
    env::Terminal,
};

/// The text for null.
pub(crate) const NOTHING: &str = "-";

/// Rows of cells, with a title for each column.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

/// The title of a column, and the layout of its cells.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    title: Cow<'static, str>,
    min_width: Option<usize>,
    drop_priority: u8,
    right: bool,
}

/// A value as text, with its tone.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(super) text: String,
    tone: Tone,
    /// The share of the column's width that a bar takes, if it is drawn instead of the text.
    bar: Option<f64>,
}

/// A column of a list, and the fields that it shows.
#[derive(Clone, Debug)]
pub(crate) struct ListColumn {
    column: Column,
    fields: Vec<&'static str>,
}

/// The meaning of a value, which decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Fresh,
    Busy,
    Good,
    Bad,
}

impl Column {
    /// A column that is always shown in full.
    pub(crate) fn new(title: impl Into<Cow<'static, str>>) -> Self {
        Self {
            title: title.into(),
            min_width: None,
            drop_priority: 0,
            right: false,
        }
    }

    /// Allows the column to be shortened to this width.
    pub(crate) fn min_width(mut self, width: usize) -> Self {
        self.min_width = Some(width);
        self
    }

    /// Allows the column to be dropped, after those with a higher priority.
    pub(crate) fn drop_priority(mut self, drop_priority: u8) -> Self {
        self.drop_priority = drop_priority;
        self
    }

    /// Aligns the cells right.
    pub(crate) fn right(mut self) -> Self {
        self.right = true;
        self
    }

    /// Shows these fields of a row, separated by spaces.
    pub(crate) fn fields(self, fields: &[&'static str]) -> ListColumn {
        ListColumn {
            column: self,
            fields: fields.to_vec(),
        }
    }
}

impl ListColumn {
    /// A column with the name of its field.
    pub(crate) fn field(field: &Field) -> Self {
        Self {
            column: columns::column(field),
            fields: vec![field.name],
        }
    }

    pub(crate) fn shows(&self, field: &Field) -> bool {
        self.fields.contains(&field.name)
    }

    fn cell(&self, row: &Value, fields: &[Field], display: &DisplayContext) -> Cell {
        let mut cells = self
            .fields
            .iter()
            .filter_map(|name| fields.iter().find(|field| field.name == *name))
            .map(|field| columns::cell(field, row, display));
        let Some(first) = cells.next() else {
            return Cell::optional(None::<String>);
        };
        cells.fold(first, |first, cell| first.join(&cell))
    }
}

impl Cell {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            tone: Tone::Plain,
            bar: None,
        }
    }

    /// The status of a lead or of its conversions, with its tone.
    pub(crate) fn status(word: impl Into<String>) -> Self {
        let cell = Self::new(word);
        let tone = match cell.text.as_str() {
            "new" => Tone::Fresh,
            "qualified" | "hot" | "proposal" | "negotiation" | "invoice" | "pending"
            | "partial" => Tone::Busy,
            "won" | "synced" => Tone::Good,
            "lost" | "failed" => Tone::Bad,
            _ => Tone::Plain,
        };
        cell.tone(tone)
    }

    /// A bar that takes a share of the column's width.
    pub(crate) fn bar(share: f64) -> Self {
        Self {
            bar: Some(share),
            ..Self::new(bar(share, BAR))
        }
    }

    pub(crate) fn optional(text: Option<impl Into<String>>) -> Self {
        text.map_or_else(|| Self::new(NOTHING), Self::new)
    }

    pub(crate) fn tone(mut self, tone: Tone) -> Self {
        self.tone = tone;
        self
    }

    /// Joins the texts of both with a space. A null adds nothing.
    pub(super) fn join(self, other: &Self) -> Self {
        if other.text == NOTHING {
            return self;
        }
        Self {
            text: format!("{} {}", self.text, other.text),
            ..self
        }
    }

    /// Takes the tone of another cell.
    pub(crate) fn toned_like(mut self, other: &Self) -> Self {
        self.tone = other.tone;
        self
    }

    /// Fits sanitised text to the width of the column.
    fn seen(&self, text: &str, width: usize) -> String {
        match self.bar {
            Some(share) => bar(share, width.min(BAR)),
            None => fit::shorten(text, width),
        }
    }

    pub(super) fn drawn(&self, text: String, color: bool) -> comfy_table::Cell {
        let cell = comfy_table::Cell::new_owned(text);
        let tone = match self.tone {
            Tone::Plain => None,
            Tone::Fresh => Some(Color::DarkCyan),
            Tone::Busy => Some(Color::DarkYellow),
            Tone::Good => Some(Color::DarkGreen),
            Tone::Bad => Some(Color::DarkRed),
        };
        match tone.filter(|_| color) {
            Some(color) => cell.fg(color),
            None => cell,
        }
    }
}

/// What decides how a view is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RenderOptions {
    /// `None` if the width is not limited.
    pub(super) terminal: Option<Terminal>,
    pub(super) color: bool,
    pub(super) headers: bool,
}

/// The longest bar.
const BAR: usize = 28;

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

    /// A table of the rows of a list.
    pub(super) fn from_rows(
        rows: &[Value],
        shown: &[ListColumn],
        fields: &[Field],
        display: &DisplayContext,
    ) -> Self {
        let cells = |row| {
            shown
                .iter()
                .map(|shown| shown.cell(row, fields, display))
                .collect()
        };
        Self::new(
            shown
                .iter()
                .map(|shown| shown.column.clone())
                .collect::<Vec<_>>(),
            rows.iter().map(cells),
        )
    }

    /// Draws the table; without rows, not even the titles.
    pub(super) fn text(&self, options: RenderOptions) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        self.draw(&self.widths(options.terminal), options)
    }

    /// Returns the width of every column, `None` for those that are dropped.
    pub(super) fn widths(&self, terminal: Option<Terminal>) -> Vec<Option<usize>> {
        let needs = self.needs(&self.sanitized_cells());
        match terminal {
            Some(terminal) => fit::widths(&needs, terminal.columns, PADDING),
            None => needs
                .iter()
                .map(|need| Some(need.preferred_width))
                .collect(),
        }
    }

    fn sanitized_cells(&self) -> Vec<Vec<String>> {
        let clean = |row: &Vec<Cell>| row.iter().map(|cell| sanitize::line(&cell.text)).collect();
        self.rows.iter().map(clean).collect()
    }

    fn needs(&self, cells: &[Vec<String>]) -> Vec<ColumnWidths> {
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(at, column)| {
                let widths = cells
                    .iter()
                    .filter_map(|row| row.get(at))
                    .map(|cell| cell.width());
                let preferred_width = widths.max().unwrap_or_default().max(column.title.width());
                ColumnWidths {
                    preferred_width,
                    min_width: column
                        .min_width
                        .map_or(preferred_width, |min_width| min_width.min(preferred_width)),
                    drop_priority: column.drop_priority,
                }
            })
            .collect()
    }

    /// Draws the rows in columns of these widths.
    pub(super) fn draw(&self, widths: &[Option<usize>], options: RenderOptions) -> String {
        let mut drawing = blank();
        let kept = || {
            widths
                .iter()
                .enumerate()
                .filter_map(|(at, width)| Some((at, (*width)?)))
        };
        if options.headers {
            drawing.set_header(
                kept()
                    .map(|(at, width)| fit::shorten(&self.columns[at].title, width))
                    .collect::<Vec<_>>(),
            );
        }
        for (row, texts) in self.rows.iter().zip(self.sanitized_cells()) {
            drawing.add_row(
                kept()
                    .map(|(at, width)| {
                        row[at].drawn(row[at].seen(&texts[at], width), options.color)
                    })
                    .collect::<Vec<_>>(),
            );
        }
        for (column, (at, width)) in drawing.column_iter_mut().zip(kept()) {
            let width = u16::try_from(width + PADDING).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width)));
            if self.columns[at].right {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        drawing.trim_fmt()
    }
}

/// A table of comfy-table without borders, which does not query the terminal.
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

    fn columns() -> [Column; 3] {
        [
            Column::new("NAME").min_width(6),
            Column::new("STATUS"),
            Column::new("VALUE").right().drop_priority(1),
        ]
    }

    const IN_A_PIPE: RenderOptions = RenderOptions {
        terminal: None,
        color: false,
        headers: true,
    };

    fn table() -> Table {
        let row = |name: &str, status: &str, tone, value: &str| {
            vec![
                Cell::new(name),
                Cell::new(status).tone(tone),
                Cell::new(value),
            ]
        };
        Table::new(
            columns(),
            [
                row("Budi Santoso", "won", Tone::Good, "5,000,000"),
                row("佐藤花子", "new", Tone::Plain, "1"),
            ],
        )
    }

    fn on_a_terminal(columns: usize, color: bool) -> String {
        let terminal = Some(Terminal { columns, rows: 24 });
        table().text(RenderOptions {
            terminal,
            color,
            headers: true,
        })
    }

    #[test]
    fn wide_letters_leave_the_columns_straight() {
        insta::assert_snapshot!(table().text(IN_A_PIPE), @r"
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
        assert!(!table().text(IN_A_PIPE).contains('\u{1b}'));
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
        insta::assert_snapshot!(table.text(IN_A_PIPE), @r"
         NAME
         a�]0;b�� c
        ");
    }

    #[test]
    fn no_rows_print_nothing() {
        assert_eq!(Table::new(columns(), []).text(IN_A_PIPE), "");
    }

    #[test]
    fn a_bar_shrinks_with_its_column() {
        let columns = [Column::new("STATUS"), Column::new("LEADS").min_width(4)];
        let rows = [("new", 1.0), ("won", 0.25)];
        let rows = rows.map(|(status, share)| vec![Cell::status(status), Cell::bar(share)]);
        let options = RenderOptions {
            terminal: Some(Terminal {
                columns: 18,
                rows: 24,
            }),
            ..IN_A_PIPE
        };
        insta::assert_snapshot!(Table::new(columns, rows).text(options), @r"
         STATUS  LEADS
         new     ████████
         won     ██
        ");
    }

    #[test]
    fn later_rows_keep_the_widths_of_the_first() {
        let first = table();
        let widths = first.widths(None);
        let later = Table::new(
            columns(),
            [vec![
                Cell::new("Ani"),
                Cell::new("negotiation"),
                Cell::new("7"),
            ]],
        );
        let options = RenderOptions {
            headers: false,
            ..IN_A_PIPE
        };
        insta::assert_snapshot!(later.draw(&widths, options), @" Ani           negot…          7");
    }
}
