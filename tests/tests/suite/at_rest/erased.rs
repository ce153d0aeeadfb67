//! `lead erase` removes all personal data of a lead and changes no total.

use konektor_server::seed::SyntheticLeads;
use konektor_spec::Spec;
use konektor_tests::{Answer, Server, both_engines, lead_path};
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use super::{
    E164_PHONE, EMAIL, FIRST_NAME, LAST_NAME, LOCAL_PHONE, NOTES,
    database::{columns, files, unhex},
    lead,
    traces::{contains, found},
};
use crate::encryption::{command, run};

/// References that identify the person.
const CODE: &str = "zubaidahtul-kode";
const REFERENCE: &str = "CRM/wirahadikusumawati";

both_engines! {
    async fn nothing_of_a_person_is_left_and_nothing_that_is_counted_is_lost(server) {
        crowd(&server).await;
        let (requests, answers) = write_about(&server).await;
        let id = answers[0].data()["id"].as_str().unwrap().to_owned();
        let totals = totals(&server).await;
        let traces = stored(&server, &id).await;
        assert!(traces.len() >= 10, "a record, two indexes, tokens, answers");
        let places = everywhere(&server).await;
        assert!(traces.iter().all(|trace| places.iter().any(|(_, bytes)| contains(bytes, trace))));
        assert!(places.iter().any(|(_, bytes)| contains(bytes, REFERENCE.as_bytes())));

        server.clock.advance(std::time::Duration::from_secs(1));
        let erased = run(erase(&server, LOCAL_PHONE, true)).await;
        let fields = ["firstName", "lastName", "email", "phone", "notes", "externalRef", "uniqueCode"];
        assert_eq!((&erased["leadId"], &erased["fields"]), (&json!(id), &json!(fields)));
        assert_eq!(erased["answers"], requests.len());
        assert_eq!(erased["overwritten"], server.database.folder.is_some());

        for (place, bytes) in everywhere(&server).await {
            assert_eq!(found(&bytes), [""; 0], "{place}");
            for trace in traces.iter().map(Vec::as_slice).chain([CODE.as_bytes(), REFERENCE.as_bytes()]) {
                assert!(!contains(&bytes, trace), "{place}");
            }
        }
        let after = server.find(&id).await.data().clone();
        assert_eq!(after["firstName"], "Erased");
        for field in ["lastName", "email", "phone", "notes", "externalRef"] {
            assert_eq!(after[field], json!(null), "{field}");
        }
        assert!(after["uniqueCode"].as_str().unwrap().starts_with("KNK-"));
        for field in ["status", "priority", "source", "campaignName", "actualValue", "createdAt"] {
            assert_eq!(after[field], answers.last().unwrap().data()[field], "{field}");
        }
        assert_eq!(self::totals(&server).await, totals);
        for handle in [CODE, REFERENCE, E164_PHONE] {
            assert_eq!(server.find(handle).await.status, 404);
        }
        for search in [FIRST_NAME, LAST_NAME, EMAIL, E164_PHONE, CODE, REFERENCE] {
            assert_eq!(server.list(&[("search", search)]).await.total(), 0, "{search}");
        }
        // A replay returns the erased lead and creates none.
        for ((key, method, path, body), first) in requests.iter().zip(&answers) {
            let again = server.send_under(key, method, path, body).await;
            assert_eq!((again.status, again.header("idempotency-replayed")), (first.status, "true"));
            assert_eq!((again.data(), &again.json["created"]), (&after, &first.json["created"]));
        }
    }

    async fn erasing_again_is_fine_and_changes_nothing(server) {
        let id = server.lead(lead()).await["id"].as_str().unwrap().to_owned();
        run(erase(&server, &id, true)).await;
        let before = server.find(&id).await.data().clone();
        server.clock.advance(std::time::Duration::from_secs(1));
        let again = run(erase(&server, &id, true)).await;
        assert_eq!((&again["leadId"], &again["fields"], &again["answers"]), (&json!(id), &json!([]), &json!(0)));
        assert_eq!(server.find(&id).await.data(), &before);
        // Personal data that is written later can be erased again.
        server.patch(&lead_path(&id), json!({"firstName": "Budi"})).await;
        let third = run(erase(&server, &id, true)).await;
        assert_eq!(third["fields"], json!(["firstName", "uniqueCode"]));
    }

    async fn nobody_is_erased_unasked_unknown_or_by_a_handle_of_two(server) {
        let one = server.lead(lead()).await;
        let other = server.lead(json!({"firstName": "Siti", "externalRef": E164_PHONE})).await;
        let id = one["id"].as_str().unwrap();
        for (handle, yes, code, told) in [
            (id, false, 2, "add --yes"),
            ("nobody", true, 1, "no lead of this workspace"),
            (E164_PHONE, true, 1, "by its phone"),
        ] {
            let output = erase(&server, handle, yes).output().await.unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(code), "{said}");
            assert!(said.contains(told), "{said}");
            assert!(output.stdout.is_empty());
        }
        assert_eq!(server.find(id).await.data(), &one);
        assert_eq!(server.find(other["id"].as_str().unwrap()).await.data(), &other);
    }
}

