use futures::{Stream, StreamExt as _, TryStreamExt as _, stream::LocalBoxStream};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{DetailView, DisplayContext, Table, table::ListColumn};
use crate::{
    base::Field,
    error::{Exit, Failure},
};

/// What a call came to.
pub(crate) struct Answer<'a> {
    pub(super) content: Content<'a>,
    /// The fields of its rows.
    pub(super) fields: &'static [Field],
    /// The field whose items are the rows, when the data itself is not a list.
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
    List(List<'a>, Vec<ListColumn>),
    /// It is written already.
    Nothing,
}

/// What is said on stderr beside an answer.
pub(crate) enum Note {
    /// There are more rows than were written. Whoever reads the rows cannot know.
    Cut(String),
    /// Something that only a person wants to know.
    ForPeople(String),
}

/// A part of a list: its rows as they come, and in the end what came with them.
pub(crate) enum ListPart {
    Rows(Vec<Value>),
    End(ListEnd),
}

/// What came with the rows of a list.
#[derive(Default)]
pub(crate) struct ListEnd {
    /// What the API says beside the rows.
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

    /// What the API says beside the rows, once they are read.
    pub(super) fn metadata(&self) -> &Map<String, Value> {
        &self.end.metadata
    }

    /// What a person may want to know, once the rows are read.
    pub(super) fn note(self) -> Option<Note> {
        self.end.note
    }
}

/// Data for people.
#[derive(Clone)]
pub(crate) enum View {
    Table(Table),
    Detail(DetailView),
    /// Text that is itself the data.
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

    /// All there was to write is written already.
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

    /// With these fields in its rows.
    pub(crate) fn with_fields(mut self, fields: &'static [Field]) -> Self {
        self.fields = fields;
        self
    }

    /// With what a newer server says beside the data.
    pub(crate) fn with_metadata(mut self, extra: &Map<String, Value>) -> Self {
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
    pub(crate) fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// With what a person may want to know.
    pub(crate) fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(Note::ForPeople(note.into()));
        self
    }

    /// With a word on what it lacks.
    pub(crate) fn with_truncation_note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(Note::Cut(note.into()));
        self
    }
}

/// The columns that are shown: those asked for, else the usual ones, and all others when there is room.
pub(super) fn shown(
    usual: &[ListColumn],
    fields: &[Field],
    columns: &[String],
    wide: bool,
) -> Vec<ListColumn> {
    if !columns.is_empty() {
        return chosen(fields, columns).map(ListColumn::field).collect();
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
pub(super) fn view_of_fields(
    rows: &[Value],
    fields: &[Field],
    columns: &[String],
    display: &DisplayContext,
    single: bool,
) -> View {
    match rows {
        [row] if single => {
            let chosen: Vec<_> = chosen(fields, columns).collect();
            View::Detail(DetailView::from_row(row, &chosen, display))
        }
        rows => {
            let shown = shown(&[], fields, columns, false);
            View::Table(Table::from_rows(rows, &shown, fields, display))
        }
    }
}
