use std::{
    collections::HashSet,
    fmt,
    future::Future,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    pin::Pin,
    task::{Context, Poll, ready},
    vec,
};

use futures::{Stream, StreamExt as _, stream::FusedStream};

use crate::{
    error::Error,
    generated::{requests::MAX_CURSOR_LENGTH, types::Pagination},
    meta::Meta,
};

/// One page of a list.
///
/// ```no_run
/// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
/// let page = client.leads().list().await?;
/// println!("{} of {}", page.items.len(), page.pagination.total);
/// for lead in &page.items {
///     println!("{}", lead.id);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The position of the page, and the cursor of the next one.
    pub pagination: Pagination,
}

impl<T> Page<T> {
    pub(crate) fn new(items: Vec<T>, pagination: Pagination) -> Self {
        Self { items, pagination }
    }
}

/// The rows.
impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

/// The pages of a list, one after the other.
///
/// Each page is fetched on demand, with the filters of the request. The stream ends after the last page or
/// the first error. Pages that never end (a repeated cursor, or many pages without a row) are an error.
///
/// It is a [`futures::Stream`]; [`try_next`](Self::try_next) needs no trait.
///
/// ```no_run
/// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
/// let mut pages = client.leads().list().limit(100).pages();
/// while let Some(page) = pages.try_next().await? {
///     println!("{} of {}", page.items.len(), page.pagination.total);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is fetched before it is asked for"]
pub struct PageStream<T> {
    fetch: Box<dyn Fetch<T>>,
    state: State<T>,
    /// The maximum number of rows to come.
    rows: Option<u64>,
    meta: Option<Meta>,
    check: PageCheck,
}

type PageFuture<T> = Pin<Box<dyn Future<Output = Result<(Page<T>, Meta), Error>> + Send>>;

/// Fetches the page of a cursor, or the first one, with at most so many rows.
pub(crate) trait Fetch<T>: Send + Sync + Unpin {
    fn fetch(&self, cursor: Option<String>, rows: Option<u64>) -> PageFuture<T>;
}

impl<T, F> Fetch<T> for F
where
    F: Fn(Option<String>, Option<u64>) -> PageFuture<T> + Send + Sync + Unpin,
{
    fn fetch(&self, cursor: Option<String>, rows: Option<u64>) -> PageFuture<T> {
        self(cursor, rows)
    }
}

enum State<T> {
    /// The page of this cursor is next.
    Next(Option<String>),
    /// The page of this cursor is being fetched.
    Fetching(Option<String>, PageFuture<T>),
    /// There are no more pages.
    Done,
}

impl<T> PageStream<T> {
    pub(crate) fn new(
        fetch: impl Fn(Option<String>, Option<u64>) -> PageFuture<T> + Send + Sync + Unpin + 'static,
    ) -> Self {
        Self {
            fetch: Box::new(fetch),
            state: State::Next(None),
            rows: None,
            meta: None,
            check: PageCheck::default(),
        }
    }

    /// Limits the rows of all pages together. The last page is requested with the rows that remain, so that
    /// its `next_cursor` continues exactly after them.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let mut pages = client.leads().list().pages().max_rows(250);
    /// while let Some(page) = pages.try_next().await? {
    ///     println!("{} rows", page.items.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_rows(mut self, rows: u64) -> Self {
        self.rows = Some(rows);
        self
    }

    /// The next page, or `None` after the last one.
    ///
    /// Cancel safe: a future that is dropped, in a `select!` for example, loses nothing.
    ///
    /// # Errors
    ///
    /// When the page cannot be fetched; the stream has ended then.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let mut pages = client.conversions().pending().pages();
    /// while let Some(page) = pages.try_next().await? {
    ///     println!("next: {:?}", page.pagination.next_cursor);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn try_next(&mut self) -> Result<Option<Page<T>>, Error> {
        self.next().await.transpose()
    }

    /// What came with the last page; `None` before the first one.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let mut pages = client.leads().list().pages();
    /// while let Some(page) = pages.try_next().await? {
    ///     let limit = pages.meta().and_then(|meta| meta.rate_limit);
    ///     println!("{:?} requests left", limit.map(|limit| limit.remaining));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn meta(&self) -> Option<&Meta> {
        self.meta.as_ref()
    }

    /// Takes over the page of a cursor.
    fn advance(&mut self, cursor: Option<&str>, page: &Page<T>, meta: Meta) -> Result<(), Error> {
        self.meta = Some(meta);
        let count = page.items.len();
        if let Some(rows) = &mut self.rows {
            *rows = rows.saturating_sub(count as u64);
        }
        let next = page.pagination.next_cursor.as_deref();
        let next = next.filter(|_| self.rows != Some(0));
        self.check
            .check(cursor, count, next)
            .map_err(Error::endless_pages)?;
        self.state = match next {
            None => State::Done,
            Some(next) => State::Next(Some(next.to_owned())),
        };
        Ok(())
    }
}

