//! The SDK against the whole of openapi.yaml: what the document has, the SDK has.
#![allow(clippy::panic, reason = "a helper of tests fails the test")]

mod support;

use std::{collections::BTreeSet, sync::Arc};

use konektor_sdk::{
    AdPlatform, Client, Error, ErrorCode, ErrorKind, LeadChanges, LeadMatch, LeadMatchBy,
    LeadPriority, LeadSortBy, LeadSource, LeadStatus, NewLead, SortOrder, TicketPriority,
    Timeframe, jiff::civil::date, uuid::Uuid,
};
use konektor_spec::{Location, Operation, OperationId, Schema, Spec};
use konektor_testing::{REQUEST_ID, documented, json, query};
use serde_json::Value;
use support::Api;

const MEMBER: Uuid = Uuid::from_u128(7);

/// Every field that is not required, by its setter.
macro_rules! all_lead_fields {
    ($request:expr) => {
        $request
            .unique_code("KNK-1")
            .external_ref("CRM-1")
            .last_name("Santoso")
            .email("budi@example.com")
            .phone("0812")
            .status(LeadStatus::New)
            .priority(LeadPriority::Low)
            .source(LeadSource::Ads)
            .ad_platform(AdPlatform::Meta)
            .assigned_to(MEMBER)
            .estimated_value(5)
            .actual_value(5.5)
            .notes("n")
            .campaign_name("c")
    };
}

/// Calls an operation with every setter that it has.
async fn call_with_everything(client: &Client, id: &str) -> Result<(), Error> {
    use OperationId as Id;
    let Some(id) = OperationId::named(id) else {
        panic!("the document has no operation {id}");
    };
    match id {
        Id::SkillShow => client.skill().show().send().await.map(drop),
        Id::LeadsList => {
            let list = client
                .leads()
                .list()
                .page(1)
                .limit(50)
                .cursor("c")
                .status(LeadStatus::New)
                .priority(LeadPriority::Low)
                .source(LeadSource::Ads)
                .ad_platform(AdPlatform::Meta)
                .assigned_to(MEMBER)
                .created_from(date(2025, 1, 1))
                .created_to("2025-01-31")
                .search("budi")
                .sort_by(LeadSortBy::CreatedAt)
                .sort_order(SortOrder::Asc);
            list.send().await.map(drop)
        }
        Id::LeadsGet => client.leads().get("CRM-1024").send().await.map(drop),
        Id::LeadsCreate => all_lead_fields!(client.leads().create("Budi"))
            .send()
            .await
            .map(drop),
        Id::LeadsUpsert => {
            let upsert = client
                .leads()
                .upsert(LeadMatch::phone("0812"))
                .create_if_missing(false);
            all_lead_fields!(upsert.first_name("Budi"))
                .send()
                .await
                .map(drop)
        }
        Id::LeadsUpdate => {
            let update = client.leads().update("CRM-1024").first_name("Budi");
            all_lead_fields!(update).send().await.map(drop)
        }
        Id::AnalyticsSummary => {
            let summary = client.analytics().summary().timeframe(Timeframe::Today);
            summary
                .from("2025-01-01")
                .to("2025-01-31")
                .send()
                .await
                .map(drop)
        }
        Id::AnalyticsFunnel => {
            let funnel = client.analytics().funnel().timeframe(Timeframe::Today);
            funnel
                .from("2025-01-01")
                .to("2025-01-31")
                .send()
                .await
                .map(drop)
        }
        Id::AnalyticsCampaigns => {
            let campaigns = client.analytics().campaigns().timeframe(Timeframe::Today);
            campaigns
                .from("2025-01-01")
                .to("2025-01-31")
                .send()
                .await
                .map(drop)
        }
        Id::ConversionsStatus => {
            let status = client.conversions().status().timeframe(Timeframe::Today);
            let status = status
                .from("2025-01-01")
                .to("2025-01-31")
                .platform(AdPlatform::Meta)
                .ad_platform(AdPlatform::Meta);
            status.send().await.map(drop)
        }
        Id::ConversionsPending => {
            let pending = client.conversions().pending().page(1).limit(50).cursor("c");
            pending.send().await.map(drop)
        }
        Id::WorkspaceShow => client.workspace().show().send().await.map(drop),
        Id::SupportTicketCreate => {
            let ticket = client.support().create_ticket("subject", "message");
            ticket.priority(TicketPriority::Low).send().await.map(drop)
        }
    }
}

/// `support_ticket_create` as its method is called: `support.create_ticket`.
fn method_name(id: &str) -> String {
    let Some((noun, verb)) = id.split_once('_') else {
        panic!("{id} is not noun_verb");
    };
    let verb: Vec<_> = verb.rsplit('_').collect();
    format!("{noun}.{}", verb.join("_"))
}

fn operations() -> &'static [Arc<Operation>] {
    Spec::builtin().operations()
}

/// The names of an object's properties, those of objects within by their dotted path.
fn properties(schema: &Schema, prefix: &str, names: &mut BTreeSet<String>) {
    for (name, property) in schema.properties() {
        if property.has_properties() {
            properties(property, &format!("{prefix}{name}."), names);
        } else {
            names.insert(format!("{prefix}{name}"));
        }
    }
}

/// The names of an object's members, those of objects within by their dotted path.
fn members(body: &Value, prefix: &str, names: &mut BTreeSet<String>) {
    for (name, value) in body.as_object().into_iter().flatten() {
        if value.is_object() {
            members(value, &format!("{prefix}{name}."), names);
        } else {
            names.insert(format!("{prefix}{name}"));
        }
    }
}

