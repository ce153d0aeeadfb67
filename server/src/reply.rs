//! The answer of a successful operation.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response, StatusCode},
};
use bytes::Bytes;
use serde::Serialize;

use crate::{
    error::{Error, json},
    store::{StoreError, idempotency::KeptAnswer},
};

/// A successful answer, ready to send.
pub struct Reply {
    status: StatusCode,
    body: Bytes,
    /// Whether it was answered before.
    replayed: bool,
    /// The lead that it shows, if it shows one.
    lead_id: Option<String>,
}

/// Which page a list answer is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    page: i64,
    limit: i64,
    total: i64,
    total_pages: i64,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Envelope<T> {
    success: bool,
    data: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination: Option<Pagination>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<bool>,
}

impl<T: Serialize> Envelope<T> {
    fn of(data: T) -> Self {
        Self {
            success: true,
            data,
            pagination: None,
            created: None,
        }
    }

    fn reply(&self, status: StatusCode) -> Result<Reply, Error> {
        let body = serde_json::to_vec(self).map_err(|error| Error::Internal(error.into()))?;
        Ok(Reply {
            status,
            body: body.into(),
            replayed: false,
            lead_id: None,
        })
    }
}

impl Reply {
    /// 200 with this data.
    pub fn ok(data: impl Serialize) -> Result<Self, Error> {
        Envelope::of(data).reply(StatusCode::OK)
    }

    /// 201 with what was made.
    pub fn created(data: impl Serialize) -> Result<Self, Error> {
        Envelope::of(data).reply(StatusCode::CREATED)
    }

    /// 200 with one page.
    pub fn page(data: impl Serialize, pagination: Pagination) -> Result<Self, Error> {
        Envelope {
            pagination: Some(pagination),
            ..Envelope::of(data)
        }
        .reply(StatusCode::OK)
    }

    /// 201 or 200, and whether it was made.
    pub fn upserted(data: impl Serialize, created: bool) -> Result<Self, Error> {
        let status = if created {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        Envelope {
            created: Some(created),
            ..Envelope::of(data)
        }
        .reply(status)
    }

    /// An earlier answer once more.
    pub fn replayed(kept: KeptAnswer) -> Result<Self, Error> {
        Ok(Self {
            status: StatusCode::from_u16(kept.status).map_err(|_| StoreError::Corrupt("status"))?,
            body: kept.body,
            replayed: true,
            lead_id: kept.lead_id,
        })
    }

    /// The same answer, to a request that was answered before.
    #[must_use]
    pub fn into_replay(self) -> Self {
        Self {
            replayed: true,
            ..self
        }
    }

    /// The same answer, which shows this lead.
    #[must_use]
    pub fn about_lead(self, id: &str) -> Self {
        Self {
            lead_id: Some(id.to_owned()),
            ..self
        }
    }

    /// What has to be kept to give this answer once more.
    #[must_use]
    pub fn to_kept(&self) -> KeptAnswer {
        KeptAnswer {
            status: self.status.as_u16(),
            body: self.body.clone(),
            lead_id: self.lead_id.clone(),
        }
    }

    /// As an HTTP response.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let mut response = json(self.status, self.body);
        if self.replayed {
            response.headers_mut().insert(
                HeaderName::from_static("idempotency-replayed"),
                HeaderValue::from_static("true"),
            );
        }
        response
    }
}

impl Pagination {
    /// The state of a page of so many rows at most out of so many in all.
    #[must_use]
    pub fn new(page: i64, limit: i64, total: i64, next_cursor: Option<String>) -> Self {
        let total_pages = total.div_euclid(limit) + i64::from(total.rem_euclid(limit) > 0);
        Self {
            page,
            limit,
            total,
            total_pages,
            next_cursor,
        }
    }
}
