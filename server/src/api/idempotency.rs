//! Writes that happen once for each `Idempotency-Key`, for every operation whose document has that header; see
//! draft-ietf-httpapi-idempotency-key-header-07.

use std::sync::Arc;

use serde_json::json;

use super::Call;
use crate::{
    app::App,
    domain::period::Day,
    reply::{Error, Reply},
    store::{
        StoreError, Tenant, Work,
        idempotency::{Once, OnceRequest},
    },
};

/// The header, and the name under which a bad one is told.
const HEADER: &str = "Idempotency-Key";

impl Call {
    /// Carries out a write and answers it; once for all requests with the same key, if they have one.
    ///
    /// A refused request leaves its key free: it can be mended and sent again.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Tenant) -> Work<T> + Send + Sync + 'static,
        reply: impl Fn(T) -> Result<Reply, Error> + Send + Sync + 'static,
    ) -> Result<Reply, Error> {
        let tenant = &self.caller.tenant;
        let reply = Arc::new(reply);
        let work = move |tenant: &Tenant| {
            let reply = Arc::clone(&reply);
            work(tenant).map(move |done| reply(done))
        };
        let refused = |error: StoreError| self.refused(error);
        let Some(request) = self.once_request() else {
            return tenant.write(work).await.map_err(refused)?;
        };
        let kept = |result: &Result<Reply, Error>| result.as_ref().ok().map(Reply::to_kept);
        match tenant
            .write_once(request, work, kept)
            .await
            .map_err(refused)?
        {
            Once::Done(result) => result,
            Once::Replayed(answer) => Reply::replayed(answer),
            Once::Reused => Err(Error::KeyReused),
            Once::InFlight => Err(Error::InFlight),
        }
    }

    /// What the store refused, as the caller is told it.
    fn refused(&self, error: StoreError) -> Error {
        match (error, self.caller.workspace.leads_per_day) {
            (StoreError::LeadsPerDay, Some(limit)) => {
                let zone = match self.caller.workspace.time_zone() {
                    Ok(zone) => zone,
                    Err(unknown) => return unknown.into(),
                };
                let midnight = Day::of(self.now, &zone).next_midnight;
                let seconds = midnight.duration_since(self.now).as_secs();
                Error::RateLimited {
                    message: format!(
                        "The workspace may create {limit} leads a day; try again after its midnight"
                    ),
                    retry_after: u64::try_from(seconds).unwrap_or(0) + 1,
                }
            }
            (error, _) => error.into(),
        }
    }

    fn once_request(&self) -> Option<OnceRequest> {
        let key = self.input.header(HEADER)?;
        let mut request = json!([self.operation.id, self.input.sent()]);
        // The order of names and the space between them are the sender's taste.
        request.sort_all_objects();
        let request = request.to_string();
        let tenant = &self.caller.tenant;
        Some(tenant.once_request(key, request.as_bytes(), self.now))
    }
}

/// Removes what is too old to be answered again.
pub(crate) async fn clean(app: &App) {
    if let Err(error) = app.store().forget_answers(app.clock().now()).await {
        tracing::warn!(
            cause = format!("{:#}", anyhow::Error::from(error)),
            "old answers were not removed"
        );
    }
}
