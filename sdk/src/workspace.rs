//! The workspace that the key belongs to.

use crate::{
    Client, Error, Response, Workspace,
    call::{CallOptions, Idempotency, call_options},
};

/// What can be asked about the workspace; made by [`Client::workspace`].
#[derive(Clone, Debug)]
pub struct WorkspaceInfo {
    client: Client,
}

impl WorkspaceInfo {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// The workspace with its time zone, currency, plan and usage.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let workspace = client.workspace().show().send().await?;
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

/// The workspace, which is to be asked for; made by [`WorkspaceInfo::show`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Show {
    client: Client,
    options: CallOptions,
}

call_options!(Show);

impl Show {
    /// The workspace.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let workspace = client.workspace().show().send().await?;
    /// println!("{}", workspace.timezone);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Response<Workspace>, Error> {
        self.client
            .call(
                self.options,
                Idempotency::ReadOnly,
                async |api| api.workspace_show().await,
                |answer| (answer.data, answer.extra),
            )
            .await
    }
}
