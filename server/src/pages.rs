//! What anybody may read: SKILL.md, the document, the docs page, and whether the server is well.

use anyhow::Context;
use axum::{
    body::Body,
    http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE},
};
use bytes::Bytes;
use konektor_spec::{Spec, YAML};

use crate::{app::App, reply::Error};

/// Rendered once, when the server starts.
pub(crate) struct Pages {
    guide: Bytes,
    docs: Bytes,
    yaml: Bytes,
    json: Bytes,
}

/// A page beside the operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    Docs,
    DocumentYaml,
    DocumentJson,
    Alive,
    Ready,
    #[cfg(test)]
    Panic,
}

impl Pages {
    pub(crate) fn render(spec: &Spec, public_url: &str) -> anyhow::Result<Self> {
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

    /// Where each page is.
    pub(crate) fn routes(base: &str) -> impl IntoIterator<Item = (String, Page)> {
        [
            ("/docs".into(), Page::Docs),
            (format!("{base}/openapi.yaml"), Page::DocumentYaml),
            (format!("{base}/openapi.json"), Page::DocumentJson),
            ("/healthz".into(), Page::Alive),
            ("/readyz".into(), Page::Ready),
            #[cfg(test)]
            ("/panic".into(), Page::Panic),
        ]
    }

    pub(crate) fn guide(&self) -> Response<Body> {
        text(&self.guide, "text/markdown; charset=utf-8")
    }

    pub(crate) async fn answer(&self, page: Page, app: &App) -> Result<Response<Body>, Error> {
        match page {
            Page::Docs => Ok(text(&self.docs, "text/html; charset=utf-8")),
            Page::DocumentYaml => Ok(text(&self.yaml, "application/yaml; charset=utf-8")),
            Page::DocumentJson => Ok(text(&self.json, "application/json")),
            Page::Alive => Ok(text(
                &Bytes::from_static(br#"{"status":"ok"}"#),
                "application/json",
            )),
            #[cfg(test)]
            Page::Panic => panic!("budi@example.com"),
            Page::Ready => {
                app.store().ping().await?;
                Ok(text(
                    &Bytes::from_static(br#"{"status":"ready"}"#),
                    "application/json",
                ))
            }
        }
    }
}

impl Page {
    /// For the log.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Docs => "docs",
            Self::DocumentYaml | Self::DocumentJson => "openapi",
            Self::Alive => "healthz",
            Self::Ready => "readyz",
            #[cfg(test)]
            Self::Panic => "panic",
        }
    }
}

/// The bytes of a page are shared by all who read it.
fn text(body: &Bytes, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body.clone()));
    *response.status_mut() = StatusCode::OK;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
