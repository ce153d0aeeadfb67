use konektor_spec::Operation;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    Note, Reader, Record, Table,
    fields::{self, Field},
    table::Shown,
};
use crate::{
    error::{Exit, Failure},
    pages::Pages,
};

/// What a call came to.
pub(crate) struct Answer<'a> {
    pub(super) content: Content<'a>,
    /// The fields of its rows.
    pub(super) fields: Vec<Field>,
    /// The field whose items are the rows, where the data itself is none.
    pub(super) rows_at: Option<&'static str>,
    /// What is said beside the data.
    pub(super) note: Option<Note>,
    /// How the program ends.
    pub(super) exit: Exit,
}

pub(super) enum Content<'a> {
    /// The API's data for programs, and the same for people.
    Whole(Value, View),
    /// A list that is read while it is written, and its usual columns.
    Pages(Box<Pages<'a>>, Vec<Shown>),
    /// It is written already.
    Nothing,
}

/// Data for people.
#[derive(Clone)]
pub(crate) enum View {
    Table(Table),
    Record(Record),
    /// Text that is itself the data.
    Text(String),
}

impl<'a> Answer<'a> {
    pub(crate) fn new(data: &impl Serialize, view: View) -> Result<Self, Failure> {
        Ok(Self::of(Content::Whole(serde_json::to_value(data)?, view)))
    }

    pub(crate) fn pages(pages: Pages<'a>, usual: impl Into<Vec<Shown>>) -> Self {
        Self::of(Content::Pages(Box::new(pages), usual.into()))
    }

    /// All there was to write is written already.
    pub(crate) fn nothing() -> Self {
        Self::of(Content::Nothing)
    }

    fn of(content: Content<'a>) -> Self {
        Self {
            content,
            fields: Vec::new(),
            rows_at: None,
            note: None,
            exit: Exit::Done,
        }
    }

    /// With the columns that the document says it has.
    pub(crate) fn documented_by(mut self, operation: &Operation) -> Self {
        self.fields = fields::documented(operation);
        self
    }

    /// With what a newer server says beside the data.
    pub(crate) fn beside(mut self, extra: &Map<String, Value>) -> Self {
        if let Content::Whole(Value::Object(json), _) = &mut self.content {
            for (name, value) in extra {
                json.entry(name).or_insert_with(|| value.clone());
            }
        }
        self
    }

    /// With rows in one of its fields.
    pub(crate) fn with_rows_at(mut self, field: &'static str) -> Self {
        self.rows_at = Some(field);
        self
    }

    /// An answer that ends the program in another way.
    pub(crate) fn ending(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// With what a person may want to know.
    pub(crate) fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = Some(Note::ForPeople(note.into()));
        self
    }

    /// With a word on what it lacks.
    pub(crate) fn cut(mut self, note: impl Into<String>) -> Self {
        self.note = Some(Note::Cut(note.into()));
        self
    }
}

/// The columns that are shown: those asked for, else the usual ones, and all others when there is room.
pub(super) fn shown(
    usual: &[Shown],
    fields: &[Field],
    columns: &[String],
    wide: bool,
) -> Vec<Shown> {
    if !columns.is_empty() {
        return chosen(fields, columns).map(Shown::field).collect();
    }
    let others = fields
        .iter()
        .filter(|field| wide && !usual.iter().any(|shown| shown.shows(field)));
    usual
        .iter()
        .cloned()
        .chain(others.map(Shown::field))
        .collect()
}

/// The fields of these names.
pub(super) fn chosen<'f>(
    fields: &'f [Field],
    columns: &[String],
) -> impl Iterator<Item = &'f Field> {
    columns
        .iter()
        .filter_map(|name| fields.iter().find(|field| field.name == *name))
}

/// One thing or several, each with the fields of these names.
pub(super) fn of_fields(
    rows: &[Value],
    fields: &[Field],
    columns: &[String],
    reader: &Reader,
    single: bool,
) -> View {
    match rows {
        [row] if single => {
            let chosen: Vec<_> = chosen(fields, columns).collect();
            View::Record(Record::of(row, &chosen, reader))
        }
        rows => {
            let shown = shown(&[], fields, columns, false);
            View::Table(Table::of(rows, &shown, fields, reader))
        }
    }
}
