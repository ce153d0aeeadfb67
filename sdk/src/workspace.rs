//! The workspace that the key belongs to.

use serde_json::{Map, Value};

use crate::{
    call::{Answer, CallOptions},
    client::Client,
    endpoint::{self, BuildError, Endpoint, request_methods},
    error::Error,
    generated::{
        client::Requests,
        types::{Workspace, WorkspaceResponse},
    },
};

/// The API of the workspace; made by [`Client::workspace`].
#[derive(Clone, Debug)]
pub struct WorkspaceApi {
    client: Client,
}

impl Client {
    /// The workspace that the key belongs to.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let workspace = client.workspace().show().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn workspace(&self) -> WorkspaceApi {
        WorkspaceApi::new(self.clone())
    }
}

impl WorkspaceApi {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The workspace with its time zone, currency, plan and usage.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let workspace = client.workspace().show().await?;
    /// println!("{} ({})", workspace.display_name, workspace.subscription.plan);
    /// # Ok(())
    /// # }
    /// ```
    pub fn show(&self) -> Show {
        Show {
            client: self.client.clone(),
            options: CallOptions::default(),
        }
    }
}

/// A request for the workspace; made by [`WorkspaceApi::show`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Show {
    client: Client,
    options: CallOptions,
}

request_methods!(Show -> Workspace);

impl Endpoint for Show {
    type Output = Workspace;

    fn operation(&self) -> String {
        "workspace.show".to_owned()
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        Ok(requests.workspace_show()?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let envelope: WorkspaceResponse = endpoint::json(answer)?;
        Ok((envelope.data, envelope.extra))
    }
}

impl Show {
    /// The workspace.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let workspace = client.workspace().show().await?;
    /// println!("{}", workspace.timezone);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Workspace, Error> {
        Ok(self.send_with_meta().await?.0)
    }
}
