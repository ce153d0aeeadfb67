//! Which path leads where: the operations of the document below its base path, and what surrounds them.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Context;
use axum::{
    Router,
    extract::{FromRequestParts, RawPathParams, Request},
    http::request::Parts,
    routing::any,
};
use konektor_spec::{Operation, OperationId, Spec};

use super::{body_budget::BodyBudget, context::HttpContext, documents::Documents, exchange};
use crate::{
    api::{self, Action},
    state::AppState,
};

/// What one path answers, by method.
#[derive(Default)]
pub(super) struct Route(BTreeMap<String, Endpoint>);

/// An operation and the code behind it.
pub(super) struct Endpoint {
    pub(super) operation: Arc<Operation>,
    pub(super) action: Action,
}

/// The routes of a server that its users reach at `public_url`.
///
/// # Errors
/// When the document has an operation without code, or cannot be rendered.
pub(crate) fn router(state: &Arc<AppState>, public_url: &str) -> anyhow::Result<Router> {
    let spec = state.spec();
    let base = spec.base_path();
    let context = Arc::new(HttpContext {
        state: Arc::clone(state),
        documents: Documents::render(spec, public_url)?,
        bodies: BodyBudget::new(),
    });
    let mut router = Router::new();
    for (path, route) in routes(spec)? {
        // axum clones the closure several times a request: what it owns is shared.
        let (context, route) = (Arc::clone(&context), Arc::new(route));
        let answer = move |request: Request| {
            let (context, route) = (Arc::clone(&context), Arc::clone(&route));
            async move {
                let (parts, body) = request.into_parts();
                let (parts, parameters) = path_parameters(parts).await;
                exchange::operation(context, &route, parts, parameters, body).await
            }
        };
        router = router.route(&format!("{base}{path}"), any(answer));
    }
    for (path, document) in Documents::routes(base) {
        let context = Arc::clone(&context);
        router = router.route(
            &path,
            any(move |request| exchange::document(context, document, request)),
        );
    }
    let prefix = Arc::<str>::from(format!("{base}/"));
    Ok(router.fallback(move |request: Request| {
        let below_base = request.uri().path().starts_with(&*prefix);
        exchange::unknown_route(context, below_base, request)
    }))
}

fn routes(spec: &Spec) -> anyhow::Result<BTreeMap<String, Route>> {
    let mut routes: BTreeMap<String, Route> = BTreeMap::new();
    for operation in spec.operations() {
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

impl Route {
    /// The operation of a method; HEAD is answered as GET.
    pub(super) fn endpoint(&self, method: &str) -> Option<&Endpoint> {
        self.0.get(if method == "HEAD" { "GET" } else { method })
    }

    /// For the header Allow.
    pub(super) fn methods(&self) -> String {
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
