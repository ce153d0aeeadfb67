//! Lists: reads as many pages as the requested rows need.

use std::time::Instant;

use futures::{
    Stream, StreamExt as _, TryStreamExt as _,
    stream::{self, FusedStream as _, LocalBoxStream},
};
use konektor_sdk::{Error, ErrorKind, PageStream, Pagination};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    args::{MAX_PAGE_SIZE, PageArgs, Rows, Words},
    error::Failure,
    render::{ListEnd, ListPart, Note, count},
    session::Call,
};

/// The rows of a list, page after page.
pub(crate) struct Pages<'a> {
    call: &'a Call<'a>,
    batches: LocalBoxStream<'a, Result<PageRows, Failure>>,
    read: u64,
    first: Option<Pagination>,
    last: Option<Pagination>,
    extra: Map<String, Value>,
    /// The arguments, for the command that continues.
    page: PageArgs,
    filters: Vec<String>,
}

/// A page as JSON.
struct PageRows {
    rows: Vec<Value>,
    pagination: Pagination,
    extra: Map<String, Value>,
}

impl<'a> Pages<'a> {
    /// Reads the requested rows. `filters` are repeated in the command that continues.
    ///
    /// # Errors
    /// When `--limit` is 0, or larger than a page together with `--page`.
    pub(crate) fn new<T: Serialize + 'static>(
        call: &'a Call<'a>,
        rows: &Rows,
        filters: Words,
        pages: PageStream<T>,
    ) -> Result<Self, Failure> {
        if rows.page.limit == Some(0) {
            return Err(Failure::usage("--limit must be at least 1"));
        }
        if let (Some(_), Some(limit)) = (rows.page.page, rows.page.limit)
            && limit > MAX_PAGE_SIZE
        {
            return Err(Failure::usage(format!(
                "--page cannot be used with --limit {limit}: a page has at most {MAX_PAGE_SIZE} rows"
            ))
            .hint("leave one of them out, or use --cursor"));
        }
        let batches = match rows.page.limit {
            _ if rows.all => batches(call, pages.max_rows(u64::MAX)).boxed_local(),
            Some(limit) => batches(call, pages.max_rows(limit)).boxed_local(),
            None => batches(call, pages).take(1).boxed_local(),
        };
        Ok(Self {
            page: rows.page.clone(),
            filters: filters.into_iter().collect(),
            ..Self::from_batches(call, batches)
        })
    }

    /// Reads every row.
    pub(crate) fn all<T: Serialize + 'static>(call: &'a Call<'a>, pages: PageStream<T>) -> Self {
        Self::from_batches(call, batches(call, pages.max_rows(u64::MAX)).boxed_local())
    }

    fn from_batches(
        call: &'a Call<'a>,
        batches: LocalBoxStream<'a, Result<PageRows, Failure>>,
    ) -> Self {
        Self {
            call,
            batches,
            read: 0,
            first: None,
            last: None,
            extra: Map::new(),
            page: PageArgs::default(),
            filters: Vec::new(),
        }
    }

    /// The number of rows on all pages; 0 before the first page is read.
    pub(crate) fn total(&self) -> u64 {
        let total = self.last.as_ref().map_or(0, |page| page.total);
        u64::try_from(total).unwrap_or_default()
    }

    /// Streams the rows, and then the metadata and the note.
    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<ListPart, Failure>> + 'a {
        stream::try_unfold(Some(self), async |pages| {
            let Some(mut pages) = pages else {
                return Ok(None);
            };
            Ok(Some(match pages.next().await? {
                Some(rows) => (ListPart::Rows(rows), Some(pages)),
                None => (ListPart::End(pages.end()?), None),
            }))
        })
    }

    fn end(&self) -> Result<ListEnd, Failure> {
        Ok(ListEnd {
            metadata: self.metadata()?,
            note: self.note(),
        })
    }

    /// The rows of the next page; `None` after the last requested one.
    ///
    /// # Errors
    /// When a page cannot be fetched.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Value>>, Failure> {
        let Some(batch) = self.batches.try_next().await? else {
            return Ok(None);
        };
        self.read += batch.rows.len() as u64;
        self.first.get_or_insert_with(|| batch.pagination.clone());
        self.last = Some(batch.pagination);
        self.extra.extend(batch.extra);
        Ok(Some(batch.rows))
    }

    /// What the API returned beside the rows that were read.
    fn metadata(&self) -> Result<Map<String, Value>, Failure> {
        let mut metadata = Map::new();
        metadata.insert("pagination".to_owned(), serde_json::to_value(&self.last)?);
        for (name, value) in &self.extra {
            metadata.entry(name).or_insert_with(|| value.clone());
        }
        Ok(metadata)
    }

    /// `50 of 412 · all: konektor leads list --status new --all`; `None` if these are all rows.
    fn note(&self) -> Option<Note> {
        let (start, end) = (self.first.as_ref()?, self.last.as_ref()?);
        let rows = i64::try_from(self.read).ok()?;
        let total = count(end.total);
        if rows == 0 {
            return Some(match end.total {
                0 => Note::ForPeople("nothing found".to_owned()),
                _ => Note::Cut(format!("this page is empty; {total} in total")),
            });
        }
        let first = (start.page - 1).saturating_mul(start.limit) + 1;
        let shown = match first {
            1 => count(rows),
            first => format!("{}–{}", count(first), count(first + rows - 1)),
        };
        match &end.next_cursor {
            Some(cursor) => {
                let go_on = self.pagination_hint(end, cursor)?;
                Some(Note::Cut(format!("{shown} of {total} · {go_on}")))
            }
            None if first == 1 => None,
            None => Some(Note::Cut(format!("{shown} of {total}"))),
        }
    }

    /// Suggests the command for the next rows: by cursor or page number if one was typed, else with `--all`.
    fn pagination_hint(&self, end: &Pagination, cursor: &str) -> Option<String> {
        let mut page = self.page.clone();
        let (what, added) = if page.cursor.take().is_some() {
            page.page = None;
            ("more", vec!["--cursor".to_owned(), cursor.to_owned()])
        } else if page.page.take().is_some() {
            (
                "more",
                vec!["--page".to_owned(), (end.page + 1).to_string()],
            )
        } else {
            page.limit = None;
            ("all", vec!["--all".to_owned()])
        };
        let words = page.words().into_iter().chain(self.filters.iter().cloned());
        let command = self.call.rerun_command(words, added)?;
        Some(format!("{what}: {command}"))
    }
}

/// Every page as JSON, with a log line for each request.
fn batches<'a, T: Serialize + 'static>(
    call: &'a Call<'a>,
    pages: PageStream<T>,
) -> impl futures::Stream<Item = Result<PageRows, Failure>> + 'a {
    stream::try_unfold(pages, async move |mut pages| {
        if pages.is_terminated() {
            return Ok(None);
        }
        call.log_request();
        let started = Instant::now();
        let page = pages.try_next().await;
        call.context
            .log_answer(page.as_ref().map(|_| pages.meta()), started);
        let Some(page) = page.map_err(|error| explain(call, &error))? else {
            return Ok(None);
        };
        let rows = page.items.iter().map(serde_json::to_value);
        let batch = PageRows {
            rows: rows.collect::<Result<_, _>>()?,
            pagination: page.pagination,
            extra: pages
                .meta()
                .map(|meta| meta.extra.clone())
                .unwrap_or_default(),
        };
        Ok(Some((batch, pages)))
    })
}

fn explain(call: &Call<'_>, error: &Error) -> Failure {
    match error.kind() {
        // Every page was valid, but the list does not end.
        ErrorKind::UnexpectedResponse if error.attempts() == 0 => Failure::other(error.message()),
        _ => call.explain(error),
    }
}
