//! The Agent API's one source of truth, `openapi.yaml`, as Rust values.
//!
//! Server, CLI and SKILL.md derive paths, parameters, limits, allowed values, scopes and plan quotas from
//! here; none of them states such a fact a second time. A [`Spec`] is a plain value: a test can pass a
//! changed document and see everything follow.
//!
//! ```
//! use konektor_spec::{Access, Spec};
//!
//! let spec = Spec::builtin();
//! let list = spec.operation("leads_list").unwrap();
//! assert_eq!(list.path.as_str(), "/leads");
//! assert_eq!(list.access, Access::Scope("agent.leads.read".into()));
//! assert_eq!(spec.requests_per_minute("starter"), Some(60));
//! ```

mod error;
mod operation;
mod path;
#[cfg(feature = "rules")]
pub mod phone;
mod resolve;
#[cfg(feature = "rules")]
pub mod rule;
mod schema;
#[cfg(feature = "rules")]
pub mod text;

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
    time::Duration,
};

use serde_json::Value;

include!(concat!(env!("OUT_DIR"), "/facts.rs"));

impl OperationId {
    /// The operation of this `operationId`, if the built-in document has it.
    #[must_use]
    pub fn named(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == id)
    }

    /// The operation in the built-in document.
    ///
    /// ```
    /// use konektor_spec::OperationId;
    ///
    /// assert_eq!(OperationId::LeadsList.operation().path.as_str(), "/leads");
    /// ```
    #[must_use]
    pub fn operation(self) -> &'static Operation {
        // Both are in the document's order.
        &Spec::builtin().operations[self as usize]
    }
}

pub use error::SpecError;
pub use operation::{Access, Body, Location, Operation, Parameter, Response};
pub use path::{PathTemplate, percent_encode};
pub use schema::{Kind, Schema, without_default};

/// The text of the document, with comments.
pub const YAML: &str = include_str!("../../openapi.yaml");

/// The document, read once.
#[derive(Debug, Clone)]
pub struct Spec {
    document: Value,
    operations: Vec<Arc<Operation>>,
    schemas: BTreeMap<String, Schema>,
    scopes: Vec<Scope>,
    plans: Vec<Plan>,
    limits: Limits,
}

/// What a key may be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// e.g. `agent.leads.read`
    pub name: String,
    /// What a key with it may do.
    pub meaning: String,
}

/// What a workspace has subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// e.g. `pro`
    pub name: String,
    /// The requests a minute; None when the plan has no Agent API.
    pub requests_per_minute: Option<u32>,
}

/// The limits of all requests (`x-konektor-limits`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest body, in bytes.
    pub body_bytes: usize,
    /// The longest a request may take, in seconds.
    pub request_seconds: u64,
    /// How long a request may take to arrive; the rest of its time is left for the answer.
    pub arrival: Duration,
    /// How long an idle connection is kept, in seconds.
    pub keep_alive_seconds: u64,
    /// Failed authentications a minute for each client address.
    pub failed_authentications_per_minute: u32,
    /// The most words of a search.
    pub search_words: usize,
    /// The fewest letters with which a word of a search finds the beginning of a name.
    pub search_prefix_letters: usize,
    /// How long the answer to an `Idempotency-Key` is kept, in hours.
    pub idempotency_hours: u32,
}

static BUILTIN: LazyLock<Spec> = LazyLock::new(|| {
    serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/openapi.json")))
        .map_err(|error| SpecError::Missing(error.to_string()))
        .and_then(Spec::from_value)
        .unwrap_or_else(|error| unusable(&error))
});

#[expect(
    clippy::panic,
    reason = "the embedded document is a build input; a test reads it"
)]
fn unusable(error: &SpecError) -> Spec {
    panic!("the built-in API document is not usable: {error}")
}

