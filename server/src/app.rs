//! The server as one value: the one place where document, gate, input, operations and store meet.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::Context;
use axum::{
    Router,
    extract::{FromRequestParts, RawPathParams, Request},
    http::request::Parts,
    routing::any,
};
use konektor_spec::{Limits, Operation, OperationId, Spec};

use crate::{
    api::{self, Action},
    bodies::Bodies,
    clock::Clock,
    domain::forwarded::TrustedProxies,
    gate::Gate,
    input::Rules,
    load::Load,
    pages::Pages,
    pipeline,
    store::Store,
};

/// Everything a request needs.
pub struct App {
    spec: Spec,
    rules: Rules,
    gate: Gate,
    store: Store,
    clock: Clock,
    pages: Pages,
    load: Load,
    bodies: Bodies,
}

/// What one path answers, by method.
#[derive(Default)]
pub(crate) struct Route(BTreeMap<String, Endpoint>);

/// An operation and the code behind it.
pub(crate) struct Endpoint {
    pub(crate) operation: Arc<Operation>,
    pub(crate) action: Action,
}

impl App {
    /// A server of this document on this store. `public_url` is where its users reach it, without the base path;
    /// `proxies` are believed about who that is.
    ///
    /// # Errors
    /// When the document has an operation or a value without code, lacks one that the code needs, or cannot be rendered.
    pub fn new(
        spec: Spec,
        store: Store,
        clock: Clock,
        public_url: &str,
        proxies: TrustedProxies,
    ) -> anyhow::Result<Arc<Self>> {
        api::check(&spec)?;
        Ok(Arc::new(Self {
            rules: Rules::new(&spec)?,
            gate: Gate::new(&spec, clock.clone(), proxies),
            pages: Pages::render(&spec, public_url)?,
            load: Load::new(),
            bodies: Bodies::new(),
            spec,
            store,
            clock,
        }))
    }

    /// The document the server keeps to.
    #[must_use]
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The document's schemas, ready to judge.
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

    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    pub(crate) fn pages(&self) -> &Pages {
        &self.pages
    }

    pub(crate) fn load(&self) -> &Load {
        &self.load
    }

    pub(crate) fn bodies(&self) -> &Bodies {
        &self.bodies
    }

    pub(crate) fn limits(&self) -> Limits {
        self.spec.limits()
    }

    /// How long the answer to an `Idempotency-Key` is kept.
    pub(crate) fn idempotency_ttl(&self) -> Duration {
        Duration::from_secs(u64::from(self.limits().idempotency_hours) * 3600)
    }

    pub(crate) fn time_limit(&self) -> Duration {
        Duration::from_secs(self.limits().request_seconds)
    }

    /// How long a request may take to arrive: what is left of its time is for the answer.
    pub(crate) fn arrival_limit(&self) -> Duration {
        self.time_limit() * 2 / 3
    }

    /// The routes: those of the document below its base path, and what surrounds them.
    ///
    /// # Errors
    /// When the document has an operation that nobody has written.
    pub fn router(self: &Arc<Self>) -> anyhow::Result<Router> {
        let base = self.spec.base_path();
        let mut router = Router::new();
        for (path, route) in self.routes()? {
            // axum clones the closure several times a request: what it owns is shared.
            let (app, route) = (Arc::clone(self), Arc::new(route));
            let answer = move |request: Request| {
                let (app, route) = (Arc::clone(&app), Arc::clone(&route));
                async move {
                    let (parts, body) = request.into_parts();
                    let (parts, parameters) = path_parameters(parts).await;
                    pipeline::operation(app, &route, parts, parameters, body).await
                }
            };
            router = router.route(&format!("{base}{path}"), any(answer));
        }
        for (path, page) in Pages::routes(base) {
            let app = Arc::clone(self);
            router = router.route(
                &path,
                any(move |request| pipeline::page(app, page, request)),
            );
        }
        let (app, prefix) = (Arc::clone(self), Arc::<str>::from(format!("{base}/")));
        Ok(router.fallback(move |request: Request| {
            let below_base = request.uri().path().starts_with(&*prefix);
            pipeline::unknown_route(app, below_base, request)
        }))
    }

    fn routes(&self) -> anyhow::Result<BTreeMap<String, Route>> {
        let mut routes: BTreeMap<String, Route> = BTreeMap::new();
        for operation in self.spec.operations() {
            let id = OperationId::named(&operation.id)
                .with_context(|| format!("no code behind the operation {}", operation.id))?;
            let action = api::action(id);
            #[cfg(test)]
            let action = api::tests::action(operation).unwrap_or(action);
            let endpoint = Endpoint {
                operation: Arc::clone(operation),
                action,
            };
            routes
                .entry(operation.path.clone())
                .or_default()
                .0
                .insert(operation.method.clone(), endpoint);
        }
        Ok(routes)
    }
}

impl Route {
    /// The operation of a method; HEAD is answered as GET.
    pub(crate) fn endpoint(&self, method: &str) -> Option<&Endpoint> {
        self.0.get(if method == "HEAD" { "GET" } else { method })
    }

    /// For the header Allow.
    pub(crate) fn methods(&self) -> String {
        let head = self.0.contains_key("GET").then_some("HEAD");
        self.0
            .keys()
            .map(String::as_str)
            .chain(head)
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// The parameters of the path, percent-decoded; none when one of them is not UTF-8.
async fn path_parameters(mut parts: Parts) -> (Parts, Option<Vec<(String, String)>>) {
    let parameters = RawPathParams::from_request_parts(&mut parts, &())
        .await
        .ok();
    let pairs = parameters.map(|parameters| {
        parameters
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    });
    (parts, pairs)
}
