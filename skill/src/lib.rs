//! Documentation of the API for agents and people, rendered from [`konektor_spec::Spec`].
//!
//! [`skill_md`] is the guide for agents: every call, field, limit, allowed value, scope, quota and error in one short
//! Markdown document that is also a valid Agent Skill. [`docs_html`] is the same for people, as one HTML page without
//! scripts or external resources. Both are generated from the document; `templates/` contains only what no schema can
//! express.
//!
//! ```
//! use konektor_spec::Spec;
//!
//! let guide = konektor_skill::skill_md(Spec::builtin(), "http://127.0.0.1:8080")?;
//! assert!(guide.contains("BASE=http://127.0.0.1:8080/api/v2/agent"));
//! # Ok::<(), konektor_skill::RenderError>(())
//! ```
//!
//! # The committed copy
//!
//! `skill/SKILL.md` is the guide of the server that the document names. `cargo xtask generate` writes it, and a test
//! fails when it is outdated. The example `render` prints it for a public URL, and with `--docs` the HTML page.
//!
//! # Its length
//!
//! The guide must stay within 1,800 tokens of `o200k_base`; a test counts them with the `tiktoken-rs` crate.
//! npm's gpt-tokenizer gives the same number:
//!
//! ```text
//! npm install gpt-tokenizer@4
//! node -e "console.log(require('gpt-tokenizer/encoding/o200k_base').countTokens(require('fs').readFileSync(0, 'utf8')))" < skill/SKILL.md
//! ```

mod address;
mod curl;
mod guide;
mod markdown;
mod model;
mod words;

use konektor_spec::Spec;
use minijinja::{
    AutoEscape, Environment, UndefinedBehavior, Value, context, syntax::SyntaxConfig, value::Serde,
};

use guide::Guide;
use model::Model;

/// The template that is not HTML.
const SKILL: &str = "SKILL.md";

/// The error when a template uses something that the model does not have. It cannot happen with the built-in document,
/// because tests render both templates.
#[derive(Debug, thiserror::Error)]
#[error("the template {template} cannot be rendered")]
pub struct RenderError {
    template: &'static str,
    source: minijinja::Error,
}

/// Renders SKILL.md, in Markdown.
///
/// `public_url` is the URL by which clients reach the server, without the base path, e.g. `http://127.0.0.1:8080`. A
/// trailing slash or base path is ignored.
///
/// # Errors
/// [`RenderError`] if the template does not match the model.
pub fn skill_md(spec: &Spec, public_url: &str) -> Result<String, RenderError> {
    let model = Model::new(spec, public_url);
    let guide = Guide::new(spec, &model);
    render(
        SKILL,
        include_str!("../templates/SKILL.md.j2"),
        context! { api => Serde(model), guide => Serde(guide) },
    )
}

/// Renders the docs page: one self-contained HTML document without scripts.
///
/// `public_url` as for [`skill_md`].
///
/// # Errors
/// [`RenderError`] if the template does not match the model.
pub fn docs_html(spec: &Spec, public_url: &str) -> Result<String, RenderError> {
    render(
        "docs.html",
        include_str!("../templates/docs.html.j2"),
        context! { api => Serde(Model::new(spec, public_url)) },
    )
}

fn render(name: &'static str, template: &str, values: Value) -> Result<String, RenderError> {
    let failed = |source| RenderError {
        template: name,
        source,
    };
    let mut environment = Environment::new();
    environment.set_syntax(whitespace().map_err(failed)?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| match name {
        SKILL => AutoEscape::None,
        _ => AutoEscape::Html,
    });
    environment.add_filter("markdown", markdown::to_html);
    environment
        .render_named_str(name, template, values)
        .map_err(failed)
}

/// Removes lines that contain only a tag from the output.
fn whitespace() -> Result<SyntaxConfig, minijinja::Error> {
    SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
}
