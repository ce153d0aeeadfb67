//! What all requests share: the document and what is derived from it, the gate, the store, the clock and randomness.

use std::{sync::Arc, time::Duration};

use konektor_spec::{Limits, Spec};

use crate::{
    clock::Clock,
    gate::{Gate, concurrency_limit::ConcurrencyLimit},
    randomness::Randomness,
    settings::Settings,
    store::Store,
    validation::Rules,
};

/// Everything that an operation needs, whichever protocol its request came by.
pub struct AppState {
    settings: Settings,
    spec: Spec,
    rules: Rules,
    gate: Gate,
    store: Store,
    clock: Clock,
    randomness: Randomness,
    concurrency: ConcurrencyLimit,
}

impl AppState {
    /// The state of a server of this document on this store.
    ///
    /// # Errors
    /// When a schema of the document cannot be compiled.
    pub fn new(
        settings: Settings,
        spec: Spec,
        store: Store,
        clock: Clock,
        randomness: Randomness,
    ) -> anyhow::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            rules: Rules::new(&spec)?,
            gate: Gate::new(
                &spec,
                clock.clone(),
                settings.trusted_proxies.clone().into(),
            ),
            concurrency: ConcurrencyLimit::new(&settings.requests),
            settings,
            spec,
            store,
            clock,
            randomness,
        }))
    }

    /// The settings of the server.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The API document.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The document's schemas, ready to validate input.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The source of ids and codes.
    #[must_use]
    pub fn randomness(&self) -> &Randomness {
        &self.randomness
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn concurrency(&self) -> &ConcurrencyLimit {
        &self.concurrency
    }

    pub(crate) fn limits(&self) -> Limits {
        self.spec.limits()
    }

    /// How long the reply to an `Idempotency-Key` is stored.
    pub(crate) fn idempotency_ttl(&self) -> Duration {
        Duration::from_secs(u64::from(self.limits().idempotency_hours) * 3600)
    }

    /// How long a request may take, from its first byte to its reply.
    pub(crate) fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.limits().request_seconds)
    }
}
