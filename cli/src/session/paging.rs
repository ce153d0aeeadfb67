//! Lists: as many rows as are wanted, however many pages that takes.

use std::time::Instant;

use clap::{Arg, ArgAction, Command};
use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, FusedStream as _, LocalBoxStream},
};
use konektor_sdk::{Error, ErrorKind, PageStream, Pagination};
use konektor_spec::Operation;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    error::Failure,
    render::{Note, OutputOptions, count},
    session::Call,
};

const ALL: &str = "all";

/// The rows of a list, page after page.
pub(crate) struct Pages<'a> {
    call: &'a Call<'a>,
    batches: LocalBoxStream<'a, Result<PageRows, Failure>>,
    read: u64,
    first: Option<Pagination>,
    last: Option<Pagination>,
    extra: Map<String, Value>,
}

/// A page as JSON.
struct PageRows {
    rows: Vec<Value>,
    pagination: Pagination,
    extra: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowLimit {
    /// One page, as long as the server likes.
    Page,
    Rows(u64),
    All,
}

/// What a list has beside the flags of its operation: `--limit` is the total, and `--all` is all.
pub(crate) fn shape(command: Command, operation: &Operation) -> Command {
    let limit = operation.parameters.iter().find(|p| p.name == "limit");
    let default = limit.and_then(|limit| limit.schema.default_value()?.as_u64());
    let default = default.unwrap_or_default();
    command
        .mut_arg("limit", |limit| {
            limit.help(format!(
                "The most rows in all; pages are fetched as needed. [at least 1] [default: {default}]"
            ))
        })
        .mut_arg("page", |page| page.conflicts_with(ALL))
        .arg(OutputOptions::wide())
        .arg(
            Arg::new(ALL)
                .long(ALL)
                .action(ArgAction::SetTrue)
                .conflicts_with("limit")
                .help("All rows, written as they come; json and yaml when the last one is there"),
        )
}

/// The most rows of one page.
fn max_page_size(call: &Call<'_>) -> u64 {
    let limit = call.operation.parameters.iter().find(|p| p.name == "limit");
    let most = limit.and_then(|limit| limit.schema.maximum()?.as_u64());
    most.unwrap_or(1)
}

impl<'a> Pages<'a> {
    /// # Errors
    /// When pages are counted in which more rows are wanted than a page has.
    pub(crate) fn new<T: Serialize + 'static>(
        call: &'a Call<'a>,
        pages: PageStream<T>,
    ) -> Result<Self, Failure> {
        let row_limit = match call.flags.get("limit")? {
            _ if call.flags.is_set(ALL) => RowLimit::All,
            Some(rows) => RowLimit::Rows(rows),
            None => RowLimit::Page,
        };
        let max_page_size = max_page_size(call);
        if let RowLimit::Rows(rows) = row_limit
            && rows > max_page_size
            && call.flags.get::<u64>("page")?.is_some()
        {
            return Err(Failure::usage(format!(
                "--page counts pages of at most {max_page_size} rows, and --limit wants {rows}"
            ))
            .hint("leave one of them out, or go on with --cursor"));
        }
        Ok(Self::with_limit(call, pages, row_limit))
    }

    /// Every row, whatever the flags say.
    pub(crate) fn all<T: Serialize + 'static>(call: &'a Call<'a>, pages: PageStream<T>) -> Self {
        Self::with_limit(call, pages, RowLimit::All)
    }

    fn with_limit<T: Serialize + 'static>(
        call: &'a Call<'a>,
        pages: PageStream<T>,
        row_limit: RowLimit,
    ) -> Self {
        let batches = match row_limit {
            RowLimit::Page => batches(call, pages).take(1).boxed_local(),
            RowLimit::Rows(rows) => batches(call, pages.max_rows(rows)).boxed_local(),
            RowLimit::All => batches(call, pages.max_rows(u64::MAX)).boxed_local(),
        };
        Self {
            call,
            batches,
            read: 0,
            first: None,
            last: None,
            extra: Map::new(),
        }
    }

    /// How many rows there are in all, as far as it is known.
    pub(crate) fn total(&self) -> u64 {
        let total = self.last.as_ref().map_or(0, |page| page.total);
        u64::try_from(total).unwrap_or_default()
    }

    /// The rows of the next page; None after the last one that is wanted.
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

    /// What the API says beside the rows, as far as they are read.
    pub(crate) fn metadata(&self) -> Result<Map<String, Value>, Failure> {
        let mut metadata = Map::new();
        metadata.insert("pagination".to_owned(), serde_json::to_value(&self.last)?);
        for (name, value) in &self.extra {
            metadata.entry(name).or_insert_with(|| value.clone());
        }
        Ok(metadata)
    }

    /// `50 of 412 · all: konektor leads list --status new --all`; None when this is all there is.
    pub(crate) fn note(&self) -> Option<Note> {
        let (start, end) = (self.first.as_ref()?, self.last.as_ref()?);
        let rows = i64::try_from(self.read).ok()?;
        let total = count(end.total);
        if rows == 0 {
            return Some(match end.total {
                0 => Note::ForPeople("nothing found".to_owned()),
                _ => Note::Cut(format!("nothing on this page; {total} in all")),
            });
        }
        let first = (start.page - 1).saturating_mul(start.limit) + 1;
        let shown = match first {
            1 => count(rows),
            first => format!("{}–{}", count(first), count(first + rows - 1)),
        };
        match &end.next_cursor {
            Some(cursor) => {
                let go_on = self.go_on(end, cursor)?;
                Some(Note::Cut(format!("{shown} of {total} · {go_on}")))
            }
            None if first == 1 => None,
            None => Some(Note::Cut(format!("{shown} of {total}"))),
        }
    }

    /// Who reads page by page goes on so, by cursors or by numbers, which are shorter.
    fn go_on(&self, end: &Pagination, cursor: &str) -> Option<String> {
        let flags = &self.call.flags;
        let given = |name| flags.typed(name);
        let (what, command) = if given("cursor") {
            let next = ["--cursor".to_owned(), cursor.to_owned()];
            ("more", self.call.rerun_command(&["page", "cursor"], &next))
        } else if given("page") {
            let next = ["--page".to_owned(), (end.page + 1).to_string()];
            ("more", self.call.rerun_command(&["page"], &next))
        } else {
            let all = [format!("--{ALL}")];
            ("all", self.call.rerun_command(&["limit"], &all))
        };
        command.map(|command| format!("{what}: {command}"))
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
        let Some(page) = page.map_err(|error| failed(call, &error))? else {
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

fn failed(call: &Call<'_>, error: &Error) -> Failure {
    match error.kind() {
        // Each answer was good: the pages do not end.
        ErrorKind::UnexpectedResponse if error.attempts() == 0 => Failure::other(error.message()),
        _ => call.failed(error),
    }
}
