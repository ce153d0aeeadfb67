//! One connection: what came, what went, and how long either may take.
//!
//! hyper has one time limit for a header and for the silence before it. Load balancers and clients keep idle
//! connections for a minute and more, and send a request into one that the server is closing when it waits less. So
//! the limits are here: a short one for a header that has begun, and for the first of a connection; a long one for the
//! silence after an answer. So are a client that does not take its answer, a place that is wanted for another
//! connection, and the end of the server, which waits for every request that has begun.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, Response, header::CONNECTION},
};
use http_body_util::BodyExt;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::watch,
    time::{Instant, Sleep, sleep, sleep_until, timeout},
};
use tower::ServiceExt;

use crate::places::Place;

/// The other end of the connection a request came on.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// When the first byte of a request arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Began(pub(crate) Instant);

/// The most that is kept of a header that has not ended; past it the answer is 431.
const HEADER_BYTES: usize = 32 * 1024;

/// The most that is read at once: one byte less than what hyper reads at first. When a read fills its buffer, hyper
/// doubles it, and keeps it as long as the connection.
const READ_BYTES: usize = 8 * 1024 - 1;

/// The most that the machine keeps of what a client has not taken, which may otherwise be megabytes for each.
const UNTAKEN_BYTES: usize = 256 * 1024;

/// When the server is to stop, a connection without a request is closed after so long: what its client sent before it
/// knew is on its way.
const LULL: Duration = Duration::from_millis(100);

