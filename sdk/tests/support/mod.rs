//! A client of a server that gives the answers of the API's document, or others.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "it fails the test that uses it")]

use std::time::Duration;

use konektor_sdk::{Client, ClientBuilder, Retries};
use konektor_testing::KEY;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

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
