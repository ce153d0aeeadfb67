use std::{
    collections::HashSet,
    fmt,
    future::Future,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    ops::Deref,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use futures::{Stream, StreamExt as _};

use crate::{Error, Pagination, RateLimit, Response, generated::requests::MAX_CURSOR_LENGTH};

/// One page of a list.
///
/// ```no_run
/// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
/// let page = client.leads().list().send().await?;
/// println!("{} of {}", page.len(), page.pagination.total);
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
    /// Where this page is among all of them.
    pub pagination: Pagination,
}

impl<T> Page<T> {
    pub(crate) fn new(items: Vec<T>, pagination: Pagination) -> Self {
        Self { items, pagination }
    }
}

impl<T> Deref for Page<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> IntoIterator for Page<T> {
    type Item = T;
    type IntoIter = vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

/// The rows of all pages, one after the other.
///
/// Pages are fetched when they are needed, with the filters and the limit of the request on each.
/// It ends after the last row or the first error. A server whose pages do not end (a cursor that was
/// there before, or page after page without a row) is an error too.
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
    fetch: Box<dyn Fetch<T>>,
    state: State<T>,
    rows: vec::IntoIter<T>,
    pagination: Option<Pagination>,
    rate_limit: Option<RateLimit>,
    check: PageCheck,
}

/// Refuses pages that do not end: a cursor that was there before or that no request could carry, or page
/// after page without a row.
///
/// Made for the command line, which asks for its pages one by one. It may change in any version.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct PageCheck {
    /// Hashes of the cursors of all pages so far: a list has as many pages as it likes.
    seen: HashSet<u64>,
    empty_pages: u32,
}

impl PageCheck {
    /// Takes note of the page that `cursor` asked for, with so many rows.
    ///
    /// # Errors
    ///
    /// Why the `next` page is not worth asking for.
    pub fn check(
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

/// The most pages without a row that follow each other. A page whose rows were all deleted since is
/// empty; many of them are not a list.
const MAX_EMPTY_PAGES: u32 = 10;

type PageFuture<T> = Pin<Box<dyn Future<Output = Result<Response<Page<T>>, Error>> + Send>>;

/// Fetches a page: the one of the cursor, or the first one.
pub(crate) trait Fetch<T>: Send + Sync + Unpin {
    fn fetch(&self, cursor: Option<String>) -> PageFuture<T>;
}

impl<T, F> Fetch<T> for F
where
    F: Fn(Option<String>) -> PageFuture<T> + Send + Sync + Unpin,
{
    fn fetch(&self, cursor: Option<String>) -> PageFuture<T> {
        self(cursor)
    }
}

enum State<T> {
    /// The page of this cursor is next.
    Next(Option<String>),
    /// It is under way.
    Fetching(Option<String>, PageFuture<T>),
    /// There are no more pages.
    Done,
}

impl<T> RowStream<T> {
    pub(crate) fn new(
        fetch: impl Fn(Option<String>) -> PageFuture<T> + Send + Sync + Unpin + 'static,
    ) -> Self {
        Self {
            fetch: Box::new(fetch),
            state: State::Next(None),
            rows: Vec::new().into_iter(),
            pagination: None,
            rate_limit: None,
            check: PageCheck::default(),
        }
    }

    /// The next row, or `None` after the last one.
    ///
    /// It may be dropped before it is done, in a `select!` for example: nothing is lost.
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

    /// Where the page of the latest row is among all of them; `None` before the first page.
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

    /// The state of the rate limit after the latest page; `None` before the first one.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let mut leads = client.leads().list().stream();
    /// while let Some(lead) = leads.try_next().await? {
    ///     println!("{} {:?}", lead.id, leads.rate_limit().map(|limit| limit.remaining));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.rate_limit
    }

    /// Takes over a page that has arrived, which `cursor` asked for.
    fn advance(&mut self, cursor: Option<&String>, page: Response<Page<T>>) -> Result<(), Error> {
        self.rate_limit = Some(page.rate_limit());
        let page = page.into_inner();
        let rows = page.items.len();
        let next = page.pagination.next_cursor.as_deref();
        self.check
            .check(cursor.map(String::as_str), rows, next)
            .map_err(Error::endless_pages)?;
        self.state = match next {
            None => State::Done,
            Some(next) => State::Next(Some(next.to_owned())),
        };
        self.pagination = Some(page.pagination);
        self.rows = page.items.into_iter();
        Ok(())
    }
}

fn hash(cursor: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    cursor.hash(&mut hasher);
    hasher.finish()
}

impl<T: Unpin> Stream for RowStream<T> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(row) = this.rows.next() {
                return Poll::Ready(Some(Ok(row)));
            }
            match std::mem::replace(&mut this.state, State::Done) {
                State::Done => return Poll::Ready(None),
                State::Next(cursor) => {
                    let page = this.fetch.fetch(cursor.clone());
                    this.state = State::Fetching(cursor, page);
                }
                State::Fetching(cursor, mut page) => match page.as_mut().poll(context) {
                    Poll::Pending => {
                        this.state = State::Fetching(cursor, page);
                        return Poll::Pending;
                    }
                    Poll::Ready(page) => {
                        if let Err(error) =
                            page.and_then(|page| this.advance(cursor.as_ref(), page))
                        {
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                },
            }
        }
    }
}

impl<T> fmt::Debug for RowStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowStream")
            .field("pagination", &self.pagination)
            .field("rate_limit", &self.rate_limit)
            .finish_non_exhaustive()
    }
}
