//! Accepts connections and ends them in good order.
//!
//! axum's own accept loop keeps a connection with half a header open for ever, so this one is hyper-util's, with a
//! limit on the time a header may take.

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{Instant, sleep, timeout_at},
};
use tower::ServiceExt;

use crate::{app::App, background};

/// The other end of the connection a request came on.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// How long what is under way may take after the server was told to stop: whoever stops it expects it gone within 15
/// seconds.
const GRACE: Duration = Duration::from_secs(14);

/// How long to wait when the machine has no room for another connection.
const BREATH: Duration = Duration::from_millis(50);

/// Serves until `shutdown` ends, then lets what is under way finish.
///
/// # Errors
/// When the document has an operation without code.
pub async fn serve(
    listener: TcpListener,
    app: Arc<App>,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let router = app.router()?;
    let background = tokio::spawn(background::run(Arc::clone(&app)));
    let connections = GracefulShutdown::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, peer) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(connection) => connection,
                Err(error) => {
                    breathe(&error).await;
                    continue;
                }
            },
            () = &mut shutdown => break,
        };
        let service = router
            .clone()
            .map_request(move |mut request: hyper::Request<_>| {
                request.extensions_mut().insert(Peer(peer));
                request
            });
        let connection =
            http(&app).serve_connection(no_delay(stream), TowerToHyperService::new(service));
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            // A client that went away or sent nonsense is no event for the operator.
            drop(connection.await);
        });
    }
    drop(listener);
    background.abort();
    let end = Instant::now() + GRACE;
    if timeout_at(end, connections.shutdown()).await.is_err() {
        tracing::warn!("requests were still under way when the server stopped");
    }
    // What is not written by then is not worth a longer stop.
    drop(timeout_at(end, app.gate().last_used().write(app.store())).await);
    app.store().close().await;
    Ok(())
}

fn http(app: &App) -> hyper::server::conn::http1::Builder {
    let mut http = hyper::server::conn::http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(app.time_limit().max(Duration::from_secs(1)));
    http
}

fn no_delay(stream: TcpStream) -> TokioIo<TcpStream> {
    // Without it a small answer may wait for the client's acknowledgement; it works either way.
    drop(stream.set_nodelay(true));
    TokioIo::new(stream)
}

/// A connection that failed before it was accepted is the client's affair; no room for more is ours, and passes.
async fn breathe(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        tracing::error!(cause = %error, "cannot accept connections");
        sleep(BREATH).await;
    }
}
