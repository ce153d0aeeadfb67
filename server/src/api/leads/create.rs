//! `POST /leads`

use super::{day_limit::day_limit, new_lead::new_lead};
use crate::{
    api::call::Call,
    domain::lead::{Lead, LeadChanges},
    error::Error,
    reply::Reply,
    store::leads::CreateLead,
};

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let fields: LeadChanges = call.input.body()?;
    let new = new_lead(&call, fields).ok_or_else(|| Error::field("firstName", "Required"))?;
    let create = CreateLead {
        new,
        day: day_limit(&call)?,
    };
    call.write_lead(create, |lead| Ok(reply(lead)), |_, lead| reply(lead))
        .await
}

fn reply(lead: Lead) -> Reply {
    let id = lead.id.clone();
    Reply::created(lead).about_lead(id)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use konektor_spec::OperationId::LeadsCreate;
    use serde_json::json;

    use crate::api::testing::{TestApi, body};

    #[tokio::test]
    async fn a_new_lead_has_the_defaults_of_the_document() {
        let api = TestApi::new().await;
        let fields = json!({"firstName": "Budi", "phone": "0812-3456-7890"});
        assert_snapshot!(api.call(LeadsCreate, body(fields)).await);
    }

    #[tokio::test]
    async fn a_unique_value_of_another_lead_is_refused() {
        let api = TestApi::new().await;
        let fields = json!({"firstName": "Budi", "phone": "+6281234567890"});
        api.lead(fields.clone()).await;
        assert_snapshot!(api.call(LeadsCreate, body(fields)).await);
    }

    #[tokio::test]
    async fn no_more_leads_are_created_on_a_day_than_the_workspace_may() {
        let api = TestApi::with(|workspace| workspace.leads_per_day = Some(1)).await;
        api.lead(json!({"firstName": "Budi"})).await;
        assert_snapshot!(
            api.call(LeadsCreate, body(json!({"firstName": "Siti"})))
                .await
        );
    }
}
