//! The guide for agents.

use serde_json::{Map, Value};

use crate::{
    call::{Answer, CallOptions},
    client::Client,
    endpoint::{BuildError, Endpoint, request_methods},
    error::Error,
    generated::client::Requests,
};

/// The guide for agents; made by [`Client::skill`].
#[derive(Clone, Debug)]
pub struct Skill {
    client: Client,
}

impl Client {
    /// The guide for agents, which needs no key.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// println!("{}", client.skill().show().await?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn skill(&self) -> Skill {
        Skill::new(self.clone())
    }
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
    /// println!("{}", without_key.skill().show().await?);
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

/// A request for the guide; made by [`Skill::show`].
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before it is awaited"]
pub struct Show {
    client: Client,
    options: CallOptions,
}

request_methods!(Show -> String);

impl Endpoint for Show {
    type Output = String;

    fn operation(&self) -> String {
        "skill.show".to_owned()
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        Ok(requests.skill_show()?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let guide = String::from_utf8(answer.body().to_vec())
            .map_err(|_| "the guide is not text".to_owned())?;
        Ok((guide, Map::new()))
    }
}

impl Show {
    /// The guide as Markdown.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let markdown: String = client.skill().show().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<String, Error> {
        Ok(self.send_with_meta().await?.0)
    }
}
