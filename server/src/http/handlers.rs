//! Answers the requests of each kind of route: key → body → caller and permit → operation.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::Request,
    http::{Method, Response, request::Parts},
};
use konektor_spec::{Operation, OperationId};
use serde_json::{Map, Value};

use super::{
    body::{content_length, discard, receive},
    body_budget::BufferedBody,
    context::HttpContext,
    documents::Document,
    error::HttpError,
    exchange::respond,
    request::{self, bearer_token, is_json, origin},
    response,
    router::Route,
};
use crate::{
    api::operations::Action,
    domain::forwarded::Origin,
    error::Error,
    pipeline::{self, Admitted, Exchange},
    validation::{NO_BODY, Sent},
};

/// The name in the log of a request to no operation.
const UNKNOWN_OPERATION: &str = "unknown";

/// The longest body that is read for a public operation, which accepts only an empty one.
const MAX_PUBLIC_BODY_BYTES: usize = 256;

/// The parameters of a path, or `None` if one of them is not UTF-8.
pub(super) type PathParameters = Option<Map<String, Value>>;

/// Answers a path of the API document.
pub(super) async fn operation(
    context: Arc<HttpContext>,
    route: &Route,
    parts: Parts,
    path: PathParameters,
    body: Body,
) -> Response<Body> {
    let endpoint = match route.action(&parts.method) {
        Some(Action::Guide { id, operation }) => {
            return guide(&context, *id, operation, &parts, body).await;
        }
        Some(Action::Call(endpoint)) => Some(endpoint),
        None => None,
    };
    let name = endpoint.map_or(UNKNOWN_OPERATION, |endpoint| &endpoint.operation.id);
    let origin = origin(&context.state, &parts);
    let exchange = Exchange::begin(&context.state, name);
    let work = async {
        let (admitted, body) = admit(&context, &parts, body, origin, &exchange).await?;
        let endpoint = endpoint.ok_or_else(|| HttpError::MethodNotAllowed(route.methods()))?;
        // The permit is held until the response is made.
        let Admitted {
            caller,
            deadline,
            permit: _permit,
        } = admitted;
        let read = || read(&endpoint.operation, &parts, path, &body);
        let reply = pipeline::call(&context.state, caller, endpoint, deadline, read).await?;
        response::from_reply(&reply)
    };
    respond(&exchange, Some(origin), work).await
}

/// Answers a path that is not an operation, such as the docs page.
pub(super) async fn document(
    context: Arc<HttpContext>,
    document: Document,
    request: Request,
) -> Response<Body> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let exchange = Exchange::begin(&context.state, document.name());
    let work = async {
        if !is_read {
            return Err(HttpError::MethodNotAllowed("GET, HEAD".into()));
        }
        let answer = context.documents.answer(document, &context.state);
        Ok(pipeline::before(exchange.deadline(), None, answer).await?)
    };
    respond(&exchange, None, work).await
}

/// Answers a path that leads nowhere. Below the base path a key is required, so that nobody without one can find out
/// which paths exist.
pub(super) async fn unknown_route(
    context: Arc<HttpContext>,
    below_base: bool,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let gated = below_base.then(|| origin(&context.state, &parts));
    let exchange = Exchange::begin(&context.state, UNKNOWN_OPERATION);
    let work = async {
        if let Some(origin) = gated {
            admit(&context, &parts, body, origin, &exchange).await?;
        }
        Err(Error::NotFound("There is nothing at this path").into())
    };
    respond(&exchange, gated, work).await
}

/// Answers SKILL.md. A public operation checks its query parameters as strictly as the others, and takes no body.
async fn guide(
    context: &HttpContext,
    id: OperationId,
    operation: &Operation,
    parts: &Parts,
    body: Body,
) -> Response<Body> {
    let exchange = Exchange::begin(&context.state, &operation.id);
    let work = async {
        let body = match receive(context, parts, body, MAX_PUBLIC_BODY_BYTES).await {
            Err(HttpError::TooLarge(_)) => return Err(Error::field("body", NO_BODY).into()),
            body => body?,
        };
        let sent = read(operation, parts, Some(Map::new()), &body)?;
        context.state.rules().check(id, sent)?.check()?;
        Ok(context.documents.guide())
    };
    respond(&exchange, None, work).await
}

/// Checks the key, receives the body and admits the caller. The body of a request without a well-formed key is not
/// read.
async fn admit<'a>(
    context: &'a HttpContext,
    parts: &Parts,
    body: Body,
    origin: Origin,
    exchange: &Exchange<'a>,
) -> Result<(Admitted<'a>, BufferedBody<'a>), HttpError> {
    let limit = context.state.limits().body_bytes;
    if content_length(parts).is_some_and(|length| length > limit) {
        discard(body);
        return Err(HttpError::TooLarge(limit));
    }
    let key = match exchange.check_key(bearer_token(&parts.headers), origin) {
        Ok(key) => key,
        Err(refused) => {
            discard(body);
            return Err(refused.into());
        }
    };
    let body = receive(context, parts, body, limit).await?;
    let admitted = exchange.admit(&key, origin).await?;
    Ok((admitted, body))
}

/// Reads the input of an operation.
fn read(
    operation: &Operation,
    parts: &Parts,
    path: PathParameters,
    body: &[u8],
) -> Result<Sent, HttpError> {
    if operation.body.is_some() && !is_json(&parts.headers) {
        return Err(HttpError::UnsupportedMediaType);
    }
    let path = path.ok_or(HttpError::Malformed("The path is not valid UTF-8"))?;
    request::read(operation, path, parts.uri.query(), &parts.headers, body)
}
