//! Pages of a list: by number, or by a cursor that carries everything of the list it belongs to.
//!
//! A cursor is sealed for its workspace and operation: nobody can read, forge or use one elsewhere, and it survives
//! restarts, other processes and new data keys because nothing of it is kept.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    api::call::Call,
    error::Error,
    reply::Pagination,
    store::paging::{Page, PageStart, Position},
    vault::WorkspaceKeys,
};

/// Parameters that say which page, not which list.
const PAGING: [&str; 3] = ["page", "limit", "cursor"];

const STALE: &str = "Not a cursor of this list; start again without one";

/// The page that was asked for.
pub(super) struct PageRequest {
    pub(super) start: PageStart,
    pub(super) page: i64,
    pub(super) limit: i64,
}

/// All that the next page needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// The filters and the order, defaults filled in.
    pub query: Map<String, Value>,
    /// Time and id of the last row before.
    pub after: (i64, String),
    /// The last time to list, in milliseconds: where a walk ends that would otherwise follow what is updated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// The number of the page.
    pub page: i64,
    /// The most rows on it.
    pub limit: i64,
}

impl Cursor {
    /// The text that a client sends back.
    ///
    /// # Errors
    /// [`Error::Internal`] when it is larger than a cipher takes.
    pub fn seal(&self, keys: &WorkspaceKeys, operation: &str) -> Result<String, Error> {
        let plaintext = serde_json::to_vec(self).map_err(|error| Error::Internal(error.into()))?;
        keys.seal_token(&purpose(operation), &plaintext)
            .map_err(|error| Error::Internal(error.into()))
    }

    /// Reads a text that [`Cursor::seal`] made with these keys for this operation; None for any other.
    #[must_use]
    pub fn open(keys: &WorkspaceKeys, operation: &str, text: &str) -> Option<Self> {
        let plaintext = keys.open_token(&purpose(operation), text)?;
        serde_json::from_slice(&plaintext).ok()
    }
}

fn purpose(operation: &str) -> String {
    format!("cursor {operation}")
}

/// Finds the page; with a cursor, its filters take the place of the query's.
///
/// `given` holds the parameters as they were sent: only those can contradict the cursor.
pub(super) fn page_request(call: &mut Call) -> Result<PageRequest, Error> {
    let Some(text) = call.input.text("cursor").map(str::to_owned) else {
        let number = |name: &str| {
            call.input
                .query_map()
                .get(name)
                .and_then(Value::as_i64)
                .unwrap_or(1)
        };
        let (page, limit) = (number("page"), number("limit"));
        let offset = (page - 1).saturating_mul(limit);
        return Ok(PageRequest {
            start: PageStart::Offset(offset),
            page,
            limit,
        });
    };
    let Some(cursor) = Cursor::open(call.caller.tenant.keys(), &call.operation.id, &text) else {
        call.input.reject("cursor", STALE);
        call.input.check()?;
        return Err(Error::field("cursor", STALE));
    };
    let contradicts = |name: &String, value: &Value| {
        !PAGING.contains(&name.as_str()) && cursor.query.get(name) != Some(value)
    };
    if call
        .input
        .given()
        .any(|(name, value)| contradicts(name, value))
    {
        call.input.reject(
            "cursor",
            "Belongs to a list with other filters; send it alone or with the same ones",
        );
    }
    let limit = call
        .input
        .given()
        .find(|(name, _)| *name == "limit")
        .and_then(|(_, limit)| limit.as_i64());
    call.input.replace_query(cursor.query);
    Ok(PageRequest {
        start: PageStart::After(Position {
            millis: cursor.after.0,
            id: cursor.after.1,
            until: cursor.until,
        }),
        page: cursor.page,
        limit: limit.unwrap_or(cursor.limit),
    })
}

/// What the answer says about its page, with the cursor of the next.
pub(super) fn pagination<T>(
    call: &Call,
    request: &PageRequest,
    page: &Page<T>,
) -> Result<Pagination, Error> {
    let next = match &page.next {
        Some(PageStart::After(position)) => Some(seal(call, request, position)?),
        Some(PageStart::Offset(_)) | None => None,
    };
    Ok(Pagination::new(
        request.page,
        request.limit,
        page.total,
        next,
    ))
}

fn seal(call: &Call, request: &PageRequest, position: &Position) -> Result<String, Error> {
    let mut query = call.input.query_map().clone();
    query.retain(|name, _| !PAGING.contains(&name.as_str()));
    let cursor = Cursor {
        query,
        after: (position.millis, position.id.clone()),
        until: position.until,
        page: request.page.saturating_add(1),
        limit: request.limit,
    };
    cursor.seal(call.caller.tenant.keys(), &call.operation.id)
}
