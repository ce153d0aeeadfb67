//! `PATCH /leads/{id}`

use super::not_found::NOT_FOUND;
use crate::{
    api::call::Call, domain::lead::Lead, error::Error, reply::Reply, store::leads::UpdateLead,
};

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let update = UpdateLead {
        handle: call.input.path("id")?,
        changes: call.input.body()?,
        now: call.now,
    };
    call.write_lead(
        update,
        |lead| Ok(reply(lead.ok_or(NOT_FOUND)?)),
        |_, lead| reply(lead),
    )
    .await
}

fn reply(lead: Lead) -> Reply {
    let id = lead.id.clone();
    Reply::done(lead).about_lead(id)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use konektor_spec::OperationId::LeadsUpdate;
    use serde_json::json;

    use crate::api::testing::{TestApi, at};

    #[tokio::test]
    async fn fields_that_are_sent_change_and_null_clears() {
        let api = TestApi::new().await;
        api.lead(json!({"firstName": "Budi", "externalRef": "CRM-1", "notes": "calls back"}))
            .await;
        api.clock.advance(std::time::Duration::from_mins(1));
        let changes = json!({"status": "won", "notes": null});
        assert_snapshot!(api.call(LeadsUpdate, at("CRM-1", Some(changes))).await);
    }

    #[tokio::test]
    async fn a_lead_that_is_not_there_is_not_found() {
        let api = TestApi::new().await;
        let changes = json!({"status": "won"});
        assert_snapshot!(api.call(LeadsUpdate, at("CRM-1", Some(changes))).await);
    }
}
