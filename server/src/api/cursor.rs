//! Pages of a list, by number or by cursor. A cursor contains the filters and the order of its list.

use serde_json::Value;

use crate::{
    api::call::Call,
    error::Error,
    reply::Pagination,
    store::{
        cursor::Cursor,
        paging::{Page, PageStart, Position},
    },
};

/// Parameters that select a page and not a list.
const PAGING: [&str; 3] = ["page", "limit", "cursor"];

const STALE: &str = "Not a cursor of this list; start again without one";

/// The requested page.
pub(super) struct PageRequest {
    pub(super) start: PageStart,
    pub(super) page: i64,
    pub(super) limit: i64,
}

/// Reads the requested page. The filters of a cursor replace those of the query. Other parameters must not contradict
/// the cursor.
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
    let tenant = &call.caller.tenant;
    let Some(cursor) = tenant.open_cursor(&call.operation.id, &text) else {
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

/// The pagination of the reply, with the cursor of the next page.
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
    let tenant = &call.caller.tenant;
    Ok(tenant.seal_cursor(&call.operation.id, &cursor)?)
}
