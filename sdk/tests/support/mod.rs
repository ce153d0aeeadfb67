//! A server that gives the answers of the API's document, or others.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "it fails the test that uses it"
)]

use std::time::Duration;

use konektor_sdk::{Client, ClientBuilder, Retries};
use konektor_spec::{Operation, Spec};
use serde_json::Value;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

pub(crate) const KEY: &str = "kna_3fJxTest_averysecretsecret";
pub(crate) const REQUEST_ID: &str = "5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f";

pub(crate) struct Api {
    pub(crate) server: MockServer,
    pub(crate) client: Client,
}

impl Api {
    /// A server that answers every request like this.
    pub(crate) async fn answering(answer: ResponseTemplate) -> Self {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        Self::at(server)
    }

    /// A server that answers with these, one after the other.
    pub(crate) async fn answering_in_turn(
        answers: impl IntoIterator<Item = ResponseTemplate>,
    ) -> Self {
        let server = MockServer::start().await;
        for answer in answers {
            Mock::given(any())
                .respond_with(answer)
                .up_to_n_times(1)
                .mount(&server)
                .await;
        }
        Self::at(server)
    }

    fn at(server: MockServer) -> Self {
        let client = builder(&server.uri()).build().unwrap();
        Self { server, client }
    }

    pub(crate) async fn requests(&self) -> Vec<Request> {
        self.server.received_requests().await.unwrap()
    }

    /// The only request.
    pub(crate) async fn request(&self) -> Request {
        let mut requests = self.requests().await;
        assert_eq!(requests.len(), 1);
        requests.remove(0)
    }
}

pub(crate) fn builder(base_url: &str) -> ClientBuilder {
    Client::builder()
        .api_key(KEY)
        .base_url(base_url)
        .timeout(Duration::from_secs(10))
        .retries(Retries::none())
}

pub(crate) fn operation(id: &str) -> &'static Operation {
    Spec::builtin()
        .operation(id)
        .unwrap_or_else(|| panic!("no operation {id}"))
}

/// The document's example of an operation's first success.
pub(crate) fn example(id: &str) -> Value {
    operation(id).responses[0].example.clone()
}

pub(crate) fn json(status: u16, body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .insert_header("x-request-id", REQUEST_ID)
        .insert_header("x-ratelimit-limit", "200")
        .insert_header("x-ratelimit-remaining", "199")
        .insert_header("x-ratelimit-reset", "1736937001")
        .set_body_json(body)
}

/// The document's answer to an operation.
pub(crate) fn documented(id: &str) -> ResponseTemplate {
    json(operation(id).responses[0].status, &example(id))
}

pub(crate) fn query(request: &Request) -> Vec<(String, String)> {
    request
        .url
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}
