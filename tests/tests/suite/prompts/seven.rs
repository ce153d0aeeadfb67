//! The seven example prompts of the product page, executed with curl and checked against the stored leads.

use std::collections::BTreeMap;

use konektor_server::{domain::lead::Lead, seed::SyntheticLeads};
use konektor_spec::Spec;
use konektor_tests::{Server, both_engines};
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection as _, Row as _};

use super::ask;

const KEY: &str = r#"-H "Authorization: Bearer $KONEKTOR_API_KEY""#;
const JSON: &str = r#"-H "Content-Type: application/json""#;

/// The server's clock is at Wednesday, 15 January 2025, 17:30 in Jakarta. The week began on the 13th.
const WEEK: &str = "2025-01-12T17:00:00Z";
const MONTH: &str = "2024-12-31T17:00:00Z";

both_engines! {
    async fn show_me_new_leads_this_week(server) {
        let leads = seeded(&server).await;
        let answer = ask(&server, &format!(r#"curl -s "$BASE/leads?status=new&createdFrom=2025-01-13&limit=100" {KEY}"#)).await;
        let mut expected: Vec<_> = since(&leads, WEEK).filter(|lead| lead.status == "new").collect();
        expected.sort_by_key(|lead| std::cmp::Reverse((lead.created_at, &lead.id)));
        assert!(!expected.is_empty());
        assert_eq!(answer["data"], json!(expected));
        let summary = ask(&server, &format!(r#"curl -s "$BASE/analytics/summary?timeframe=current_week" {KEY}"#)).await;
        assert_eq!(summary["data"]["newLeads"], expected.len());
    }

    async fn what_does_the_funnel_look_like_this_month(server) {
        let leads = seeded(&server).await;
        let answer = ask(&server, &format!(r#"curl -s "$BASE/analytics/funnel?timeframe=current_month" {KEY}"#)).await;
        let total = since(&leads, MONTH).count();
        assert!(total > 50);
        let expected: Vec<_> = Spec::builtin().enum_values("LeadStatus").into_iter().map(|status| {
            let count = since(&leads, MONTH).filter(|lead| lead.status == status).count();
            (status.to_owned(), count, percentage(count, total))
        }).collect();
        let given: Vec<_> = rows(&answer).iter().map(|row| {
            let count = usize::try_from(row["count"].as_u64().unwrap()).unwrap();
            (row["status"].as_str().unwrap().to_owned(), count, format!("{:.2}", row["percentage"].as_f64().unwrap()))
        }).collect();
        assert_eq!(given, expected);
    }

    async fn which_campaign_performs_best(server) {
        let leads = seeded(&server).await;
        let answer = ask(&server, &format!(r#"curl -s "$BASE/analytics/campaigns?timeframe=all_time" {KEY}"#)).await;
        let mut expected: BTreeMap<_, (i64, i64, f64)> = BTreeMap::new();
        for lead in &leads {
            let row = expected.entry((lead.campaign_name.clone(), lead.ad_platform.clone())).or_default();
            row.0 += 1;
            if lead.status == "won" {
                row.1 += 1;
                row.2 += lead.actual_value.map_or(0.0, konektor_server::domain::amount::Amount::value);
            }
        }
        let given: BTreeMap<_, _> = rows(&answer).iter().map(|row| {
            let text = |name: &str| row[name].as_str().map(str::to_owned);
            let numbers = (row["leads"].as_i64().unwrap(), row["conversions"].as_i64().unwrap(), row["conversionValue"].as_f64().unwrap());
            ((text("campaignName"), text("adPlatform")), numbers)
        }).collect();
        assert!(expected.len() > 5);
        assert_eq!(given, expected);
        let counts: Vec<_> = rows(&answer).iter().map(|row| row["leads"].as_i64().unwrap()).collect();
        assert!(counts.is_sorted_by(|a, b| a >= b));
    }

    async fn update_lead_crm_1024_status_to_qualified(server) {
        let leads = seeded(&server).await;
        let before = leads.iter().find(|lead| lead.external_ref.as_deref() == Some("CRM-1024"));
        if before.is_none() {
            server.lead(json!({"firstName": "Budi", "externalRef": "CRM-1024"})).await;
        }
        let answer = ask(&server, &format!(r#"curl -s -X PATCH "$BASE/leads/CRM-1024" {KEY} {JSON} -d '{{"status":"qualified"}}'"#)).await;
        assert_eq!(answer["data"]["externalRef"], "CRM-1024");
        let stored = stored(&server, "CRM-1024").await;
        assert_eq!(stored.status, "qualified");
        assert_eq!(answer["data"], json!(stored));
        if let Some(before) = before {
            assert_eq!((stored.id, stored.email, stored.notes), (before.id.clone(), before.email.clone(), before.notes.clone()));
        }
    }

    async fn create_a_lead_from_this_form_submission(server) {
        let form = r#"{"firstName":"Ratna","lastName":"Dewi","email":"ratna@example.com","phone":"0857-1111-2222","source":"website","campaignName":"Promo Januari","notes":"Minta brosur & harga"}"#;
        let answer = ask(&server, &format!(r#"curl -s "$BASE/leads" {KEY} {JSON} -d '{form}'"#)).await;
        let stored = stored(&server, answer["data"]["id"].as_str().unwrap()).await;
        assert_eq!(answer["data"], json!(stored));
        assert_eq!(stored.phone.as_deref(), Some("+6285711112222"));
        let sent: Value = serde_json::from_str(form).unwrap();
        for field in ["firstName", "lastName", "email", "source", "campaignName", "notes"] {
            assert_eq!(answer["data"][field], sent[field], "{field}");
        }
    }

    async fn which_conversions_failed_to_sync(server) {
        let leads = seeded(&server).await;
        let mut failed = Vec::new();
        let mut next = String::new();
        loop {
            let answer = ask(&server, &format!(r#"curl -s "$BASE/conversions/pending?limit=20{next}" {KEY}"#)).await;
            let of_page = rows(&answer).iter().filter(|row| row["conversionSyncStatus"] == "failed");
            failed.extend(of_page.map(|row| row["leadId"].as_str().unwrap().to_owned()));
            let Some(cursor) = answer["pagination"]["nextCursor"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
        let mut expected: Vec<_> = leads.iter().filter(|lead| lead.conversion_sync_status == "failed").collect();
        expected.sort_by_key(|lead| std::cmp::Reverse((lead.created_at, &lead.id)));
        assert!(!expected.is_empty());
        assert_eq!(failed, expected.iter().map(|lead| lead.id.clone()).collect::<Vec<_>>());
        let counts = ask(&server, &format!(r#"curl -s "$BASE/conversions/status?timeframe=all_time" {KEY}"#)).await;
        assert_eq!(counts["data"]["failed"], expected.len());
    }

    async fn open_a_support_ticket(server) {
        let body = r#"{"subject":"Tracking not working","message":"No pageview has arrived since yesterday.","priority":"high"}"#;
        let answer = ask(&server, &format!(r#"curl -s "$BASE/support/tickets" {KEY} {JSON} -d '{body}'"#)).await;
        assert_eq!(answer["data"]["subject"], "Tracking not working");
        let mut database = AnyConnection::connect(&server.database.url).await.unwrap();
        let row = sqlx::query("select id, ref, status, priority from ticket").fetch_one(&mut database).await.unwrap();
        let columns: [String; 4] = [0, 1, 2, 3].map(|at| row.get(at));
        let fields = ["ticketId", "ticketRef", "status", "priority"].map(|name| answer["data"][name].as_str().unwrap().to_owned());
        assert_eq!(columns, fields);
        assert_eq!(columns[2..], ["new", "high"]);
    }
}

/// Creates synthetic leads of the last 90 days and returns them.
async fn seeded(server: &Server) -> Vec<Lead> {
    let leads = SyntheticLeads::demo(
        Spec::builtin(),
        &server.workspace.id,
        500,
        server.clock.now(),
    );
    let tenant = server.store.tenant(&server.workspace).await.unwrap();
    tenant
        .insert_leads(leads.clone().into_iter(), |_| ())
        .await
        .unwrap();
    leads.into_iter().map(|bulk| bulk.lead).collect()
}

async fn stored(server: &Server, reference: &str) -> Lead {
    let tenant = server.store.tenant(&server.workspace).await.unwrap();
    tenant.lead(reference).await.unwrap().unwrap()
}

fn since<'a>(leads: &'a [Lead], time: &str) -> impl Iterator<Item = &'a Lead> {
    let from = time.parse().unwrap();
    leads.iter().filter(move |lead| lead.created_at >= from)
}

fn rows(answer: &Value) -> &Vec<Value> {
    answer["data"].as_array().unwrap()
}

/// Rounds half up in integer arithmetic, which is exact.
fn percentage(count: usize, total: usize) -> String {
    let hundredths = (count * 20_000 / total).div_ceil(2);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}
