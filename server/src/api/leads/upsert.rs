//! `POST /leads/upsert`

use konektor_spec::rule::match_schema;
use serde::Deserialize;
use serde_json::Value;

use super::{day_limit::day_limit, new_lead::new_lead, not_found::NOT_FOUND};
use crate::{
    api::{
        call::Call,
        values::{self, MatchBy},
    },
    domain::{
        lead::{Lead, LeadChanges},
        phone::Phone,
    },
    error::{Details, Error},
    reply::{Outcome, Reply},
    store::leads::{Match, NewLead, UpsertLead, Upserted},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    lead: Value,
    create_if_missing: bool,
}

pub(crate) async fn run(mut call: Call) -> Result<Reply, Error> {
    let matched = check_match(&mut call);
    let body: Body = call.input.body()?;
    let matched = matched.ok_or_else(|| Error::field("match.value", "Invalid"))?;
    let changes = read(&body.lead)?;
    // The matched value fills its field if the lead omits it. Errors then name the field that was sent.
    let filled = Some(matched.field()).filter(|field| body.lead.get(field).is_none());
    let new = if body.create_if_missing {
        lead_to_create(&call, &matched, body.lead)?
    } else {
        None
    };

    let may_create = body.create_if_missing && !matches!(matched, Match::Id(_));
    let upsert = UpsertLead {
        by: matched,
        changes,
        new,
        now: call.now,
        day: day_limit(&call)?,
    };
    let replied = move |upserted| match upserted {
        Upserted::Created(lead) => Ok(reply(lead, Outcome::Created)),
        Upserted::Updated(lead) => Ok(reply(lead, Outcome::Done)),
        Upserted::Missing if may_create => Err(Error::field("firstName", "Required")),
        Upserted::Missing => Err(NOT_FOUND),
    };
    let written = call
        .write_lead(upsert, replied, |outcome, lead| reply(lead, outcome))
        .await;
    written.map_err(|error| nested(error, filled))
}

fn reply(lead: Lead, outcome: Outcome) -> Reply {
    let id = lead.id.clone();
    Reply::upserted(lead, outcome).about_lead(id)
}

/// The field and value that identify the lead; `None` if the value is not valid for its field. The lead must not have
/// another value in that field.
fn check_match(call: &mut Call) -> Option<Match> {
    let text = |path: &str| {
        call.input
            .body_at(path)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let (by, value) = (text("match.by")?, text("match.value")?);
    let rule = match_schema(&by);
    let by: MatchBy = values::parse(&by)?;
    if let Some(complaint) = rule.and_then(|rule| call.state.rules().complaint(rule, &value)) {
        call.input.reject("match.value", complaint);
        return None;
    }
    let matched = match by {
        MatchBy::Id => Match::Id(value),
        MatchBy::UniqueCode => Match::UniqueCode(value),
        MatchBy::ExternalRef => Match::ExternalRef(value),
        MatchBy::Phone => Match::Phone(Phone::parse(&value)?),
    };
    let field = format!("lead.{}", matched.field());
    if call
        .input
        .body_at(&field)
        .is_some_and(|given| !is_same(&matched, given))
    {
        call.input
            .reject(&field, "Must be the value that is matched, or left out");
    }
    Some(matched)
}

fn is_same(matched: &Match, given: &Value) -> bool {
    let Some(given) = given.as_str() else {
        return false;
    };
    match matched {
        Match::Id(value) | Match::UniqueCode(value) | Match::ExternalRef(value) => value == given,
        Match::Phone(phone) => Phone::parse(given).as_ref() == Some(phone),
    }
}

/// The lead to create if none matches; `None` if it cannot be created.
fn lead_to_create(
    call: &Call,
    matched: &Match,
    mut fields: Value,
) -> Result<Option<NewLead>, Error> {
    call.state.rules().fill_defaults("LeadCreate", &mut fields);
    let mut fields = read(&fields)?;
    match matched {
        // Only the server generates ids.
        Match::Id(_) => return Ok(None),
        Match::UniqueCode(code) => fields.unique_code = Some(code.clone()),
        Match::ExternalRef(reference) => fields.external_ref = Some(Some(reference.clone())),
        Match::Phone(phone) => fields.phone = Some(Some(phone.clone())),
    }
    Ok(new_lead(call, fields))
}

fn read(fields: &Value) -> Result<LeadChanges, Error> {
    LeadChanges::deserialize(fields).map_err(|_| {
        Error::Internal(anyhow::anyhow!(
            "valid input does not fit the operation's type"
        ))
    })
}

/// Renames the bad fields to those that the caller sent: inside `lead`, or `filled` for the matched value.
fn nested(error: Error, filled: Option<&str>) -> Error {
    match error {
        Error::Invalid(details) => Error::Invalid(
            details
                .into_iter()
                .map(|(field, why)| match filled {
                    Some(filled) if field == filled => ("match.value".to_owned(), why),
                    _ => (format!("lead.{field}"), why),
                })
                .collect::<Details>(),
        ),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use konektor_spec::OperationId::LeadsUpsert;
    use serde_json::json;

    use crate::api::testing::{TestApi, body};

    #[tokio::test]
    async fn a_lead_is_created_once_and_then_updated() {
        let api = TestApi::new().await;
        let upsert = json!({
            "match": {"by": "phone", "value": "+6281234567890"}, "lead": {"firstName": "Budi"},
        });
        assert_snapshot!(api.call(LeadsUpsert, body(upsert.clone())).await);
        let again = api.answer(LeadsUpsert, body(upsert)).await;
        assert_eq!(again["created"], false);
    }

    #[tokio::test]
    async fn what_is_wrong_is_named_where_it_was_sent() {
        let api = TestApi::new().await;
        let upsert = json!({
            "match": {"by": "phone", "value": "+6281234567890"},
            "lead": {"firstName": "Budi", "phone": "+6285711112222"},
        });
        assert_snapshot!(api.call(LeadsUpsert, body(upsert)).await);
    }
}
