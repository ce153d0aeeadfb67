//! Puts state, router, jobs and sockets together.

use std::{future::Future, sync::Arc, time::Duration};

use axum::Router;
use konektor_spec::Spec;
use tokio::{net::TcpListener, time::timeout};

use crate::{
    api,
    clock::Clock,
    http, jobs,
    randomness::Randomness,
    settings::Settings,
    state::AppState,
    store::Store,
    transport::{Acceptor, ConnectionConfig},
};

/// A server that is ready to listen.
pub struct Server {
    state: Arc<AppState>,
    router: Router,
}

impl Server {
    /// A server of this document on this store. `public_url` is where its users reach it, without the base path.
    ///
    /// # Errors
    /// When the document has an operation or a value without code, lacks one that the code needs, or cannot be rendered.
    pub fn new(
        settings: Settings,
        spec: Spec,
        store: Store,
        clock: Clock,
        randomness: Randomness,
        public_url: &str,
    ) -> anyhow::Result<Self> {
        api::meaning::check(&spec)?;
        let actions = api::operations::actions(&spec)?;
        let state = AppState::new(settings, spec, store, clock, randomness)?;
        let router = http::router(&state, actions, public_url)?;
        Ok(Self { state, router })
    }

    /// The router, without a socket.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// Serves until `shutdown` ends, then lets requests under way finish and closes the store.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let Self { state, router } = self;
        let connections = state.settings().connections.clone();
        let jobs = tokio::spawn(jobs::run(Arc::clone(&state)));
        let acceptor = Acceptor::new(
            listener,
            connections.limit,
            state.settings().reserved_files(),
            ConnectionConfig {
                router,
                arrival_timeout: state.limits().arrival.max(Duration::from_secs(1)),
                header_timeout: state.request_timeout(),
                idle_timeout: Duration::from_secs(state.limits().keep_alive_seconds),
            },
        );
        let draining = acceptor.accept_until(shutdown).await;
        jobs.abort();
        let finish = async {
            draining.finish().await;
            // A job may be running, and the database is about to be closed.
            let _ = jobs.await; // It was aborted.
            state.gate().last_used().write(state.store()).await;
            state.store().close().await;
        };
        if timeout(connections.shutdown_timeout, finish).await.is_err() {
            tracing::warn!("the server stopped before all requests were finished");
        }
    }
}
