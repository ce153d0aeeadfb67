//! Every response to another workspace is the same as if the leads of this one did not exist.
//!
//! Two new workspaces send the same requests, one before and one after these leads are created.

use konektor_server::domain::id;
use konektor_spec::{Operation, OperationId};
use konektor_tests::{Answer, Server, both_engines, lead_path};
use reqwest::{Url, header::DATE};
use serde_json::{Value, json};

use super::{gated, stranger};

/// The references to the neighbour's lead.
struct Named {
    id: String,
}

const UNIQUE_CODE: &str = "KNK-TETANGGA";
const EXTERNAL_REF: &str = "CRM-TETANGGA";
const PHONE: &str = "081297351864";
const E164_PHONE: &str = "+6281297351864";
const EMAIL: &str = "zubaidah@contoh.example";
const FIRST_NAME: &str = "Zubaidah";
const MEMBER: &str = "5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f";
const CAMPAIGN: &str = "Lebaran";

/// The fields that the server generates.
const GENERATED_FIELDS: [&str; 5] = ["id", "uniqueCode", "ticketId", "ticketRef", "trackingCode"];

struct Request {
    method: &'static str,
    path: String,
    body: Option<Value>,
}

fn get(path: &str, query: &[(&str, &str)]) -> Request {
    let url = Url::parse_with_params("http://localhost", query).unwrap();
    Request {
        method: "GET",
        path: format!("{path}?{}", url.query().unwrap_or_default()),
        body: None,
    }
}

fn send(method: &'static str, path: &str, body: Value) -> Request {
    Request {
        method,
        path: path.to_owned(),
        body: Some(body),
    }
}

/// The neighbour's lead.
fn lead() -> Value {
    json!({
        "firstName": FIRST_NAME, "uniqueCode": UNIQUE_CODE, "externalRef": EXTERNAL_REF, "phone": PHONE,
        "email": EMAIL, "assignedTo": MEMBER, "campaignName": CAMPAIGN, "status": "won", "adPlatform": "meta",
        "actualValue": 5_000_000,
    })
}

/// Values that are unique in a workspace.
fn unique() -> [Value; 3] {
    [
        json!({"uniqueCode": UNIQUE_CODE}),
        json!({"externalRef": EXTERNAL_REF}),
        json!({"phone": PHONE}),
    ]
}

fn id_of(operation: &Operation) -> OperationId {
    OperationId::named(&operation.id).unwrap()
}

