//! What is sent: absent is not null.
#![allow(clippy::unwrap_used, reason = "a helper of tests fails the test")]

mod support;

use konektor_sdk::{Change, LeadChanges, LeadMatch, LeadStatus, NewLead};
use konektor_testing::documented;
use support::Api;

async fn body_of_update(
    make: impl FnOnce(konektor_sdk::leads::Update) -> konektor_sdk::leads::Update,
) -> String {
    let api = Api::answering(documented("leads_update")).await;
    make(api.client.leads().update("CRM-1024"))
        .send()
        .await
        .unwrap();
    String::from_utf8(api.request().await.body).unwrap()
}

#[tokio::test]
async fn an_update_sends_what_is_set_null_for_what_is_cleared_and_nothing_else() {
    assert_eq!(body_of_update(|update| update).await, "{}");
    assert_eq!(
        body_of_update(|update| update.status(LeadStatus::Qualified).clear_email()).await,
        r#"{"email":null,"status":"qualified"}"#
    );
    assert_eq!(
        body_of_update(|update| update.notes("")).await,
        r#"{"notes":""}"#
    );
}

#[tokio::test]
async fn the_last_word_on_a_field_counts() {
    let set = body_of_update(|update| update.clear_phone().phone("0812")).await;
    let cleared = body_of_update(|update| update.phone("0812").clear_phone()).await;

    assert_eq!(set, r#"{"phone":"0812"}"#);
    assert_eq!(cleared, r#"{"phone":null}"#);
}

#[tokio::test]
async fn every_field_that_may_be_null_can_be_cleared() {
    let body = body_of_update(|update| {
        update
            .clear_external_ref()
            .clear_last_name()
            .clear_email()
            .clear_phone()
            .clear_source()
            .clear_ad_platform()
            .clear_assigned_to()
            .clear_estimated_value()
            .clear_actual_value()
            .clear_notes()
            .clear_campaign_name()
    })
    .await;

    let sent: serde_json::Map<_, _> = serde_json::from_str(&body).unwrap();
    let schema = konektor_spec::Spec::builtin().schema("LeadUpdate").unwrap();
    let nullable = schema
        .properties()
        .filter(|(_, property)| property.is_nullable());
    assert!(sent.values().all(serde_json::Value::is_null));
    assert_eq!(
        sent.keys().collect::<Vec<_>>(),
        nullable.map(|(name, _)| name).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn changes_may_be_put_together_elsewhere() {
    let mut changes: LeadChanges =
        serde_json::from_str(r#"{"email":null,"estimatedValue":5000000}"#).unwrap();
    changes.notes = Change::Set("Call back".to_owned());

    let body = body_of_update(|update| update.changes(changes)).await;

    assert_eq!(
        body,
        r#"{"email":null,"estimatedValue":5000000,"notes":"Call back"}"#
    );
}

#[test]
fn changes_that_would_be_lost_without_a_word_are_refused() {
    for lost in [
        r#"{"status":null}"#,
        r#"{"firstName":null}"#,
        r#"{"colour":"red"}"#,
    ] {
        assert!(serde_json::from_str::<LeadChanges>(lost).is_err(), "{lost}");
    }
    for lost in [
        r#"{"firstName":"A","colour":"red"}"#,
        r#"{"firstName":"A","status":null}"#,
    ] {
        assert!(serde_json::from_str::<NewLead>(lost).is_err(), "{lost}");
    }
}

#[tokio::test]
async fn amounts_are_sent_as_people_write_them() {
    for (amount, sent) in [(5e6, "5000000"), (0.1, "0.1"), (1e15, "1000000000000000")] {
        let body = body_of_update(|update| update.estimated_value(amount)).await;
        assert_eq!(body, format!(r#"{{"estimatedValue":{sent}}}"#));
    }
}

#[tokio::test]
async fn an_amount_that_is_no_number_is_not_sent_as_null() {
    let api = Api::answering(documented("leads_update")).await;

    for amount in [f64::NAN, f64::INFINITY] {
        let update = api
            .client
            .leads()
            .update("CRM-1024")
            .estimated_value(amount);
        let error = update.send().await.unwrap_err();
        assert!(error.is_validation(), "{error}");
    }
    assert!(api.requests().await.is_empty());
}

#[tokio::test]
async fn an_upsert_sends_its_match_and_the_changes() {
    let api = Api::answering(documented("leads_upsert")).await;

    let upsert = api.client.leads().upsert(LeadMatch::phone("081234567890"));
    upsert
        .first_name("Budi")
        .clear_notes()
        .create_if_missing(false)
        .send()
        .await
        .unwrap();

    assert_eq!(
        String::from_utf8(api.request().await.body).unwrap(),
        concat!(
            r#"{"match":{"by":"phone","value":"081234567890"},"#,
            r#""lead":{"firstName":"Budi","notes":null},"createIfMissing":false}"#
        )
    );
}

#[tokio::test]
async fn what_is_not_set_is_left_to_the_server() {
    let api = Api::answering_in_turn([
        documented("leads_create"),
        documented("leads_upsert"),
        documented("support_ticket_create"),
    ])
    .await;

    api.client.leads().create("Budi").send().await.unwrap();
    api.client
        .leads()
        .upsert(LeadMatch::id("lead_1"))
        .send()
        .await
        .unwrap();
    api.client
        .support()
        .create_ticket("Help", "Please")
        .send()
        .await
        .unwrap();

    let bodies = api
        .requests()
        .await
        .into_iter()
        .map(|it| String::from_utf8(it.body).unwrap());
    assert_eq!(
        bodies.collect::<Vec<_>>(),
        [
            r#"{"firstName":"Budi"}"#,
            r#"{"match":{"by":"id","value":"lead_1"},"lead":{}}"#,
            r#"{"subject":"Help","message":"Please"}"#,
        ]
    );
}
