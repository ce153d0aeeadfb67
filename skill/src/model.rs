//! The content of SKILL.md and of the docs page, read from the document.

use std::collections::BTreeMap;

use konektor_spec::{Operation, Parameter, Response, Schema, Spec};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::{address, curl, words};

/// The document in the form that the templates use.
#[derive(Debug, Serialize)]
pub(crate) struct Model {
    pub(crate) title: String,
    pub(crate) version: String,
    pub(crate) description: String,
    /// The public address.
    pub(crate) origin: String,
    /// The public address with the base path.
    pub(crate) base: String,
    /// [`Model::base`] as one word of a shell.
    pub(crate) base_word: String,
    pub(crate) tags: Vec<Tag>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) plans: Vec<Plan>,
    pub(crate) limits: Limits,
    pub(crate) failures: Vec<Failure>,
}

/// A noun and its calls.
#[derive(Debug, Serialize)]
pub(crate) struct Tag {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) calls: Vec<Call>,
}

/// A scope of a key.
#[derive(Debug, Serialize)]
pub(crate) struct Scope {
    pub(crate) name: String,
    pub(crate) meaning: String,
}

/// A plan and its quota, which is `None` without Agent API.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    pub(crate) name: String,
    pub(crate) requests_per_minute: Option<u32>,
}

/// The limits of all requests.
#[derive(Debug, Serialize)]
pub(crate) struct Limits {
    pub(crate) body_bytes: usize,
    pub(crate) request_seconds: u64,
    pub(crate) failed_authentications_per_minute: u32,
    pub(crate) search_words: usize,
}

/// One operation.
#[derive(Debug, Serialize)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) scope: Option<String>,
    pub(crate) parameters: Vec<Field>,
    pub(crate) body: Option<Body>,
    pub(crate) answers: Vec<Answer>,
    pub(crate) failures: Vec<Failure>,
    pub(crate) curl: String,
}

/// A JSON request body.
#[derive(Debug, Serialize)]
pub(crate) struct Body {
    pub(crate) fields: Vec<Field>,
    /// The fields of [`Body::fields`] and of the objects in them, by their dotted names.
    pub(crate) rows: Vec<Field>,
    pub(crate) schema_name: Option<String>,
    #[serde(serialize_with = "pretty")]
    pub(crate) example: Value,
}

/// A parameter or a field of a body.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// `path`, `query`, `header` or `body`.
    pub(crate) place: &'static str,
    pub(crate) required: bool,
    pub(crate) nullable: bool,
    /// See [`words::allowed`].
    pub(crate) allowed: String,
    pub(crate) default: Option<String>,
    /// The description of a parameter; empty for a field of a body.
    pub(crate) description: String,
    /// The description of its type.
    pub(crate) meaning: String,
    pub(crate) example: Option<String>,
    /// The fields of an object.
    pub(crate) fields: Vec<Field>,
}

/// A success.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: String,
    pub(crate) headers: Vec<String>,
    pub(crate) media_type: Option<String>,
    #[serde(serialize_with = "pretty")]
    pub(crate) example: Value,
    #[serde(skip)]
    pub(crate) schema: Schema,
}

/// A failure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Failure {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) description: String,
    /// Whether the reply says how long to wait.
    pub(crate) retry_after: bool,
    #[serde(serialize_with = "pretty")]
    pub(crate) example: Value,
}

impl Field {
    /// The name with `!` when it is required, `?` when it may be null, and its default.
    pub(crate) fn marked_name(&self) -> String {
        let required = if self.required { "!" } else { "" };
        let nullable = if self.nullable { "?" } else { "" };
        let default = self.default.iter().map(|default| format!("={default}"));
        format!(
            "{}{required}{nullable}{}",
            self.name,
            words::spaced(default)
        )
    }
}

impl Model {
    /// Reads `spec`, for a server at `public_url`.
    pub(crate) fn new(spec: &Spec, public_url: &str) -> Self {
        let origin = address::without_base_path(spec, public_url);
        let base = format!("{origin}{}", spec.base_path());
        let limits = spec.limits();
        Self {
            title: spec.title().to_owned(),
            version: spec.version().to_owned(),
            description: spec.description().to_owned(),
            origin,
            base_word: address::shell_word(&base),
            base,
            tags: tags(spec),
            scopes: spec
                .scopes()
                .iter()
                .map(|scope| Scope {
                    name: scope.name.clone(),
                    meaning: scope.meaning.clone(),
                })
                .collect(),
            plans: spec
                .plans()
                .iter()
                .map(|plan| Plan {
                    name: plan.name.clone(),
                    requests_per_minute: plan.requests_per_minute,
                })
                .collect(),
            limits: Limits {
                body_bytes: limits.body_bytes,
                request_seconds: limits.request_seconds,
                failed_authentications_per_minute: limits.failed_authentications_per_minute,
                search_words: limits.search_words,
            },
            failures: failures(spec),
        }
    }