impl Spec {
    /// The document this program was built with.
    #[must_use]
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// Reads a document, for example a changed copy of [`Spec::document`].
    ///
    /// # Errors
    /// [`SpecError`] when a reference leads nowhere, an operation lacks its scope, or limits are missing.
    pub fn from_value(document: Value) -> Result<Self, SpecError> {
        let schemas = schema::read_all(&document)?;
        let operations = operation::read_all(&document)?
            .into_iter()
            .map(Arc::new)
            .collect();
        let limit = |name: &str| {
            document["x-konektor-limits"][name]
                .as_u64()
                .ok_or_else(|| SpecError::Missing(format!("x-konektor-limits.{name}")))
        };
        let arrival = document["x-konektor-limits"]["arrivalSeconds"].as_f64();
        let limits = Limits {
            body_bytes: usize::try_from(limit("bodyBytes")?).unwrap_or(usize::MAX),
            request_seconds: limit("requestSeconds")?,
            arrival: arrival
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
                .ok_or_else(|| SpecError::Missing("x-konektor-limits.arrivalSeconds".into()))?,
            keep_alive_seconds: limit("keepAliveSeconds")?,
            failed_authentications_per_minute: u32::try_from(limit(
                "failedAuthenticationsPerMinute",
            )?)
            .unwrap_or(u32::MAX),
            search_words: usize::try_from(limit("searchWords")?).unwrap_or(usize::MAX),
            search_prefix_letters: usize::try_from(limit("searchPrefixLetters")?)
                .unwrap_or(usize::MAX),
            idempotency_hours: u32::try_from(limit("idempotencyHours")?).unwrap_or(u32::MAX),
        };
        let spec = Self {
            scopes: scopes(&document),
            plans: plans(&schemas),
            document,
            operations,
            schemas,
            limits,
        };
        spec.check_scopes()?;
        Ok(spec)
    }

    fn check_scopes(&self) -> Result<(), SpecError> {
        let is_known = |name: &str| self.scopes.iter().any(|scope| scope.name == name);
        let mut operations = self.operations.iter();
        match operations.find(|operation| operation.scope().is_some_and(|scope| !is_known(scope))) {
            Some(operation) => Err(SpecError::NoScope(operation.id.clone())),
            None => Ok(()),
        }
    }

    /// The whole document as it was written, references unresolved.
    #[must_use]
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// The document with another server address, which a server serves.
    #[must_use]
    pub fn document_for(&self, server_url: &str) -> Value {
        let mut document = self.document.clone();
        document["servers"][0]["url"] = server_url.into();
        document
    }

    /// The address in `servers`, with the base path and no slash at the end.
    #[must_use]
    pub fn server_url(&self) -> &str {
        self.document["servers"][0]["url"]
            .as_str()
            .unwrap_or_default()
    }

    /// The path part of [`Spec::server_url`], e.g. `/api/v2/agent`.
    #[must_use]
    pub fn base_path(&self) -> &str {
        let url = self.server_url();
        &url[origin(url).len()..]
    }

    /// `info.title`.
    #[must_use]
    pub fn title(&self) -> &str {
        self.document["info"]["title"].as_str().unwrap_or_default()
    }

    /// `info.version`.
    #[must_use]
    pub fn version(&self) -> &str {
        self.document["info"]["version"]
            .as_str()
            .unwrap_or_default()
    }

    /// `info.description`, in Markdown.
    #[must_use]
    pub fn description(&self) -> &str {
        self.document["info"]["description"]
            .as_str()
            .unwrap_or_default()
    }

    /// Every operation, in the document's order. Operations are large: share them by `Arc`.
    #[must_use]
    pub fn operations(&self) -> &[Arc<Operation>] {
        &self.operations
    }

    /// The operation with this `operationId`.
    #[must_use]
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        let mut operations = self.operations.iter();
        operations
            .find(|operation| operation.id == id)
            .map(|operation| &**operation)
    }

    /// The operation that a request goes to; fixed paths come before those with parameters. The path has no query and is
    /// below the base path.
    #[must_use]
    pub fn operation_at(&self, method: &str, path: &str) -> Option<&Operation> {
        self.operations
            .iter()
            .filter(|operation| operation.method == method && operation.path.matches(path))
            .max_by_key(|operation| operation.path.is_fixed())
            .map(|operation| &**operation)
    }

    /// The tags, each with its description, in the document's order.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.document["tags"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|tag| {
                Some((
                    tag["name"].as_str()?,
                    tag["description"].as_str().unwrap_or_default(),
                ))
            })
    }

    /// A component schema.
    #[must_use]
    pub fn schema(&self, name: &str) -> Option<&Schema> {
        self.schemas.get(name)
    }

    /// Every component schema with its name, in the document's order.
    pub fn schemas(&self) -> impl Iterator<Item = (&str, &Schema)> {
        let names = self.document["components"]["schemas"].as_object();
        let names = names.into_iter().flat_map(|schemas| schemas.keys());
        names.filter_map(|name| Some((name.as_str(), self.schema(name)?)))
    }

    /// The allowed values of a component schema, in the document's order; empty when it has none.
    #[must_use]
    pub fn enum_values(&self, name: &str) -> Vec<&str> {
        let schema = self.schema(name);
        schema.into_iter().flat_map(Schema::values).collect()
    }

    /// Every scope, in the document's order.
    #[must_use]
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// Every plan, in the document's order.
    #[must_use]
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// The requests a minute of a plan; None when the plan has no Agent API or does not exist.
    #[must_use]
    pub fn requests_per_minute(&self, plan: &str) -> Option<u32> {
        self.plan(plan)?.requests_per_minute
    }

    /// The plan of this name.
    #[must_use]
    pub fn plan(&self, name: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.name == name)
    }

    /// The limits of all requests.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }
}