/// What every connection of a server has in common.
#[derive(Clone)]
pub(crate) struct Terms {
    pub(crate) router: Router,
    /// How long a request may take to arrive, and its answer to be taken.
    pub(crate) patience: Duration,
    /// How long a header may take: from its first byte on, and the first of a connection from the beginning on.
    pub(crate) header_limit: Duration,
    /// How long a connection is kept after an answer on which nothing more is asked for.
    pub(crate) idle_limit: Duration,
    /// Turns true when the server is to stop.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// Answers the requests of one connection until it ends.
pub(crate) async fn converse(stream: TcpStream, peer: SocketAddr, place: Place, terms: Terms) {
    // Without it a small answer may wait for the client's acknowledgement; it works either way.
    drop(stream.set_nodelay(true));
    let _ = set_socket_send_buffer_size(&stream, UNTAKEN_BYTES);
    let activity = Arc::new(Activity {
        place,
        header_limit: terms.header_limit,
        idle_limit: terms.idle_limit,
        now: Mutex::new(Now::new(true, Instant::now() + terms.header_limit)),
    });
    let mut stopping = terms.stopping.clone();
    let socket = Socket {
        stream,
        activity: Arc::clone(&activity),
        patience: terms.patience,
        stalled: None,
        silence: None,
    };
    let service = service_fn({
        let (terms, activity) = (terms.clone(), Arc::clone(&activity));
        move |request| answer(terms.clone(), Arc::clone(&activity), peer, request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The limits above are shorter; this one holds whatever hyper asks the socket for.
        .header_read_timeout(terms.idle_limit.max(terms.header_limit))
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(socket), service);
    let mut connection = pin!(connection);
    // A client that went away or sent nonsense is no event for the operator.
    tokio::select! {
        _ = &mut connection => return,
        () = activity.place.wanted() => return,
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    // hyper's own shutdown would cut off a request of which only half a header is here.
    while timeout(LULL, &mut connection).await.is_err()
        && !activity.is_idle()
        && !activity.is_arriving_since(terms.patience)
    {}
}

/// Hands a request to the router and keeps account of it.
async fn answer(
    terms: Terms,
    activity: Arc<Activity>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let serving = Serving::begin(&activity);
    let arriving = Arriving(activity);
    let mut request = request.map(|body| {
        body.map_frame(move |frame| {
            // It goes with the body: read whole, or given up.
            let _ = &arriving;
            frame
        })
    });
    request.extensions_mut().insert(Peer(peer));
    request.extensions_mut().insert(Began(serving.began));
    let mut response = terms.router.oneshot(request).await?;
    if *terms.stopping.borrow() {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// What a connection is doing.
struct Activity {
    place: Place,
    header_limit: Duration,
    idle_limit: Duration,
    now: Mutex<Now>,
}

struct Now {
    /// When the first byte arrived of a request that is not answered yet.
    began: Option<Instant>,
    /// The answer is being made.
    serving: bool,
    /// The answer, or a part of it, is still on this side.
    unsent: bool,
    /// No request has been answered yet.
    first: bool,
    /// When the connection is closed if no request has begun, and the first is not whole.
    silent_until: Instant,
}

impl Now {
    fn new(first: bool, silent_until: Instant) -> Self {
        Self {
            began: None,
            serving: false,
            unsent: false,
            first,
            silent_until,
        }
    }
}

impl Activity {
    fn received(&self) {
        self.now().began.get_or_insert_with(Instant::now);
    }

    fn sending(&self) {
        self.now().unsent = true;
    }

    fn sent(&self) {
        let mut now = self.now();
        // "100 Continue" is sent as well, and the request goes on.
        if now.unsent && !now.serving {
            *now = Now::new(false, Instant::now() + self.idle_limit);
            self.place.wait();
        }
    }

    fn is_idle(&self) -> bool {
        let now = self.now();
        now.began.is_none() && !now.serving && !now.unsent
    }

    /// Whether a request began so long ago, and its header is not whole yet.
    fn is_arriving_since(&self, time: Duration) -> bool {
        let now = self.now();
        !now.serving && !now.unsent && now.began.is_some_and(|began| began.elapsed() > time)
    }

    /// When what is waited for has to be here: the end of a header, or its beginning. None while an answer is on its
    /// way.
    fn deadline(&self) -> Option<Instant> {
        let now = self.now();
        if now.serving || now.unsent {
            return None;
        }
        Some(match now.began {
            Some(began) if !now.first => began + self.header_limit,
            Some(_) | None => now.silent_until,
        })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lives while the answer to a request is made.
struct Serving {
    activity: Arc<Activity>,
    began: Instant,
}

impl Serving {
    fn begin(activity: &Arc<Activity>) -> Self {
        let mut now = activity.now();
        now.serving = true;
        Self {
            began: *now.began.get_or_insert_with(Instant::now),
            activity: Arc::clone(activity),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let mut now = self.activity.now();
        (now.serving, now.unsent) = (false, true);
        // A client that takes no answers costs itself nothing either; one that does is never the oldest.
        self.activity.place.wait();
    }
}

/// Lives while the body of a request may still arrive.
struct Arriving(Arc<Activity>);

impl Drop for Arriving {
    fn drop(&mut self) {
        // The rest of a body that was refused may end after its answer.
        let now = self.0.now();
        if now.serving {
            self.0.place.keep();
        }
    }
}

/// The client's end, watched: what came, what went, and whether it takes what it is sent.
struct Socket {
    stream: TcpStream,
    activity: Arc<Activity>,
    patience: Duration,
    /// Ends when what is waited for should be here; it may be late, and is set again then.
    silence: Option<Pin<Box<Sleep>>>,
    /// Ends when an answer that did not fit into the socket's buffer has to be taken whole.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    /// Whether what is waited for is overdue; if not, the task is woken when it is.
    fn is_overdue(&mut self, context: &mut Context<'_>) -> bool {
        let Some(deadline) = self.activity.deadline() else {
            return false;
        };
        let silence = self
            .silence
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if silence.deadline() > deadline {
            silence.as_mut().reset(deadline);
        }
        while silence.as_mut().poll(context).is_ready() {
            if Instant::now() >= deadline {
                return true;
            }
            silence.as_mut().reset(deadline);
        }
        false
    }

    fn write(
        &mut self,
        context: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.activity.sending();
        let written = write(Pin::new(&mut self.stream), context);
        if written.is_pending() {
            let patience = self.patience;
            let stalled = self
                .stalled
                .get_or_insert_with(|| Box::pin(sleep(patience)));
            ready!(stalled.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.stalled.is_some() {
            // The machine would keep what the client does not take, and offer it for minutes.
            drop(self.stream.set_zero_linger());
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let part = buffer.remaining().min(READ_BYTES);
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(part));
        let read = Pin::new(&mut self.stream).poll_read(context, &mut part);
        let length = part.filled().len();
        buffer.advance(length);
        if length > 0 {
            self.activity.received();
        } else if read.is_pending() && self.is_overdue(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| {
            stream.poll_write_vectored(context, slices)
        })
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper asks for it when it has written everything.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        self.stalled = None;
        self.activity.sent();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
