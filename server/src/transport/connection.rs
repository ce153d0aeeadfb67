//! One connection and its timeouts.
//!
//! hyper's `header_read_timeout` also closes idle keep-alive connections. Load balancers and clients keep those for a
//! minute and more, and send a request into a connection that a less patient server is just closing. So there are two
//! timeouts here: a short one for a header that has begun to arrive, and for the first header of a connection; a long
//! one for the idle time after an answer. A client that does not read its answer, eviction and shutdown are handled
//! here as well; shutdown waits for every request that has begun to arrive.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
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
use parking_lot::{Mutex, MutexGuard};
use rustix::net::sockopt::set_socket_send_buffer_size;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::watch,
    time::{Instant, Sleep, sleep, sleep_until, timeout},
};
use tower::ServiceExt;

use super::connection_slots::ConnectionSlot;
use crate::http::{Peer, ReceivedAt};

/// The longest header; the answer to a longer one is 431.
const MAX_HEADER_BYTES: usize = 32 * 1024;

/// The most that is read at once: one byte less than hyper's first buffer. A read that fills its buffer makes hyper
/// double it and keep it as long as the connection lives.
const MAX_READ_BYTES: usize = 8 * 1024 - 1;

/// The kernel's send buffer of a connection. Without a bound it holds megabytes for a client that reads nothing.
const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// On shutdown, wait this long for a request already in flight before closing an idle connection.
const SHUTDOWN_IDLE_WAIT: Duration = Duration::from_millis(100);

/// What all connections of a server have in common.
#[derive(Clone)]
pub(crate) struct ConnectionConfig {
    pub(crate) router: Router,
    /// How long a request may take to arrive, and how long the client may take to read the answer.
    pub(crate) arrival_timeout: Duration,
    /// How long a header may take, from its first byte; the first one, from the beginning of the connection.
    pub(crate) header_timeout: Duration,
    /// How long a connection is kept after an answer when no other request arrives.
    pub(crate) idle_timeout: Duration,
}

/// Answers the requests of one connection until it ends.
pub(super) async fn serve_connection(
    stream: TcpStream,
    peer: SocketAddr,
    slot: ConnectionSlot,
    config: ConnectionConfig,
    mut stopping: watch::Receiver<bool>,
) {
    // Both only tune the connection. Without nodelay a small answer may wait for the client's acknowledgement.
    let _ = stream.set_nodelay(true);
    let _ = set_socket_send_buffer_size(&stream, SEND_BUFFER_BYTES);
    let activity = Arc::new(Activity {
        slot,
        header_timeout: config.header_timeout,
        idle_timeout: config.idle_timeout,
        now: Mutex::new(Now::new(true, Instant::now() + config.header_timeout)),
    });
    let socket = Socket {
        stream,
        activity: Arc::clone(&activity),
        arrival_timeout: config.arrival_timeout,
        stalled: None,
        silence: None,
    };
    let service = service_fn({
        let (router, activity) = (config.router, Arc::clone(&activity));
        let stopping = stopping.clone();
        move |request| {
            let (router, activity) = (router.clone(), Arc::clone(&activity));
            answer(router, activity, stopping.clone(), peer, request)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // The limits above are shorter; this one holds whatever hyper asks the socket for.
        .header_read_timeout(config.idle_timeout.max(config.header_timeout))
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(socket), service);
    let mut connection = pin!(connection);
    // A disconnect or a malformed request is the client's affair and is not logged.
    tokio::select! {
        _ = &mut connection => return,
        () = activity.slot.evicted() => return,
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
    // hyper's own shutdown would close the connection within an incomplete header.
    while timeout(SHUTDOWN_IDLE_WAIT, &mut connection).await.is_err()
        && !activity.is_idle()
        && !activity.is_arriving_since(config.arrival_timeout)
    {}
}

/// Calls the router and tracks the state of the request.
async fn answer(
    router: Router,
    activity: Arc<Activity>,
    stopping: watch::Receiver<bool>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let serving = Serving::begin(&activity);
    let arriving = Arriving(activity);
    let mut request = request.map(|body| {
        body.map_frame(move |frame| {
            // It is dropped with the body, complete or not.
            let _ = &arriving;
            frame
        })
    });
    request.extensions_mut().insert(Peer(peer));
    request.extensions_mut().insert(ReceivedAt(serving.began));
    let mut response = router.oneshot(request).await?;
    if *stopping.borrow() {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// What a connection is doing.
struct Activity {
    slot: ConnectionSlot,
    header_timeout: Duration,
    idle_timeout: Duration,
    now: Mutex<Now>,
}

struct Now {
    /// When the first byte arrived of a request that is not answered yet.
    began: Option<Instant>,
    /// The request is being processed.
    serving: bool,
    /// The answer has not been sent completely.
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
            *now = Now::new(false, Instant::now() + self.idle_timeout);
            self.slot.mark_idle();
        }
    }

    fn is_idle(&self) -> bool {
        let now = self.now();
        now.began.is_none() && !now.serving && !now.unsent
    }

    /// Whether a request began this long ago and its header is still incomplete.
    fn is_arriving_since(&self, time: Duration) -> bool {
        let now = self.now();
        !now.serving && !now.unsent && now.began.is_some_and(|began| began.elapsed() > time)
    }

    /// When the next header must have begun, or, once it has begun, be complete. None while a response is sent.
    fn deadline(&self) -> Option<Instant> {
        let now = self.now();
        if now.serving || now.unsent {
            return None;
        }
        Some(match now.began {
            Some(began) if !now.first => began + self.header_timeout,
            Some(_) | None => now.silent_until,
        })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock()
    }
}

/// Exists while a request is processed.
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
        // Count as idle at once, so that a client that reads no answers can be evicted.
        self.activity.slot.mark_idle();
    }
}

/// Exists while the body of a request may still arrive.
struct Arriving(Arc<Activity>);

impl Drop for Arriving {
    fn drop(&mut self) {
        // The rest of a body that was refused may end after its answer.
        let now = self.0.now();
        if now.serving {
            self.0.slot.mark_busy();
        }
    }
}

/// The socket, with a record of what was received and sent.
struct Socket {
    stream: TcpStream,
    activity: Arc<Activity>,
    arrival_timeout: Duration,
    /// The timer of the deadline. It may fire early, and is then reset.
    silence: Option<Pin<Box<Sleep>>>,
    /// When an answer that did not fit into the socket's buffer must have been sent completely.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    /// Whether the deadline has passed. If not, the task is woken when it does.
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
            let arrival_timeout = self.arrival_timeout;
            let stalled = self
                .stalled
                .get_or_insert_with(|| Box::pin(sleep(arrival_timeout)));
            ready!(stalled.as_mut().poll(context));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        written
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.stalled.is_some() {
            // Without this the kernel keeps the unread answer and offers it for minutes.
            let _ = self.stream.set_zero_linger(); // Nothing is lost if it fails but the memory.
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let part = buffer.remaining().min(MAX_READ_BYTES);
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
