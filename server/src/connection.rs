//! One connection: what came, what went, and how long either may take.
//!
//! hyper closes a connection on which no whole header arrives in time, whether nothing, half of it or only silence
//! after an answer came. The rest is here: a client that does not take its answer, a place that is wanted for another
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
    time::{Instant, Sleep, sleep, timeout},
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
        now: Mutex::default(),
    });
    let mut stopping = terms.stopping.clone();
    let socket = Socket {
        stream,
        activity: Arc::clone(&activity),
        patience: terms.patience,
        stalled: None,
    };
    let service = service_fn({
        let (terms, activity) = (terms.clone(), Arc::clone(&activity));
        move |request| answer(terms.clone(), Arc::clone(&activity), peer, request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(terms.patience)
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
    while timeout(LULL, &mut connection).await.is_err() && !activity.is_idle() {}
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
    now: Mutex<Now>,
}

#[derive(Default)]
struct Now {
    /// When the first byte arrived of a request that is not answered yet.
    began: Option<Instant>,
    /// The answer is being made.
    serving: bool,
    /// The answer, or a part of it, is still on this side.
    unsent: bool,
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
            *now = Now::default();
            self.place.wait();
        }
    }

    fn is_idle(&self) -> bool {
        let now = self.now();
        now.began.is_none() && !now.serving && !now.unsent
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
    /// Ends when an answer that did not fit into the socket's buffer has to be taken whole.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Socket {
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
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.activity.received();
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
