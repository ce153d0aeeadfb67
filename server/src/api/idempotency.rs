//! Writes that happen once for each `Idempotency-Key`, for every operation whose document has that header; see
//! draft-ietf-httpapi-idempotency-key-header-07.

use std::sync::Arc;

use konektor_spec::Operation;
use serde_json::{Value, json};

use crate::{
    api::call::Call,
    domain::{amount::Amount, lead::Lead, period::Day},
    error::Error,
    reply::{Outcome, Reply},
    store::{
        StoreError, Tenant, Work,
        idempotency::{Idempotent, IdempotentRequest},
    },
};

/// The header, and the name under which a bad one is told.
const HEADER: &str = "Idempotency-Key";

/// Answers a request anew with the status of its first answer and the lead as it is now.
pub(super) type Renew = fn(Outcome, Lead) -> Reply;

impl Call {
    /// Carries out a write and answers it; once for all requests with the same key, if they have one.
    ///
    /// A refused request leaves its key free: it can be mended and sent again.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Tenant) -> Work<T> + Send + Sync + 'static,
        reply: impl Fn(T) -> Result<Reply, Error> + Send + Sync + 'static,
    ) -> Result<Reply, Error> {
        self.write_idempotent(work, reply, None).await
    }

    /// As [`Call::write`], for a write whose answer shows a lead: it is not repeated once personal data of the lead has
    /// changed, but made anew.
    pub(super) async fn write_lead<T: Send + 'static>(
        &self,
        work: impl Fn(&Tenant) -> Work<T> + Send + Sync + 'static,
        reply: impl Fn(T) -> Result<Reply, Error> + Send + Sync + 'static,
        renew: Renew,
    ) -> Result<Reply, Error> {
        self.write_idempotent(work, reply, Some(renew)).await
    }

    async fn write_idempotent<T: Send + 'static>(
        &self,
        work: impl Fn(&Tenant) -> Work<T> + Send + Sync + 'static,
        reply: impl Fn(T) -> Result<Reply, Error> + Send + Sync + 'static,
        renew: Option<Renew>,
    ) -> Result<Reply, Error> {
        let tenant = &self.caller.tenant;
        let reply = Arc::new(reply);
        let work = move |tenant: &Tenant| {
            let reply = Arc::clone(&reply);
            work(tenant).map(move |done| reply(done))
        };
        let refused = |error: StoreError| self.refused(error);
        let Some(request) = self.idempotent_request() else {
            return tenant.write(work).await.map_err(refused)?;
        };
        let kept = |result: &Result<Reply, Error>| result.as_ref().ok().and_then(Reply::to_kept);
        match tenant
            .write_idempotent(request, work, kept)
            .await
            .map_err(refused)?
        {
            Idempotent::Done(result) => result,
            Idempotent::Replayed(answer) => Ok(Reply::replayed(answer)?),
            Idempotent::Outdated { status, lead } => {
                let renew = renew.ok_or(StoreError::Corrupt("lead_id"))?;
                let outcome = Outcome::from_code(status).ok_or(StoreError::Corrupt("status"))?;
                Ok(renew(outcome, *lead.ok_or(Error::KeySpent)?).into_replay())
            }
            Idempotent::Reused => Err(Error::KeyReused),
            Idempotent::InFlight => Err(Error::InFlight),
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
                let midnight = Day::new(self.now, &zone).next_midnight;
                let seconds = midnight.duration_since(self.now).as_secs();
                let leads = if limit == 1 { "lead" } else { "leads" };
                let local = zone.to_datetime(midnight).strftime("%Y-%m-%d %H:%M");
                let zone = &self.caller.workspace.timezone;
                Error::RateLimited {
                    message: format!(
                        "The daily limit of {limit} new {leads} is reached; the next can be created after the \
                         workspace's midnight, {local} {zone}"
                    ),
                    retry_after: u64::try_from(seconds).unwrap_or(0) + 1,
                }
            }
            (error, _) => error.into(),
        }
    }

    fn idempotent_request(&self) -> Option<IdempotentRequest> {
        let key = self.input.header(HEADER)?;
        let Operation { method, path, .. } = &*self.operation;
        let request = json!([method, path.as_str(), self.input.sent()]);
        let request = canonical(request).to_string();
        let tenant = &self.caller.tenant;
        let ttl = self.state.idempotency_ttl();
        Some(tenant.idempotent_request(key, request.as_bytes(), self.now, ttl))
    }
}

/// The same values in one spelling: the order of names is the sender's taste, and `5000000`, `5000000.0` and `5e6` are
/// one number.
fn canonical(mut value: Value) -> Value {
    value.sort_all_objects();
    spell_numbers(&mut value);
    value
}

fn spell_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|_| number.is_f64()) {
                *value = json!(Amount::from(float));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(spell_numbers),
        Value::Object(fields) => fields.values_mut().for_each(spell_numbers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_spelling_and_others_have_not() {
        let spelled = |text: &str| canonical(serde_json::from_str(text).unwrap()).to_string();
        for (one, other) in [
            (
                r#"{"a":5000000,"b":[{"d":1,"c":2}]}"#,
                r#"{"b":[{"c":2e0,"d":1.0}],"a":5e6}"#,
            ),
            ("1000000000000000", "1e15"),
            ("0", "-0.0"),
            ("1.10", "1.1"),
            ("0.5", "5e-1"),
            (r#""Budi""#, r#""B\u0075di""#),
        ] {
            assert_eq!(spelled(one), spelled(other), "{one} {other}");
        }
        for (one, other) in [
            ("5000000", "5000000.01"),
            ("5", r#""5""#),
            ("0", "null"),
            ("[1,2]", "[2,1]"),
            ("{}", r#"{"a":null}"#),
            (r#""a""#, r#""A""#),
        ] {
            assert_ne!(spelled(one), spelled(other), "{one} {other}");
        }
    }
}
