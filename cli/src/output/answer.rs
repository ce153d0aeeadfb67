use konektor_sdk::{Page, Pagination, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Record, Table, count};
use crate::{call::Call, error::Failure};

/// What a call came to.
pub(crate) struct Answer {
    /// For programs: the API's data.
    pub(super) json: Value,
    /// For people.
    pub(super) view: View,
    /// What a person may want to know beside the data.
    pub(super) note: Option<String>,
}

/// Data for people.
pub(crate) enum View {
    Table(Table),
    Record(Record),
    /// Text that is itself the data.
    Text(String),
}

impl Answer {
    pub(crate) fn new(data: &impl Serialize, view: View) -> Result<Self, Failure> {
        Ok(Self {
            json: serde_json::to_value(data)?,
            view,
            note: None,
        })
    }

    /// One page of a list, with a word on where the next one is.
    pub(crate) fn page<T: Serialize>(
        call: &Call<'_>,
        page: &Response<Page<T>>,
        view: View,
    ) -> Result<Self, Failure> {
        let data = json!({"data": page.items, "pagination": page.pagination});
        let mut answer = Self::new(&data, view)?.beside(page.extra());
        answer.note = whereabouts(call, page.items.len(), &page.pagination);
        Ok(answer)
    }

    /// With what a newer server says beside the data.
    pub(crate) fn beside(mut self, extra: &Map<String, Value>) -> Self {
        if let Value::Object(json) = &mut self.json {
            for (name, value) in extra {
                json.entry(name).or_insert_with(|| value.clone());
            }
        }
        self
    }

    pub(crate) fn noting(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// `50 of 412 · more: konektor leads list --status new --page 2`; None when this page is all there is.
fn whereabouts(call: &Call<'_>, rows: usize, pagination: &Pagination) -> Option<String> {
    let rows = i64::try_from(rows).ok()?;
    let total = count(pagination.total);
    if rows == 0 {
        return Some(match pagination.total {
            0 => "nothing found".to_owned(),
            _ => format!("nothing on this page; {total} in all"),
        });
    }
    let first = (pagination.page - 1).saturating_mul(pagination.limit) + 1;
    let shown = match first {
        1 => count(rows),
        first => format!("{}–{}", count(first), count(first + rows - 1)),
    };
    match &pagination.next_cursor {
        Some(cursor) => {
            let next = next_page(call, pagination.page, cursor)?;
            Some(format!("{shown} of {total} · more: {next}"))
        }
        None if first == 1 => None,
        None => Some(format!("{shown} of {total}")),
    }
}

/// A reader by cursors goes on by them, others by numbers, which are shorter.
fn next_page(call: &Call<'_>, page: i64, cursor: &str) -> Option<String> {
    let by_cursor = call.flags.get::<String>("cursor").ok()?.is_some();
    let next = if by_cursor {
        ["--cursor".to_owned(), cursor.to_owned()]
    } else {
        ["--page".to_owned(), (page + 1).to_string()]
    };
    call.again(&["page", "cursor"], &next)
}
