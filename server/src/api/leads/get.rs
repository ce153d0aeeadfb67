//! `GET /leads/{id}`

use super::not_found::NOT_FOUND;
use crate::{api::call::Call, error::Error, reply::Reply};

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let reference = call.input.path("id")?;
    call.input.check()?;
    let lead = call
        .caller
        .tenant
        .lead(&reference)
        .await?
        .ok_or(NOT_FOUND)?;
    Ok(Reply::done(lead))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use konektor_spec::OperationId::LeadsGet;
    use serde_json::json;

    use crate::api::testing::{TestApi, at};

    #[tokio::test]
    async fn a_lead_is_found_by_each_of_its_handles() {
        let api = TestApi::new().await;
        let lead = api
            .lead(json!({"firstName": "Budi", "phone": "081234567890", "externalRef": "CRM-1"}))
            .await;
        assert_snapshot!(api.call(LeadsGet, at("CRM-1", None)).await);
        for handle in ["id", "uniqueCode", "phone"] {
            let reference = lead[handle].as_str().unwrap();
            assert_eq!(api.data(LeadsGet, at(reference, None)).await, lead);
        }
    }

    #[tokio::test]
    async fn a_lead_that_is_not_there_is_not_found() {
        let api = TestApi::new().await;
        assert_snapshot!(api.call(LeadsGet, at("CRM-1", None)).await);
    }

    #[tokio::test]
    async fn a_handle_that_fits_two_leads_is_ambiguous() {
        let api = TestApi::new().await;
        api.lead(json!({"firstName": "Budi", "externalRef": "+6281234567890"}))
            .await;
        api.lead(json!({"firstName": "Siti", "phone": "+6281234567890"}))
            .await;
        assert_snapshot!(api.call(LeadsGet, at("+6281234567890", None)).await);
    }
}
