//! Reads a request into values: its origin, its key and the input of an operation.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{AUTHORIZATION, CONTENT_TYPE, FORWARDED},
    request::Parts,
};
use konektor_spec::{Location, Operation};
use serde_json::{Map, Value};

use super::{error::HttpError, headers, json, peer::Peer, query};
use crate::{
    domain::forwarded::{Forwarding, Origin},
    error::Details,
    state::AppState,
    validation::{NO_BODY, Sent},
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Where a request comes from. Without a transport the address is unspecified, and no allowlist permits it.
pub(super) fn origin(state: &AppState, parts: &Parts) -> Origin {
    let peer = parts
        .extensions
        .get::<Peer>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    let lines = |name| {
        let lines = parts.headers.get_all(name).iter();
        lines.map(HeaderValue::as_bytes).collect()
    };
    let forwarding = Forwarding {
        forwarded: lines(FORWARDED),
        x_forwarded_for: lines(X_FORWARDED_FOR),
    };
    state.gate().origin(peer, &forwarding)
}

/// The token of `Authorization: Bearer …`; the scheme's name is case-insensitive (RFC 9110, 11.1).
pub(super) fn bearer_token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Reads the input of an operation.
///
/// # Errors
/// If the query is not UTF-8 or the body is not JSON.
pub fn read(
    operation: &Operation,
    path: Map<String, Value>,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Sent, HttpError> {
    let mut bad = Details::new();
    let mut query = query::parse(query.unwrap_or_default(), &mut bad)?;
    for parameter in operation.parameters_in(Location::Query) {
        query::convert(&mut query, &parameter.name, &parameter.schema);
    }
    let names = operation.parameters_in(Location::Header);
    let headers = headers::parse(headers, names.map(|parameter| &*parameter.name), &mut bad);
    let body = if operation.body.is_some() {
        Some(json::parse(body, &mut bad)?)
    } else {
        if !json::is_nothing(body) {
            bad.insert("body".into(), NO_BODY.into());
        }
        None
    };
    Ok(Sent {
        path,
        query,
        headers,
        body,
        bad,
    })
}

/// Media types are case-insensitive and may have parameters (RFC 9110, 8.3.1).
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    media_type
        .split(';')
        .next()
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