    /// Every call, in the document's order.
    pub(crate) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.tags.iter().flat_map(|tag| &tag.calls)
    }
}

/// The tags that have calls; a tag that the document does not describe comes last.
fn tags(spec: &Spec) -> Vec<Tag> {
    let mut tags: Vec<_> = spec
        .tags()
        .map(|(name, description)| Tag {
            name: name.to_owned(),
            description: description.to_owned(),
            calls: Vec::new(),
        })
        .collect();
    for operation in spec.operations() {
        let call = call(operation);
        match tags.iter_mut().find(|tag| tag.name == operation.tag) {
            Some(tag) => tag.calls.push(call),
            None => tags.push(Tag {
                name: operation.tag.clone(),
                description: String::new(),
                calls: vec![call],
            }),
        }
    }
    tags.retain(|tag| !tag.calls.is_empty());
    tags
}

fn call(operation: &Operation) -> Call {
    let (successes, failures): (Vec<_>, Vec<_>) = operation
        .responses
        .iter()
        .partition(|response| response.status < 400);
    Call {
        id: operation.id.clone(),
        method: operation.method.clone(),
        path: operation.path.to_string(),
        summary: operation.summary.clone(),
        description: operation.description.clone(),
        scope: operation.scope().map(str::to_owned),
        parameters: operation.parameters.iter().map(parameter).collect(),
        body: operation.body.as_ref().map(|body| {
            let fields = properties(&body.schema);
            Body {
                rows: flat(&fields, ""),
                fields,
                schema_name: body.schema.component().map(str::to_owned),
                example: body.example.clone(),
            }
        }),
        answers: successes.into_iter().map(answer).collect(),
        failures: failures.into_iter().map(failure).collect(),
        curl: curl::command(operation),
    }
}

fn parameter(parameter: &Parameter) -> Field {
    let place = match parameter.location {
        konektor_spec::Location::Path => "path",
        konektor_spec::Location::Query => "query",
        konektor_spec::Location::Header => "header",
    };
    let mut field = field(
        &parameter.name,
        &parameter.schema,
        parameter.required,
        place,
    );
    field.description.clone_from(&parameter.description);
    if !parameter.example.is_null() {
        field.example = Some(words::text(&parameter.example));
    }
    field
}

fn properties(schema: &Schema) -> Vec<Field> {
    schema
        .properties()
        .map(|(name, property)| field(name, property, schema.is_required(name), "body"))
        .collect()
}

fn field(name: &str, schema: &Schema, required: bool, place: &'static str) -> Field {
    Field {
        name: name.to_owned(),
        place,
        required,
        nullable: schema.is_nullable(),
        allowed: words::allowed(schema),
        default: schema.default_value().map(words::text),
        description: String::new(),
        meaning: schema.description().unwrap_or_default().to_owned(),
        example: schema.example().map(words::text),
        fields: properties(schema),
    }
}

fn flat(fields: &[Field], prefix: &str) -> Vec<Field> {
    fields
        .iter()
        .flat_map(|field| {
            let name = format!("{prefix}{}", field.name);
            let inner = flat(&field.fields, &format!("{name}."));
            let row = Field {
                name,
                fields: Vec::new(),
                ..field.clone()
            };
            std::iter::once(row).chain(inner)
        })
        .collect()
}

fn answer(response: &Response) -> Answer {
    Answer {
        status: response.status,
        description: response.description.clone(),
        headers: response.headers.clone(),
        media_type: response.media_type.clone(),
        example: response.example.clone(),
        schema: response.schema.clone(),
    }
}

fn failure(response: &Response) -> Failure {
    Failure {
        status: response.status,
        code: words::text(&response.example["error"]["code"]),
        description: response.description.clone(),
        retry_after: response.headers.iter().any(|name| name == "Retry-After"),
        example: response.example.clone(),
    }
}

/// One failure for each status, as most operations document it.
fn failures(spec: &Spec) -> Vec<Failure> {
    let mut by_status: BTreeMap<u16, Vec<&Response>> = BTreeMap::new();
    for response in spec
        .operations()
        .iter()
        .flat_map(|operation| &operation.responses)
        .filter(|response| response.status >= 400)
    {
        by_status.entry(response.status).or_default().push(response);
    }
    by_status
        .values()
        .filter_map(|responses| {
            let same = |one: &&&Response| responses.iter().filter(|other| *other == *one).count();
            responses.iter().max_by_key(same)
        })
        .map(|response| failure(response))
        .collect()
}

/// Writes JSON over several lines; text, such as Markdown, unchanged.
fn pretty<S: Serializer>(example: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    match example {
        Value::String(text) => serializer.serialize_str(text),
        example => serializer.collect_str(&format_args!("{example:#}")),
    }
}
