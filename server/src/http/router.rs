//! Routes: the operations below the base path of the document, and the other documents.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    extract::{FromRequestParts, RawPathParams, Request},
    http::{Method, request::Parts},
    routing::any,
};

use super::{
    body_budget::BodyBudget,
    context::HttpContext,
    documents::Documents,
    handlers::{self, PathParameters},
};
use crate::{api::operations::Action, state::AppState};

/// The actions of one path by method.
#[derive(Default)]
pub(super) struct Route(BTreeMap<String, Action>);

/// The routes of a server that its users reach at `public_url`.
///
/// # Errors
/// If the document cannot be rendered.
pub(crate) fn router(
    state: &Arc<AppState>,
    actions: Vec<Action>,
    public_url: &str,
) -> anyhow::Result<Router> {
    let spec = state.spec();
    let base = spec.base_path();
    let context = Arc::new(HttpContext {
        state: Arc::clone(state),
        documents: Documents::render(spec, public_url)?,
        bodies: BodyBudget::new(state.settings().requests.body_bytes.get()),
    });
    let mut router = Router::new();
    for (path, route) in routes(actions) {
        // axum clones the closure several times a request: what it owns is shared.
        let (context, route) = (Arc::clone(&context), Arc::new(route));
        let answer = move |request: Request| {
            let (context, route) = (Arc::clone(&context), Arc::clone(&route));
            async move {
                let (parts, body) = request.into_parts();
                let (parts, parameters) = path_parameters(parts).await;
                handlers::operation(context, &route, parts, parameters, body).await
            }
        };
        router = router.route(&format!("{base}{path}"), any(answer));
    }
    for (path, document) in Documents::routes(base) {
        let context = Arc::clone(&context);
        router = router.route(
            &path,
            any(move |request| handlers::document(context, document, request)),
        );
    }
    let prefix = Arc::<str>::from(format!("{base}/"));
    Ok(router.fallback(move |request: Request| {
        let below_base = request.uri().path().starts_with(&*prefix);
        handlers::unknown_route(context, below_base, request)
    }))
}

fn routes(actions: Vec<Action>) -> BTreeMap<String, Route> {
    let mut routes: BTreeMap<String, Route> = BTreeMap::new();
    for action in actions {
        let operation = action.operation();
        let route = routes.entry(operation.path.to_string()).or_default();
        route.0.insert(operation.method.clone(), action);
    }
    routes
}

impl Route {
    /// The action of a method. HEAD is handled as GET.
    pub(super) fn action(&self, method: &Method) -> Option<&Action> {
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        self.0.get(method.as_str())
    }

    /// The methods of the path, for the header Allow.
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

/// The parameters of the path, percent-decoded.
async fn path_parameters(mut parts: Parts) -> (Parts, PathParameters) {
    let parameters = RawPathParams::from_request_parts(&mut parts, &()).await;
    let parameters = parameters.ok().map(|parameters| {
        parameters
            .iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect()
    });
    (parts, parameters)
}
