//! Accepts connections and ends them in good order.

use std::{future::Future, io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{sleep, timeout},
};

use crate::{
    app::App,
    background,
    connection::{self, Terms},
    places::Places,
};

pub use crate::connection::Peer;

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
    let (stop, stopping) = watch::channel(false);
    let terms = Terms {
        router: app.router()?,
        patience: app.arrival_limit().max(Duration::from_secs(1)),
        header_limit: app.time_limit(),
        idle_limit: Duration::from_secs(app.limits().keep_alive_seconds),
        stopping,
    };
    let background = tokio::spawn(background::run(Arc::clone(&app)));
    let places = Places::of_this_process();
    let mut shutdown = pin!(shutdown);
    let begin = move |(stream, peer), place| {
        tokio::spawn(connection::converse(stream, peer, place, terms.clone()));
    };
    loop {
        let place = tokio::select! {
            place = places.take() => place,
            () = &mut shutdown => break,
        };
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => begin(accepted, place),
                Err(error) => breathe(&error).await,
            },
            () = &mut shutdown => break,
        }
    }
    background.abort();
    let in_good_order = async {
        // Whoever is connected may have sent a request already.
        for accepted in connected(listener) {
            begin(accepted, places.take().await);
        }
        drop(begin);
        stop.send_replace(true);
        stop.closed().await;
        // It may be at work at this very moment, and the database is about to be closed.
        let _stopped = background.await;
        app.gate().last_used().write(app.store()).await;
        app.store().close().await;
    };
    if timeout(GRACE, in_good_order).await.is_err() {
        tracing::warn!("requests were still under way when the server stopped");
    }
    Ok(())
}

/// The connections that the machine has accepted for this listener, which takes no more.
fn connected(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let listener = listener.into_std().ok();
    std::iter::from_fn(move || {
        let (stream, peer) = listener.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    })
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
