use comfy_table::{ColumnConstraint, ContentArrangement};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    DisplayContext, NOTHING, columns,
    table::{Cell, RenderOptions, blank},
};
use crate::{
    base::{Field, sanitize},
    error::Failure,
};

/// One thing, its fields below each other.
#[derive(Clone, Debug, Default)]
pub(crate) struct DetailView {
    fields: Vec<(String, Cell)>,
}

/// A line that shows fields of the document under another name, or several on one line.
pub(crate) struct DetailLine {
    pub(crate) label: &'static str,
    pub(crate) fields: &'static [&'static str],
}

impl DetailView {
    /// Every documented field that a thing has, and after them those that a newer server adds. `first` are the lines
    /// that come first, `renamed` those that have another label in their place.
    pub(crate) fn documented(
        thing: &impl Serialize,
        fields: &[Field],
        first: &[DetailLine],
        renamed: &[(&str, &str)],
        display: &DisplayContext,
    ) -> Result<Self, Failure> {
        let row = serde_json::to_value(thing)?;
        let named = |name: &str| fields.iter().find(|field| field.name == name);
        let mut view = Self::default();
        for line in first {
            let cells = line.fields.iter().filter_map(|name| named(name));
            let cells = cells.map(|field| columns::detail(field, &row, display));
            view.fields.extend(
                cells
                    .reduce(|first, cell| first.joined(&cell))
                    .map(|cell| (line.label.to_owned(), cell)),
            );
        }
        let in_first = |field: &Field| first.iter().any(|line| line.fields.contains(&field.name));
        for field in fields {
            let top = field.name.split('.').next().unwrap_or_default();
            if row.get(top).is_none() || in_first(field) {
                continue;
            }
            let label = renamed.iter().find(|(name, _)| *name == field.name);
            let label =
                label.map_or_else(|| columns::label(field), |(_, label)| (*label).to_owned());
            view.fields
                .push((label, columns::detail(field, &row, display)));
        }
        let known = |name: &str| {
            let mut tops = fields
                .iter()
                .filter_map(|field| field.name.split('.').next());
            tops.any(|known| known == name)
        };
        let extra = row.as_object().into_iter().flatten();
        let extra = extra.filter(|(name, _)| !known(name));
        Ok(view.extra(
            &extra
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        ))
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

    /// Adds what a newer server says beside the known fields.
    pub(crate) fn extra(mut self, extra: &Map<String, Value>) -> Self {
        for (name, value) in extra {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            self.fields.push((name.clone(), Cell::new(text)));
        }
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
