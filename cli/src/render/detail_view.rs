use comfy_table::{ColumnConstraint, ContentArrangement};
use serde::Serialize;
use serde_json::Value;

use super::{
    DisplayContext, NOTHING, columns, json_rows,
    table::{Cell, RenderOptions, blank},
};
use crate::{
    base::{Field, sanitize},
    error::Failure,
};

/// One thing, with a line for each field.
#[derive(Clone, Debug, Default)]
pub(crate) struct DetailView {
    fields: Vec<(String, Cell)>,
}

/// A line that shows documented fields in another way than under their own names.
#[derive(Clone, Debug)]
pub(crate) struct DetailLine {
    label: &'static str,
    fields: &'static [&'static str],
    text: Option<String>,
}

impl DetailLine {
    /// Shows the values of these fields under one label.
    pub(crate) const fn new(label: &'static str, fields: &'static [&'static str]) -> Self {
        Self {
            label,
            fields,
            text: None,
        }
    }

    /// Shows this text instead of the values.
    pub(crate) fn with_text(self, text: String) -> Self {
        Self {
            text: Some(text),
            ..self
        }
    }

    fn shows(&self, field: &Field) -> bool {
        self.fields.contains(&field.name)
    }

    fn cell(&self, row: &Value, fields: &[Field], display: &DisplayContext) -> Option<Cell> {
        if let Some(text) = &self.text {
            return Some(Cell::new(text));
        }
        let named = |name| fields.iter().find(|field| field.name == name);
        let fields = self.fields.iter().filter_map(|name| named(*name));
        let cells = fields.map(|field| columns::detail(field, row, display));
        cells.reduce(|first, cell| first.join(&cell))
    }
}

impl DetailView {
    /// Shows every field that a thing has: first these lines, then the documented fields in the document's order, then
    /// the fields that a newer server adds. Each of the other lines takes the place of its first field.
    pub(crate) fn from_fields(
        thing: &impl Serialize,
        fields: &[Field],
        first: &[DetailLine],
        others: &[DetailLine],
        display: &DisplayContext,
    ) -> Result<Self, Failure> {
        let row = serde_json::to_value(thing)?;
        let labelled = |line: &DetailLine| {
            let cell = line.cell(&row, fields, display)?;
            Some((line.label.to_owned(), cell))
        };
        let mut view = Self::default();
        view.fields.extend(first.iter().filter_map(labelled));
        for field in fields {
            let top = field.name.split('.').next().unwrap_or_default();
            if row.get(top).is_none() || first.iter().any(|line| line.shows(field)) {
                continue;
            }
            match others.iter().find(|line| line.shows(field)) {
                Some(line) if line.fields.first() == Some(&field.name) => {
                    view.fields.extend(labelled(line));
                }
                Some(_) => {}
                None => {
                    let cell = columns::detail(field, &row, display);
                    view.fields.push((columns::label(field), cell));
                }
            }
        }
        let is_documented = |name: &str| {
            let mut names = fields.iter().map(|field| field.name.split('.').next());
            names.any(|top| top == Some(name))
        };
        for (name, value) in row.as_object().into_iter().flatten() {
            if !is_documented(name) {
                let text = (!value.is_null()).then(|| json_rows::text(value).into_owned());
                view.fields.push((name.clone(), Cell::optional(text)));
            }
        }
        Ok(view)
    }

    /// Adds a field.
    pub(crate) fn with(mut self, label: &str, value: impl Into<String>) -> Self {
        self.fields.push((label.to_owned(), Cell::new(value)));
        self
    }

    /// Adds a field that may be null.
    pub(crate) fn maybe(self, label: &str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.with(label, value),
            None => self.with(label, NOTHING),
        }
    }

    /// Adds a field with a meaning of its own.
    pub(crate) fn cell(mut self, label: &str, cell: Cell) -> Self {
        self.fields.push((label.to_owned(), cell));
        self
    }

    /// These fields of a row under their own names.
    pub(super) fn from_row(row: &Value, fields: &[&Field], display: &DisplayContext) -> Self {
        fields.iter().fold(Self::default(), |record, field| {
            record.cell(field.name, columns::cell(field, row, display))
        })
    }

    /// Long values go on under themselves.
    pub(super) fn text(&self, options: RenderOptions) -> String {
        let mut drawing = blank();
        if let Some(terminal) = options.terminal {
            drawing
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(u16::try_from(terminal.columns).unwrap_or(u16::MAX));
        }
        for (label, cell) in &self.fields {
            drawing.add_row([
                comfy_table::Cell::new_owned(sanitize::line(label)),
                cell.drawn(sanitize::block(&cell.text), options.color),
            ]);
        }
        if let Some(labels) = drawing.column_mut(0) {
            labels.set_constraint(ColumnConstraint::ContentWidth);
        }
        drawing.trim_fmt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Terminal;

    const IN_A_PIPE: RenderOptions = RenderOptions {
        terminal: None,
        color: false,
        headers: true,
    };

    fn record() -> DetailView {
        DetailView::default()
            .with("name", "Budi Santoso")
            .maybe("email", None::<String>)
            .with("notes", "asked for the price list\nstatus  won\u{9b}")
    }

    #[test]
    fn several_lines_stay_under_their_label() {
        insta::assert_snapshot!(record().text(IN_A_PIPE), @r"
         name   Budi Santoso
         email  -
         notes  asked for the price list
                status  won�
        ");
    }

    #[test]
    fn long_values_are_wrapped_on_a_terminal() {
        let narrow = RenderOptions {
            terminal: Some(Terminal {
                columns: 24,
                rows: 24,
            }),
            ..IN_A_PIPE
        };
        insta::assert_snapshot!(record().text(narrow), @r"
         name   Budi Santoso
         email  -
         notes  asked for the
                price list
                status  won�
        ");
    }
}