impl<T> Stream for PageStream<T> {
    type Item = Result<Page<T>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if this.is_terminated() {
                return Poll::Ready(None);
            }
            match std::mem::replace(&mut this.state, State::Done) {
                State::Done => return Poll::Ready(None),
                State::Next(cursor) => {
                    let page = this.fetch.fetch(cursor.clone(), this.rows);
                    this.state = State::Fetching(cursor, page);
                }
                State::Fetching(cursor, mut fetching) => {
                    let Poll::Ready(outcome) = fetching.as_mut().poll(context) else {
                        this.state = State::Fetching(cursor, fetching);
                        return Poll::Pending;
                    };
                    let page = outcome.and_then(|(page, meta)| {
                        this.advance(cursor.as_deref(), &page, meta)?;
                        Ok(page)
                    });
                    return Poll::Ready(Some(page));
                }
            }
        }
    }
}

impl<T> FusedStream for PageStream<T> {
    fn is_terminated(&self) -> bool {
        match self.state {
            State::Done => true,
            State::Next(_) => self.rows == Some(0),
            State::Fetching(..) => false,
        }
    }
}

impl<T> fmt::Debug for PageStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageStream")
            .field("meta", &self.meta)
            .finish_non_exhaustive()
    }
}

/// Detects pages that never end: a repeated cursor, one that no request could carry, or many pages without a
/// row.
#[derive(Debug, Default)]
struct PageCheck {
    /// Hashes of all cursors so far: the number of pages has no bound.
    seen: HashSet<u64>,
    empty_pages: u32,
}

impl PageCheck {
    /// Registers the page of a cursor with its number of rows.
    ///
    /// # Errors
    ///
    /// When fetching the `next` page would not end.
    fn check(
        &mut self,
        cursor: Option<&str>,
        rows: usize,
        next: Option<&str>,
    ) -> Result<(), &'static str> {
        self.seen.extend(cursor.map(hash));
        self.empty_pages = if rows == 0 { self.empty_pages + 1 } else { 0 };
        match next {
            Some(next) if next.len() > MAX_CURSOR_LENGTH => {
                Err("the server's cursor is too long to be one")
            }
            Some(next) if self.seen.contains(&hash(next)) => {
                Err("the server sends the same page again and again")
            }
            Some(_) if self.empty_pages >= MAX_EMPTY_PAGES => {
                Err("the server sends page after page without a row")
            }
            _ => Ok(()),
        }
    }
}

/// The most consecutive pages without a row. A page is empty when its rows were deleted meanwhile; many
/// empty pages are a bug of the server.
const MAX_EMPTY_PAGES: u32 = 10;

fn hash(cursor: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    cursor.hash(&mut hasher);
    hasher.finish()
}

/// The rows of all pages, one after the other.
///
/// Pages are fetched on demand, as by [`PageStream`].
///
/// It is a [`futures::Stream`]; [`try_next`](Self::try_next) needs no trait.
///
/// ```no_run
/// # use konektor_sdk::{Client, LeadStatus};
/// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
/// let mut hot = client.leads().list().status(LeadStatus::Hot).stream();
/// while let Some(lead) = hot.try_next().await? {
///     println!("{} {}", lead.unique_code, lead.first_name);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "nothing is fetched before it is asked for"]
pub struct RowStream<T> {
    pages: PageStream<T>,
    rows: vec::IntoIter<T>,
    pagination: Option<Pagination>,
}

impl<T> RowStream<T> {
    pub(crate) fn new(pages: PageStream<T>) -> Self {
        Self {
            pages,
            rows: Vec::new().into_iter(),
            pagination: None,
        }
    }

    /// The next row, or `None` after the last one.
    ///
    /// Cancel safe: a future that is dropped, in a `select!` for example, loses nothing.
    ///
    /// # Errors
    ///
    /// When a page cannot be fetched; the stream has ended then.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let mut leads = client.leads().list().stream();
    /// while let Some(lead) = leads.try_next().await? {
    ///     println!("{}", lead.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn try_next(&mut self) -> Result<Option<T>, Error>
    where
        T: Unpin,
    {
        self.next().await.transpose()
    }

    /// The position of the current page; `None` before the first one.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let mut leads = client.leads().list().stream();
    /// if leads.try_next().await?.is_some() {
    ///     println!("the first of {:?}", leads.pagination().map(|page| page.total));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn pagination(&self) -> Option<&Pagination> {
        self.pagination.as_ref()
    }

    /// What came with the last page; `None` before the first one.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let mut leads = client.leads().list().stream();
    /// while let Some(lead) = leads.try_next().await? {
    ///     let limit = leads.meta().and_then(|meta| meta.rate_limit);
    ///     println!("{} {:?}", lead.id, limit.map(|limit| limit.remaining));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn meta(&self) -> Option<&Meta> {
        self.pages.meta()
    }
}

impl<T: Unpin> Stream for RowStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(row) = self.rows.next() {
                return Poll::Ready(Some(Ok(row)));
            }
            match ready!(self.pages.poll_next_unpin(context)) {
                Some(Ok(page)) => {
                    self.pagination = Some(page.pagination);
                    self.rows = page.items.into_iter();
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<T> fmt::Debug for RowStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream")
            .field("pagination", &self.pagination)
            .field("meta", &self.pages.meta)
            .finish_non_exhaustive()
    }
}