fn with(mut body: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

impl Named {
    /// The references, each with the field that an upsert matches by.
    fn names(&self) -> [(&'static str, &str); 5] {
        [
            ("id", &self.id),
            ("uniqueCode", UNIQUE_CODE),
            ("externalRef", EXTERNAL_REF),
            ("phone", PHONE),
            ("phone", E164_PHONE),
        ]
    }

    /// The requests to an operation that could reach the neighbour's lead.
    fn requests(&self, operation: OperationId) -> Vec<Request> {
        use OperationId as Id;
        match operation {
            // Anybody may read it.
            Id::SkillShow => Vec::new(),
            Id::LeadsList => Self::searches(),
            Id::LeadsGet => self
                .names()
                .map(|(_, name)| get(&lead_path(name), &[]))
                .into(),
            Id::LeadsCreate => unique()
                .map(|value| send("POST", "/leads", with(json!({"firstName": "Siti"}), &value)))
                .into(),
            Id::LeadsUpdate => self.updates(),
            Id::LeadsUpsert => self.upserts(),
            Id::AnalyticsSummary | Id::AnalyticsFunnel | Id::AnalyticsCampaigns => {
                Self::totals(operation.as_str())
            }
            Id::ConversionsStatus => vec![
                get("/conversions/status", &[("timeframe", "all_time")]),
                get(
                    "/conversions/status",
                    &[("timeframe", "all_time"), ("platform", "meta")],
                ),
            ],
            Id::ConversionsPending => vec![get("/conversions/pending", &[])],
            Id::WorkspaceShow => vec![get("/workspace", &[])],
            Id::SupportTicketCreate => {
                let body = json!({"subject": "Tetangga", "message": self.id});
                vec![send("POST", "/support/tickets", body)]
            }
        }
    }

    fn searches() -> Vec<Request> {
        let searches = [
            FIRST_NAME,
            "Zub",
            EMAIL,
            PHONE,
            E164_PHONE,
            UNIQUE_CODE,
            "KNK-TET",
            EXTERNAL_REF,
            "CRM-",
        ];
        let searches = searches.map(|text| get("/leads", &[("search", text)]));
        let filters = [
            ("assignedTo", MEMBER),
            ("status", "won"),
            ("adPlatform", "meta"),
            ("createdFrom", "2000-01-01"),
            ("page", "1"),
            ("sortBy", "updatedAt"),
        ];
        searches
            .into_iter()
            .chain(filters.map(|filter| get("/leads", &[filter])))
            .collect()
    }

    /// Updates of the neighbour's lead, and updates of an own lead to the neighbour's unique values.
    fn updates(&self) -> Vec<Request> {
        let bodies = [
            json!({}),
            json!({"status": "lost"}),
            json!({"lastName": "Siti"}),
        ];
        let of_foreign = self.names().into_iter().flat_map(|(_, name)| {
            bodies
                .clone()
                .map(|body| send("PATCH", &lead_path(name), body))
        });
        let own = send(
            "POST",
            "/leads",
            json!({"firstName": "Siti", "uniqueCode": "OWN"}),
        );
        // The uniqueCode comes last, because the paths contain it.
        let of_own = unique()
            .into_iter()
            .rev()
            .map(|value| send("PATCH", "/leads/OWN", value));
        of_foreign.chain([own]).chain(of_own).collect()
    }

    fn upserts(&self) -> Vec<Request> {
        let upsert = |(by, value): (&str, &str), create: bool| {
            let matched = json!({"by": by, "value": value});
            let body =
                json!({"match": matched, "lead": {"firstName": "Siti"}, "createIfMissing": create});
            send("POST", "/leads/upsert", body)
        };
        let not_created = self.names().map(|name| upsert(name, false));
        not_created
            .into_iter()
            .chain(self.names().map(|name| upsert(name, true)))
            .collect()
    }

    fn totals(operation: &str) -> Vec<Request> {
        let path = format!("/{}", operation.replace('_', "/"));
        vec![
            get(&path, &[]),
            get(&path, &[("timeframe", "all_time")]),
            get(&path, &[("from", "2000-01-01")]),
        ]
    }
}

/// Returns a response without its generated values.
fn without_generated_values(answer: &Answer) -> (u16, Vec<String>, String) {
    let own = ["x-request-id", DATE.as_str()];
    let headers = answer
        .headers
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()));
    let mut headers: Vec<_> = headers
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    let mut text = answer.text.clone();
    for name in GENERATED_FIELDS {
        match answer.json["data"][name].as_str() {
            Some(made) if made != UNIQUE_CODE => text = text.replace(made, name),
            _ => {}
        }
    }
    (answer.status, headers, text)
}

async fn answers(server: &Server, key: &str, requests: Vec<Request>) -> Vec<Answer> {
    let mut answers = Vec::new();
    for Request { method, path, body } in requests {
        answers.push(server.send(method, &path, Some(key), body).await);
    }
    answers
}

both_engines! {
    async fn a_stranger_is_answered_as_if_the_neighbour_had_nothing(server) {
        let nobody = Named { id: id::lead(server.clock.now(), &mut rand::rng()) };
        let mut before = Vec::new();
        for operation in gated() {
            let key = stranger(&server).await;
            before.push(answers(&server, &key, nobody.requests(id_of(operation))).await);
        }
        let lead = server.lead(lead()).await;
        server.database.execute(&format!(
            "update lead set conversion_sync_status = 'failed' where id = '{}'", lead["id"].as_str().unwrap(),
        )).await;
        let there = Named { id: lead["id"].as_str().unwrap().to_owned() };
        let lead = server.find(&there.id).await;
        for (operation, before) in gated().zip(before) {
            let key = stranger(&server).await;
            let after = answers(&server, &key, there.requests(id_of(operation))).await;
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(without_generated_values(before), without_generated_values(after), "{}", operation.id);
            }
        }
        assert_eq!(server.find(&there.id).await.text, lead.text);
        assert_eq!(server.list(&[]).await.total(), 1);
    }

    /// Checks that the same requests do reach the lead from its own workspace.
    async fn the_owner_is_answered_otherwise(server) {
        let lead = server.lead(lead()).await;
        server.database.execute("update lead set conversion_sync_status = 'failed'").await;
        let there = Named { id: lead["id"].as_str().unwrap().to_owned() };
        for operation in gated().filter(|operation| operation.id != "support_ticket_create") {
            let stranger = stranger(&server).await;
            let foreign = answers(&server, &stranger, there.requests(id_of(operation))).await;
            let own = answers(&server, &server.key, there.requests(id_of(operation))).await;
            let same = foreign.iter().zip(&own).filter(|(foreign, own)| without_generated_values(foreign).2 == without_generated_values(own).2).count();
            // Creating the own lead is the same for both.
            let expected = usize::from(operation.id == "leads_update");
            assert!(same <= expected, "{}: {same} of {} requests reach nothing", operation.id, own.len());
        }
    }
}
