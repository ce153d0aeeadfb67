//! Lists: as many rows as are wanted, however many pages that takes.

use std::{future::Future, pin::Pin};

use clap::{Arg, ArgAction, Command};
use konektor_sdk::{Error, Page, PageCheck, Pagination, Response};
use konektor_spec::Operation;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    call::Call,
    error::Failure,
    output::{Note, Style, count},
};

const ALL: &str = "all";

/// The rows of a list, page after page.
pub(crate) struct Pages<'a> {
    call: &'a Call<'a>,
    fetch: Box<dyn Fn(Ask) -> Fetching<'a> + 'a>,
    wanted: Wanted,
    most: u64,
    read: u64,
    next: Next,
    check: PageCheck,
    first: Option<Pagination>,
    last: Option<Pagination>,
    extra: Map<String, Value>,
}

/// What a page is asked for with; None for what the command line says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ask {
    pub(crate) limit: Option<u64>,
    pub(crate) cursor: Option<String>,
}

type Fetching<'a> = Pin<Box<dyn Future<Output = Result<Batch, Failure>> + 'a>>;

/// A page as JSON.
pub(crate) struct Batch {
    rows: Vec<Value>,
    pagination: Pagination,
    extra: Map<String, Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// One page, as long as the server likes.
    Page,
    Rows(u64),
    All,
}

enum Next {
    First,
    Cursor(String),
    Nothing,
}

/// What a list has beside the flags of its operation: `--limit` is the total, and `--all` is all.
pub(crate) fn shape(command: Command, operation: &Operation) -> Command {
    let limit = operation.parameters.iter().find(|p| p.name == "limit");
    let default = limit.map_or(0, |limit| limit.schema["default"].as_u64().unwrap_or(0));
    command
        .mut_arg("limit", |limit| {
            limit.help(format!(
                "The most rows in all; pages are fetched as needed. [at least 1] [default: {default}]"
            ))
        })
        .mut_arg("page", |page| page.conflicts_with(ALL))
        .arg(Style::wide())
        .arg(
            Arg::new(ALL)
                .long(ALL)
                .action(ArgAction::SetTrue)
                .conflicts_with("limit")
                .help("All rows, written as they come; json and yaml when the last one is there"),
        )
}

/// The most rows of one page.
fn most(call: &Call<'_>) -> u64 {
    let limit = call.operation.parameters.iter().find(|p| p.name == "limit");
    limit.map_or(1, |limit| limit.schema["maximum"].as_u64().unwrap_or(1))
}

impl<'a> Pages<'a> {
    /// # Errors
    /// When pages are counted in which more rows are wanted than a page has.
    pub(crate) fn new<T: Serialize + 'a, F>(
        call: &'a Call<'a>,
        fetch: impl Fn(Ask) -> F + Clone + 'a,
    ) -> Result<Self, Failure>
    where
        F: Future<Output = Result<Response<Page<T>>, Error>>,
    {
        let most = most(call);
        let wanted = match call.flags.get("limit")? {
            _ if call.flags.is_set(ALL) => Wanted::All,
            Some(rows) => Wanted::Rows(rows),
            None => Wanted::Page,
        };
        if let Wanted::Rows(rows) = wanted
            && rows > most
            && call.flags.get::<u64>("page")?.is_some()
        {
            return Err(Failure::usage(format!(
                "--page counts pages of at most {most} rows, and --limit wants {rows}"
            ))
            .hint("leave one of them out, or go on with --cursor"));
        }
        Ok(Self::of(call, fetch, wanted, most))
    }

    /// Every row, whatever the flags say.
    pub(crate) fn all<T: Serialize + 'a, F>(
        call: &'a Call<'a>,
        fetch: impl Fn(Ask) -> F + Clone + 'a,
    ) -> Self
    where
        F: Future<Output = Result<Response<Page<T>>, Error>>,
    {
        Self::of(call, fetch, Wanted::All, most(call))
    }

    fn of<T: Serialize + 'a, F>(
        call: &'a Call<'a>,
        fetch: impl Fn(Ask) -> F + Clone + 'a,
        wanted: Wanted,
        most: u64,
    ) -> Self
    where
        F: Future<Output = Result<Response<Page<T>>, Error>>,
    {
        let fetch = move |ask: Ask| -> Fetching<'a> {
            let fetch = fetch.clone();
            Box::pin(async move {
                let page = call.send(|| fetch(ask.clone())).await?;
                let extra = page.extra().clone();
                let page = page.into_inner();
                let rows = page
                    .items
                    .iter()
                    .map(serde_json::to_value)
                    .collect::<Result<_, _>>()?;
                Ok(Batch {
                    rows,
                    pagination: page.pagination,
                    extra,
                })
            })
        };
        Self {
            call,
            fetch: Box::new(fetch),
            wanted,
            most,
            read: 0,
            next: Next::First,
            check: PageCheck::default(),
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
        let cursor = match std::mem::replace(&mut self.next, Next::Nothing) {
            Next::First => None,
            Next::Cursor(cursor) => Some(cursor),
            Next::Nothing => return Ok(None),
        };
        let limit = match self.wanted {
            Wanted::Page => None,
            Wanted::Rows(rows) => Some(self.most.min(rows - self.read)),
            Wanted::All => Some(self.most),
        };
        let ask = Ask {
            limit,
            cursor: cursor.clone(),
        };
        let batch = (self.fetch)(ask).await?;
        self.read += batch.rows.len() as u64;
        self.next = self.after(&batch, cursor.as_deref())?;
        self.first.get_or_insert_with(|| batch.pagination.clone());
        self.last = Some(batch.pagination);
        self.extra.extend(batch.extra);
        Ok(Some(batch.rows))
    }

    fn after(&mut self, batch: &Batch, cursor: Option<&str>) -> Result<Next, Failure> {
        let enough = match self.wanted {
            Wanted::Page => true,
            Wanted::Rows(rows) => self.read >= rows,
            Wanted::All => false,
        };
        let next = batch.pagination.next_cursor.as_deref();
        let Some(next) = next.filter(|_| !enough) else {
            return Ok(Next::Nothing);
        };
        self.check
            .check(cursor, batch.rows.len(), Some(next))
            .map_err(Failure::other)?;
        Ok(Next::Cursor(next.to_owned()))
    }

    /// What the API says beside the rows, as far as they are read.
    pub(crate) fn beside(&self) -> Result<Map<String, Value>, Failure> {
        let mut beside = Map::new();
        beside.insert("pagination".to_owned(), serde_json::to_value(&self.last)?);
        for (name, value) in &self.extra {
            beside.entry(name).or_insert_with(|| value.clone());
        }
        Ok(beside)
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
            ("more", self.call.again(&["page", "cursor"], &next))
        } else if given("page") {
            let next = ["--page".to_owned(), (end.page + 1).to_string()];
            ("more", self.call.again(&["page"], &next))
        } else {
            let all = [format!("--{ALL}")];
            ("all", self.call.again(&["limit"], &all))
        };
        command.map(|command| format!("{what}: {command}"))
    }
}