#[tokio::test]
async fn every_operation_has_a_method_that_sends_it_where_the_document_says() {
    for operation in operations() {
        let api = Api::answering(documented(&operation.id)).await;
        call_with_everything(&api.client, &operation.id)
            .await
            .unwrap();

        let request = api.request().await;
        let path = operation.path.fill(|_| "CRM-1024");
        assert_eq!(request.method.as_str(), operation.method);
        assert_eq!(request.url.path(), format!("/api/v2/agent{path}"));
    }
}

#[tokio::test]
async fn every_query_parameter_has_a_setter() {
    for operation in operations() {
        let api = Api::answering(documented(&operation.id)).await;
        call_with_everything(&api.client, &operation.id)
            .await
            .unwrap();

        let sent = query(&api.request().await)
            .into_iter()
            .map(|(name, _)| name);
        let documented = operation
            .parameters_in(Location::Query)
            .map(|it| it.name.clone());
        assert_eq!(
            sent.collect::<BTreeSet<_>>(),
            documented.collect::<BTreeSet<_>>(),
            "{}",
            operation.id
        );
    }
}

#[tokio::test]
async fn every_field_of_every_body_has_a_setter() {
    for operation in operations() {
        let Some(body) = &operation.body else {
            continue;
        };
        let api = Api::answering(documented(&operation.id)).await;
        call_with_everything(&api.client, &operation.id)
            .await
            .unwrap();

        let (mut sent, mut documented) = (BTreeSet::new(), BTreeSet::new());
        members(&api.request().await.body_json().unwrap(), "", &mut sent);
        properties(&body.schema, "", &mut documented);
        assert_eq!(sent, documented, "{}", operation.id);
        assert!(sent.len() > 2, "{}", operation.id);
    }
}

#[tokio::test]
async fn every_success_of_the_document_is_read() {
    for operation in operations() {
        for success in operation.responses.iter().filter(|it| it.status < 300) {
            let answer = match success.example.as_str() {
                Some(text) => wiremock::ResponseTemplate::new(success.status).set_body_string(text),
                None => json(success.status, &success.example),
            };
            let api = Api::answering(answer).await;
            call_with_everything(&api.client, &operation.id)
                .await
                .unwrap_or_else(|error| panic!("{} {}: {error}", operation.id, success.status));
        }
    }
}

#[tokio::test]
async fn every_failure_of_the_document_becomes_an_error_that_says_all_of_it() {
    for operation in operations() {
        for failure in operation.responses.iter().filter(|it| it.status >= 400) {
            let api = Api::answering(json(failure.status, &failure.example)).await;
            let error = call_with_everything(&api.client, &operation.id)
                .await
                .unwrap_err();

            let name = format!("{} at 127.0.0.1:", method_name(&operation.id));
            assert!(error.to_string().starts_with(&name), "{error}");
            let documented = &failure.example["error"];
            assert_eq!(error.status(), Some(failure.status));
            assert_eq!(
                error.code().map(ErrorCode::as_str),
                documented["code"].as_str()
            );
            assert_eq!(Some(error.message()), documented["message"].as_str());
            assert_eq!(error.request_id(), Some(REQUEST_ID));
            assert_ne!(
                error.kind(),
                ErrorKind::UnexpectedResponse,
                "{}",
                failure.status
            );
            for (field, why) in documented["details"].as_object().into_iter().flatten() {
                assert_eq!(error.details().get(field).map(String::as_str), why.as_str());
            }
        }
    }
}

#[test]
fn every_list_of_words_is_an_enum_with_all_of_them() {
    macro_rules! check {
        ($($name:ident)*) => {{
            $(
                let known = konektor_sdk::$name::VALUES.iter().map(|value| value.as_str());
                let documented = Spec::builtin().enum_values(stringify!($name));
                assert_eq!(known.collect::<Vec<_>>(), documented, stringify!($name));
            )*
            [$(stringify!($name)),*].into_iter().collect::<BTreeSet<_>>()
        }};
    }
    let checked = check!(
        LeadStatus LeadPriority LeadSource AdPlatform Timeframe SortOrder LeadSortBy LeadMatchBy
        TicketPriority TicketStatus ConversionSyncStatus Plan ErrorCode
    );

    let schemas = &Spec::builtin().document()["components"]["schemas"];
    let documented = schemas.as_object().unwrap().iter().filter(|(_, schema)| {
        let values = schema.get("enum").or(schema.get("x-extensible-enum"));
        values
            .and_then(Value::as_array)
            .is_some_and(|values| values.iter().all(Value::is_string))
    });
    let documented = documented
        .map(|(name, _)| name.as_str())
        .collect::<BTreeSet<_>>();
    assert_eq!(checked, documented);
}

#[test]
fn every_way_to_match_a_lead_has_a_constructor() {
    let constructed = [
        LeadMatch::id("v"),
        LeadMatch::unique_code("v"),
        LeadMatch::phone("v"),
        LeadMatch::external_ref("v"),
    ];

    assert_eq!(constructed.map(|matching| matching.by), LeadMatchBy::VALUES);
}

#[test]
fn leads_and_changes_as_values_have_the_same_setters_as_requests() {
    let lead = serde_json::to_value(all_lead_fields!(NewLead::new("Budi"))).unwrap();
    let changes = all_lead_fields!(LeadChanges::new().first_name("Budi"));

    assert_eq!(serde_json::to_value(changes).unwrap(), lead);
}