/// A URL up to its path.
///
/// ```
/// let url = "https://konektor.id/api/v2/agent";
/// assert_eq!(konektor_spec::origin(url), "https://konektor.id");
/// assert_eq!(konektor_spec::origin("http://127.0.0.1:8080"), "http://127.0.0.1:8080");
/// ```
#[must_use]
pub fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let path = url[host..].find('/');
    path.map_or(url, |at| &url[..host + at])
}

fn scopes(document: &Value) -> Vec<Scope> {
    let scopes = &document["components"]["securitySchemes"]["apiKey"]["x-konektor-scopes"];
    let scopes = scopes.as_object().into_iter().flatten();
    let scopes = scopes.map(|(name, meaning)| Scope {
        name: name.clone(),
        meaning: meaning.as_str().unwrap_or_default().to_owned(),
    });
    scopes.collect()
}

fn plans(schemas: &BTreeMap<String, Schema>) -> Vec<Plan> {
    let Some(schema) = schemas.get("Plan") else {
        return Vec::new();
    };
    let limits = schema.extension("x-konektor-requests-per-minute");
    let plans = schema.values().map(|name| Plan {
        name: name.to_owned(),
        requests_per_minute: limits
            .and_then(|limits| limits[name].as_u64())
            .and_then(|limit| u32::try_from(limit).ok()),
    });
    plans.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_of_every_path_is_an_operation() {
        let spec = Spec::builtin();
        let paths = spec.document()["paths"].as_object().unwrap().values();
        let methods = ["get", "put", "post", "delete", "patch"];
        let documented =
            paths.flat_map(|path| methods.into_iter().filter(|it| path.get(it).is_some()));
        assert_eq!(spec.operations().len(), documented.count());
        assert_eq!(spec.base_path(), "/api/v2/agent");
    }

    #[test]
    fn what_is_known_at_compile_time_is_what_the_document_says() {
        let spec = Spec::builtin();
        assert_eq!(spec.server_url(), SERVER_URL);
        assert_eq!(spec.version(), API_VERSION);
        assert_eq!(spec.limits().idempotency_hours, IDEMPOTENCY_HOURS);
        assert_eq!(KEY_PREFIX, "kna_");
        let ids: Vec<_> = spec.operations().iter().map(|op| op.id.as_str()).collect();
        assert_eq!(ids, OperationId::ALL.map(OperationId::as_str));
        for id in OperationId::ALL {
            assert_eq!(id.operation().id, id.as_str());
            assert_eq!(id.operation().tag, id.tag());
        }
        assert_eq!(
            OperationId::named("leads_list"),
            Some(OperationId::LeadsList)
        );
        assert_eq!(OperationId::named("leads_shout"), None);
    }

    /// Every object in a part of the document, with its path.
    fn objects<'a>(value: &'a Value, at: &str, found: &mut Vec<(String, &'a Value)>) {
        let parts: Vec<(String, &Value)> = match value {
            Value::Object(fields) => {
                found.push((at.to_owned(), value));
                let fields = fields.iter();
                fields.map(|(name, value)| (name.clone(), value)).collect()
            }
            Value::Array(values) => {
                let values = values.iter().enumerate();
                values.map(|(at, value)| (at.to_string(), value)).collect()
            }
            _ => Vec::new(),
        };
        for (name, value) in parts {
            objects(value, &format!("{at}/{name}"), found);
        }
    }

    #[test]
    fn everything_is_described_for_a_reader_who_sees_only_it() {
        let document = Spec::builtin().document();
        let mut found = Vec::new();
        objects(document, "", &mut found);
        let kinds = [
            "/schemas/",
            "/properties/",
            "/parameters/",
            "/headers/",
            "/responses/",
        ];
        let mut count = 0;
        for (at, value) in found {
            let parent = at.rsplit_once('/').map_or("", |(parent, _)| parent);
            let is_described = kinds
                .iter()
                .any(|kind| format!("{parent}/").ends_with(kind));
            if is_described && !at.contains("/examples/") {
                let target = resolve::follow(document, value).unwrap();
                let resolved = resolve::resolve(document, target).unwrap();
                let description = resolved["description"].as_str().unwrap_or_default();
                assert!(description.ends_with('.'), "{at}: {description:?}");
                count += 1;
            }
        }
        assert!(count > 300, "{count}");
    }

    #[test]
    fn figures_in_descriptions_are_those_of_the_limits() {
        let spec = Spec::builtin();
        let limits = spec.limits();
        let list = spec.operation("leads_list").unwrap();
        let mut parameters = list.parameters.iter();
        let search = parameters.find(|it| it.name == "search").unwrap();
        let words = format!("At most {} words", limits.search_words);
        let letters = format!("shorter than {} letters", limits.search_prefix_letters);
        let text = search.description.replace('\n', " ");
        assert!(text.contains(&words) && text.contains(&letters), "{text}");

        let create = spec.operation("leads_create").unwrap();
        let mut parameters = create.parameters.iter();
        let key = parameters.find(|it| it.name == "Idempotency-Key").unwrap();
        let hours = format!("for {} hours", limits.idempotency_hours);
        assert!(key.description.contains(&hours), "{}", key.description);
        let mut responses = create.responses.iter();
        let too_large = responses.find(|it| it.status == 413).unwrap();
        let size = format!("{} KiB", limits.body_bytes / 1024);
        assert!(too_large.description.contains(&size));
        let timeout = &spec.document()["components"]["examples"]["RequestTimeout"];
        let message = timeout["value"]["error"]["message"].as_str().unwrap();
        let seconds = format!("within {} seconds", limits.arrival.as_secs());
        assert!(message.ends_with(&seconds), "{message}");
    }

    #[test]
    fn an_operation_without_a_scope_is_refused() {
        let mut document = Spec::builtin().document().clone();
        let operation = document["paths"]["/leads"]["get"].as_object_mut().unwrap();
        operation.remove("x-konektor-scope");
        assert!(
            matches!(Spec::from_value(document), Err(SpecError::NoScope(id)) if id == "leads_list")
        );
    }

    #[test]
    fn a_reference_that_leads_nowhere_is_refused() {
        let mut document = Spec::builtin().document().clone();
        document["components"]["schemas"]
            .as_object_mut()
            .unwrap()
            .remove("LeadStatus");
        assert!(matches!(
            Spec::from_value(document),
            Err(SpecError::Unresolved(_))
        ));
    }

    #[test]
    fn every_plan_with_a_quota_exists() {
        let spec = Spec::builtin();
        let plan = spec.schema("Plan").unwrap();
        let quotas = plan.extension("x-konektor-requests-per-minute").unwrap();
        for (plan, quota) in quotas.as_object().unwrap() {
            let known = spec.plan(plan).unwrap().requests_per_minute;
            assert_eq!(known.map(u64::from), quota.as_u64(), "{plan}");
        }
    }

    #[test]
    fn an_answer_without_a_body_has_no_media_type_and_allows_nothing_in_particular() {
        let mut document = Spec::builtin().document().clone();
        let responses = &mut document["paths"]["/workspace"]["get"]["responses"];
        responses["204"] = serde_json::json!({"description": "Nothing to say."});

        let spec = Spec::from_value(document).unwrap();

        let responses = &spec.operation("workspace_show").unwrap().responses;
        let empty = responses.iter().find(|response| response.status == 204);
        let empty = empty.unwrap();
        assert_eq!((&empty.media_type, &empty.example), (&None, &Value::Null));
        assert_eq!(empty.schema, Schema::default());
    }
}
