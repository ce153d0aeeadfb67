//! Continuous load. No request may fail, miss a lead or lose a write.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use konektor_tests::Server;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

/// The last name of every lead in these tests.
pub(super) const LAST_NAME: &str = "Wirahadikusuma";

/// Concurrent clients of a server. Several servers can share a database.
pub(super) struct Hammer {
    stopped: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Written>>,
}

/// The last acknowledged notes of every lead, by uniqueCode.
pub(super) type Written = BTreeMap<String, String>;

#[derive(Clone)]
struct Caller {
    http: Client,
    base: String,
    key: String,
    /// The prefix of the uniqueCodes of this client's leads.
    name: String,
    by_name: bool,
    stopped: Arc<AtomicBool>,
}

impl Hammer {
    /// Starts clients of the server at `url`, with the API key of `server`.
    pub(super) fn start(server: &Server, url: &str, name: &str) -> Self {
        Self::start_callers(server, url, name, true)
    }

    /// Starts clients that do not search by name.
    pub(super) fn without_names(server: &Server, url: &str, name: &str) -> Self {
        Self::start_callers(server, url, name, false)
    }

    fn start_callers(server: &Server, url: &str, name: &str, by_name: bool) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let callers = (0..3).map(|number| {
            let caller = Caller {
                http: Client::builder().no_proxy().build().unwrap(),
                base: format!("{url}/api/v2/agent"),
                key: server.key.clone(),
                name: format!("{name}-{number}"),
                by_name,
                stopped: Arc::clone(&stopped),
            };
            tokio::spawn(caller.hammer())
        });
        Self {
            callers: callers.collect(),
            stopped,
        }
    }

    /// Stops the clients and returns what they have written.
    pub(super) async fn stop(self) -> Written {
        self.stopped.store(true, Ordering::Relaxed);
        let mut written = Written::new();
        for caller in self.callers {
            written.extend(caller.await.expect("no request failed"));
        }
        written
    }
}

impl Caller {
    async fn hammer(self) -> Written {
        let mut written = Written::new();
        let mut round = 0;
        while !self.stopped.load(Ordering::Relaxed) {
            let code = format!("{}-{round}", self.name);
            self.create(&code).await;
            written.insert(code.clone(), "new".to_owned());
            let (earlier, _) = written.iter().nth(round / 2).expect("one of those made");
            let (earlier, notes) = (earlier.clone(), format!("changed in {round}"));
            self.update(&earlier, &notes).await;
            written.insert(earlier.clone(), notes);
            self.must_read(&earlier, &written[&earlier]).await;
            self.must_find(&code).await;
            if self.by_name {
                self.must_find_by_name(written.len()).await;
            }
            round += 1;
        }
        written
    }

    async fn create(&self, code: &str) {
        let body = json!({
            "firstName": format!("Budi {code}"), "lastName": LAST_NAME, "uniqueCode": code, "notes": "new",
            "email": format!("{code}@example.com"),
        });
        let key = format!("create-{code}");
        let (status, first) = self.send("POST", "/leads", Some(&body), &key).await;
        assert_eq!(status, 201, "{first}");
        let again = self.send("POST", "/leads", Some(&body), &key).await;
        assert_eq!(again, (201, first), "a replay is the first answer");
    }

    async fn update(&self, code: &str, notes: &str) {
        let path = format!("/leads/{code}");
        let body = json!({"notes": notes});
        let (status, answer) = self.send("PATCH", &path, Some(&body), "").await;
        assert_eq!(status, 200, "{answer}");
    }

    async fn must_read(&self, code: &str, notes: &str) {
        let (status, answer) = self.send("GET", &format!("/leads/{code}"), None, "").await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["data"]["notes"], notes);
    }

    async fn must_find(&self, code: &str) {
        let path = format!("/leads?search={code}@EXAMPLE.com");
        let (status, answer) = self.send("GET", &path, None, "").await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["pagination"]["total"], 1, "{code}");
        assert_eq!(answer["data"][0]["uniqueCode"], code);
    }

    /// Checks that at least this client's own leads are found. Other clients create more concurrently.
    async fn must_find_by_name(&self, at_least: usize) {
        let path = format!("/leads?limit=100&search={}", &LAST_NAME[..5].to_lowercase());
        let (status, answer) = self.send("GET", &path, None, "").await;
        assert_eq!(status, 200, "{answer}");
        let total = answer["pagination"]["total"].as_u64().unwrap();
        assert!(total >= at_least as u64, "{total} of {at_least}");
        let page = answer["data"].as_array().unwrap().len();
        assert!(page >= at_least.min(100), "{page} of {at_least}");
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: &str,
    ) -> (u16, Value) {
        let method: Method = method.parse().unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(body);
        }
        if !key.is_empty() {
            request = request.header("Idempotency-Key", key);
        }
        let response = request.send().await.expect("an answer");
        let status = response.status().as_u16();
        (status, response.json().await.expect("JSON"))
    }
}
