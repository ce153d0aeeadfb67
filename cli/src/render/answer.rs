use futures::{Stream, StreamExt as _, TryStreamExt as _, stream::LocalBoxStream};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{DetailView, DisplayContext, Table, table::ListColumn};
use crate::{
    base::Field,
    error::{Exit, Failure},
};

/// The result of a command, ready to be written.
pub(crate) struct Answer<'a> {
    pub(super) content: Content<'a>,
    /// The fields of its rows.
    pub(super) fields: &'static [Field],
    /// The field that contains the rows, if the data is not a list itself.
    pub(super) rows_at: Option<&'static str>,
    /// A message for stderr.
    pub(super) note: Option<Note>,
    /// The exit code.
    pub(super) exit: Exit,
}

pub(super) enum Content<'a> {
    /// Complete data: as JSON for programs, and as a view for people.
    Whole(Value, View),
    /// A list that is read while it is written, and its default columns.
    List(List<'a>, Vec<ListColumn>),
    /// The command has written its output itself.
    Nothing,
}

/// A message on stderr beside the answer.
pub(crate) enum Note {
    /// More rows exist than were written, which the rows themselves do not show.
    Cut(String),
    /// Something that only people need.
    ForPeople(String),
}

/// A part of a list: rows, and after the last ones the end.
pub(crate) enum ListPart {
    Rows(Vec<Value>),
    End(ListEnd),
}

/// What follows the rows of a list.
#[derive(Default)]
pub(crate) struct ListEnd {
    /// What the API returned beside the rows.
    pub(crate) metadata: Map<String, Value>,
    pub(crate) note: Option<Note>,
}

/// A list that is read while it is written.
pub(super) struct List<'a> {
    parts: LocalBoxStream<'a, Result<ListPart, Failure>>,
    end: ListEnd,
}

impl List<'_> {
    /// The next rows; `None` after the last ones.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<Value>>, Failure> {
        while let Some(part) = self.parts.try_next().await? {
            match part {
                ListPart::Rows(rows) => return Ok(Some(rows)),
                ListPart::End(end) => self.end = end,
            }
        }
        Ok(None)
    }

    /// What the API returned beside the rows; empty until all rows are read.
    pub(super) fn metadata(&self) -> &Map<String, Value> {
        &self.end.metadata
    }

    /// The note, once all rows are read.
    pub(super) fn note(self) -> Option<Note> {
        self.end.note
    }
}

/// How people see complete data.
#[derive(Clone)]
pub(crate) enum View {
    Table(Table),
    Detail(DetailView),
    /// Text, which is the data itself.
    Text(String),
}

impl<'a> Answer<'a> {
    pub(crate) fn new(data: &impl Serialize, view: View) -> Result<Self, Failure> {
        Ok(Self::from_content(Content::Whole(
            serde_json::to_value(data)?,
            view,
        )))
    }

    pub(crate) fn list(
        parts: impl Stream<Item = Result<ListPart, Failure>> + 'a,
        usual: impl Into<Vec<ListColumn>>,
    ) -> Self {
        let list = List {
            parts: parts.boxed_local(),
            end: ListEnd::default(),
        };
        Self::from_content(Content::List(list, usual.into()))
    }

    /// An answer of a command that has written its output itself.
    pub(crate) fn nothing() -> Self {
        Self::from_content(Content::Nothing)
    }

    fn from_content(content: Content<'a>) -> Self {
        Self {
            content,
            fields: &[],
            rows_at: None,
            note: None,
            exit: Exit::Done,
        }
    }

    /// Sets the fields of the rows.
    pub(crate) fn with_fields(mut self, fields: &'static [Field]) -> Self {
        self.fields = fields;
        self
    }

    /// Adds what a newer server returned beside the data.
    pub(crate) fn with_metadata(mut self, extra: &Map<String, Value>) -> Self {
        if let Content::Whole(Value::Object(json), _) = &mut self.content {
            for (name, value) in extra {
                json.entry(name).or_insert_with(|| value.clone());
            }
        }
        self
    }

    /// Takes the rows from one of the fields.
    pub(crate) fn with_rows_at(mut self, field: &'static str) -> Self {
        self.rows_at = Some(field);
        self
    }

    /// Sets another exit code.
    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// Sets a note for people.
    pub(crate) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(Note::ForPeople(note.into()));
        self
    }

    /// Sets a note that says which rows are missing.
    pub(crate) fn with_truncation_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(Note::Cut(note.into()));
        self
    }
}

/// Returns the columns to show: the requested ones, else the default ones, followed by all others if `wide`.
pub(super) fn columns_to_show(
    usual: &[ListColumn],
    fields: &[Field],
    columns: &[String],
    wide: bool,
) -> Vec<ListColumn> {
    if !columns.is_empty() {
        return find_fields(fields, columns)
            .map(ListColumn::field)
            .collect();
    }
    let others = fields
        .iter()
        .filter(|field| wide && !usual.iter().any(|shown| shown.shows(field)));
    usual
        .iter()
        .cloned()
        .chain(others.map(ListColumn::field))
        .collect()
}

/// Returns the fields with these names.
pub(super) fn find_fields<'f>(
    fields: &'f [Field],
    columns: &[String],
) -> impl Iterator<Item = &'f Field> {
    columns
        .iter()
        .filter_map(|name| fields.iter().find(|field| field.name == *name))
}

/// Shows only the fields with these names: as a detail view if `single`, else as a table.
pub(super) fn view_of_fields(
    rows: &[Value],
    fields: &[Field],
    columns: &[String],
    display: &DisplayContext,
    single: bool,
) -> View {
    match rows {
        [row] if single => {
            let chosen: Vec<_> = find_fields(fields, columns).collect();
            View::Detail(DetailView::from_row(row, &chosen, display))
        }
        rows => {
            let shown = columns_to_show(&[], fields, columns, false);
            View::Table(Table::from_rows(rows, &shown, fields, display))
        }
    }
}
