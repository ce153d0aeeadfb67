//! What needs no key: SKILL.md, the API document, the docs page, and the health of the server.

use anyhow::Context;
use axum::{
    body::Body,
    http::{HeaderValue, Response},
};
use bytes::Bytes;
use konektor_spec::{Spec, YAML};

use super::response::{JSON, response};
use crate::{error::Error, state::AppState};

/// Rendered once, when the server starts.
pub(super) struct Documents {
    guide: Bytes,
    docs: Bytes,
    yaml: Bytes,
    json: Bytes,
}

/// A document that is not the answer of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    Docs,
    OpenapiYaml,
    OpenapiJson,
    Alive,
    Ready,
    #[cfg(test)]
    Panic,
}

impl Documents {
    pub(super) fn render(spec: &Spec, public_url: &str) -> anyhow::Result<Self> {
        let server_url = format!("{}{}", public_url.trim_end_matches('/'), spec.base_path());
        Ok(Self {
            guide: konektor_skill::skill_md(spec, public_url)
                .context("SKILL.md cannot be rendered")?
                .into(),
            docs: konektor_skill::docs_html(spec, public_url)
                .context("the docs page cannot be rendered")?
                .into(),
            yaml: YAML.replacen(spec.server_url(), &server_url, 1).into(),
            json: serde_json::to_string_pretty(&spec.document_for(&server_url))?.into(),
        })
    }

    /// The path of each document.
    pub(super) fn routes(base: &str) -> impl IntoIterator<Item = (String, Document)> {
        [
            ("/docs".into(), Document::Docs),
            (format!("{base}/openapi.yaml"), Document::OpenapiYaml),
            (format!("{base}/openapi.json"), Document::OpenapiJson),
            ("/healthz".into(), Document::Alive),
            ("/readyz".into(), Document::Ready),
            #[cfg(test)]
            ("/panic".into(), Document::Panic),
        ]
    }

    pub(super) fn guide(&self) -> Response<Body> {
        text(&self.guide, "text/markdown; charset=utf-8")
    }

    pub(super) async fn answer(
        &self,
        document: Document,
        state: &AppState,
    ) -> Result<Response<Body>, Error> {
        match document {
            Document::Docs => Ok(text(&self.docs, "text/html; charset=utf-8")),
            Document::OpenapiYaml => Ok(text(&self.yaml, "application/yaml; charset=utf-8")),
            Document::OpenapiJson => Ok(response(JSON, self.json.clone())),
            Document::Alive => Ok(response(JSON, r#"{"status":"ok"}"#)),
            #[cfg(test)]
            Document::Panic => panic!("budi@example.com"),
            Document::Ready => {
                // On the heap, because the future of every document has room for this one.
                Box::pin(state.store().ping()).await?;
                Ok(response(JSON, r#"{"status":"ready"}"#))
            }
        }
    }
}

impl Document {
    /// Its name in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Docs => "docs",
            Self::OpenapiYaml | Self::OpenapiJson => "openapi",
            Self::Alive => "healthz",
            Self::Ready => "readyz",
            #[cfg(test)]
            Self::Panic => "panic",
        }
    }
}

/// A response with a text; all responses share its bytes.
fn text(body: &Bytes, content_type: &'static str) -> Response<Body> {
    response(HeaderValue::from_static(content_type), body.clone())
}