fn erase(server: &Server, handle: &str, yes: bool) -> tokio::process::Command {
    let workspace = &server.workspace.id;
    let mut command = command(
        &server.database,
        &format!("lead erase --workspace {workspace}"),
    );
    command.arg(handle).args(yes.then_some("--yes"));
    command
}

/// Creates so many leads that SQLite's tables have several pages, because page splits leave copies of rows behind.
async fn crowd(server: &Server) {
    let now = server.clock.now();
    let leads = SyntheticLeads::new(Spec::builtin(), &server.workspace.id, 1, 60, now);
    let tenant = server.store.tenant(&server.workspace).await.unwrap();
    let inserted = tenant.insert_leads(leads.into_iter(), |_| ()).await;
    inserted.unwrap();
}

type Request = (&'static str, &'static str, String, Value);

/// Creates a lead with personal data in every possible field, and stored responses that contain it.
async fn write_about(server: &Server) -> (Vec<Request>, Vec<Answer>) {
    let mut create = lead();
    create["uniqueCode"] = json!(CODE);
    create["externalRef"] = json!(REFERENCE);
    create["actualValue"] = json!(1500);
    let upsert = json!({"match": {"by": "phone", "value": E164_PHONE}, "lead": {"status": "won"}});
    let requests = vec![
        ("create", "POST", "/leads".to_owned(), create),
        ("upsert", "POST", "/leads/upsert".to_owned(), upsert),
        (
            "update",
            "PATCH",
            lead_path(CODE),
            json!({"notes": format!("{NOTES}!")}),
        ),
    ];
    let mut answers = Vec::new();
    for (key, method, path, body) in &requests {
        let answer = server.send_under(key, method, path, body).await;
        assert!(answer.status < 300, "{}", answer.text);
        answers.push(answer);
    }
    (requests, answers)
}

/// The values that belong to the lead alone: sealed values, hashes and tokens.
async fn stored(server: &Server, id: &str) -> Vec<Vec<u8>> {
    let mut connection = AnyConnection::connect(&server.database.url).await.unwrap();
    let hex = |column: &str| match server.database.folder {
        Some(_) => format!("hex({column})"),
        None => format!("encode({column}, 'hex')"),
    };
    let of_lead = ["sealed", "email_index", "phone_index"]
        .map(|column| format!("select {} from lead where id = '{id}'", hex(column)));
    let others = [
        format!(
            "select {} from lead_token t where lead_id = '{id}' and not exists \
             (select 1 from lead_token o where o.token = t.token and o.lead_id <> t.lead_id)",
            hex("t.token")
        ),
        format!(
            "select {} from idempotency where lead_id = '{id}'",
            hex("sealed")
        ),
    ];
    let mut values = Vec::new();
    for sql in of_lead.into_iter().chain(others) {
        let rows = sqlx::query(AssertSqlSafe(sql))
            .fetch_all(&mut connection)
            .await
            .unwrap();
        assert!(!rows.is_empty());
        values.extend(rows.iter().map(|row| unhex(row.get(0))));
    }
    values
}

/// Every value of every column and, on SQLite, the files.
async fn everywhere(server: &Server) -> Vec<(String, Vec<u8>)> {
    let mut places = columns(&server.database).await;
    places.extend(files(&server.database));
    places
}

async fn totals(server: &Server) -> Vec<Value> {
    let mut totals = Vec::new();
    for path in [
        "/analytics/summary?timeframe=all_time",
        "/analytics/funnel?timeframe=all_time",
        "/analytics/campaigns?timeframe=all_time",
        "/conversions/status?timeframe=all_time",
    ] {
        let mut data = server.get(path).await.data().clone();
        // The period ends at the current time.
        if let Some(summary) = data.as_object_mut() {
            summary.remove("period");
        }
        totals.push(data);
    }
    let workspace = server.get("/workspace").await;
    totals.push(workspace.data()["usage"].clone());
    totals
}
