//! The guide for agents.

use futures::TryStreamExt as _;
use serde_json::Map;

use crate::{
    Client, Error, Response,
    call::{CallOptions, Idempotency, call_options},
};

/// The way to the guide; made by [`Client::skill`].
#[derive(Clone, Debug)]
pub struct Skill {
    client: Client,
}

impl Skill {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    /// SKILL.md: the API in one short Markdown document, enough to make every call.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), konektor_sdk::Error> {
    /// let without_key = konektor_sdk::Client::builder().build()?;
    /// println!("{}", without_key.skill().show().send().await?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn show(&self) -> Show {
        Show {
            client: self.client.clone(),
            options: CallOptions {
                is_public: true,
                ..CallOptions::default()
            },
        }
    }
}

/// The guide, which is to be asked for; made by [`Skill::show`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Show {
    client: Client,
    options: CallOptions,
}

call_options!(Show);

impl Show {
    /// The guide as Markdown.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let markdown: String = client.skill().show().send().await?.into_inner();
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Response<String>, Error> {
        let (answer, call) = self
            .client
            .send(self.options, Idempotency::ReadOnly, async |api| {
                api.skill_show().await
            })
            .await?;
        if call.is_oversized() {
            return Err(Error::oversized(&call));
        }
        let mut bytes = Vec::new();
        let mut parts = answer.into_inner_stream();
        while let Ok(Some(part)) = parts.try_next().await {
            bytes.extend_from_slice(&part);
        }
        let guide = String::from_utf8(bytes)
            .map_err(|_| Error::unreadable("the guide is not text", &call))?;
        Ok(Response::new(guide, call.meta(), Map::new()))
    }
}
