//! The operations of the document: path, access, input and answers.

use serde_json::Value;

use crate::{
    error::SpecError,
    path::PathTemplate,
    resolve::follow,
    schema::{Schema, without_default},
};

/// One operation, with every reference resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// `operationId`, e.g. `leads_list`.
    pub id: String,
    /// In capitals, e.g. `GET`.
    pub method: String,
    /// Below the base path, e.g. `/leads/{id}`.
    pub path: PathTemplate,
    /// The noun it belongs to, e.g. `Leads`.
    pub tag: String,
    /// A few words.
    pub summary: String,
    /// What a caller has to know, in Markdown.
    pub description: String,
    /// Who may call it.
    pub access: Access,
    /// Path, query and header parameters, in the document's order.
    pub parameters: Vec<Parameter>,
    /// What is sent, if anything.
    pub body: Option<Body>,
    /// The possible answers, in the document's order.
    pub responses: Vec<Response>,
}

/// Who may call an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Everybody, without a key.
    Public,
    /// Any key. No operation has it; it is for requests that the document does not know.
    AnyKey,
    /// A key with this scope.
    Scope(String),
}

/// A path, query or header parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its name on the wire.
    pub name: String,
    /// Where it is sent.
    pub location: Location,
    /// Whether it must be there.
    pub required: bool,
    /// What it does, without the sentence about the default.
    pub description: String,
    /// What it may be.
    pub schema: Schema,
    /// A real value, null when the document has none.
    pub example: Value,
}

/// Where a parameter is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the path, as `{name}`.
    Path,
    /// In the query string.
    Query,
    /// A header of the request.
    Header,
}

/// A JSON request body.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// What it may be.
    pub schema: Schema,
    /// A real body, null when the document has none.
    pub example: Value,
}

/// One documented answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// When it comes.
    pub description: String,
    /// The names of its headers.
    pub headers: Vec<String>,
    /// e.g. `application/json`; None when the answer has no body.
    pub media_type: Option<String>,
    /// What it looks like.
    pub schema: Schema,
    /// A real answer, null when the document has none.
    pub example: Value,
}

impl Operation {
    /// Its parameters of one kind.
    pub fn parameters_in(&self, location: Location) -> impl Iterator<Item = &Parameter> {
        self.parameters
            .iter()
            .filter(move |parameter| parameter.location == location)
    }

    /// The answer to a request that succeeded.
    #[must_use]
    pub fn success(&self) -> Option<&Response> {
        let mut responses = self.responses.iter();
        responses.find(|response| (200..300).contains(&response.status))
    }

    /// The scope it needs; None when it needs none.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        match &self.access {
            Access::Public | Access::AnyKey => None,
            Access::Scope(scope) => Some(scope),
        }
    }
}

/// Every operation of a document.
pub(crate) fn read_all(document: &Value) -> Result<Vec<Operation>, SpecError> {
    const METHODS: [&str; 8] = [
        "get", "put", "post", "delete", "options", "head", "patch", "trace",
    ];

    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if METHODS.contains(&method.as_str()) {
                operations.push(read(document, path, method, operation)?);
            }
        }
    }
    Ok(operations)
}

fn read(
    document: &Value,
    path: &str,
    method: &str,
    operation: &Value,
) -> Result<Operation, SpecError> {
    let id = operation["operationId"]
        .as_str()
        .ok_or_else(|| SpecError::Missing(format!("the operationId of {method} {path}")))?;
    let public = operation["security"].as_array().is_some_and(Vec::is_empty);
    let access = match operation["x-konektor-scope"].as_str() {
        _ if public => Access::Public,
        Some(scope) => Access::Scope(scope.to_owned()),
        None => return Err(SpecError::NoScope(id.to_owned())),
    };
    Ok(Operation {
        id: id.to_owned(),
        method: method.to_uppercase(),
        path: PathTemplate::new(path),
        tag: text(&operation["tags"][0]),
        summary: text(&operation["summary"]),
        description: text(&operation["description"]),
        access,
        parameters: operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|parameter| read_parameter(document, parameter))
            .collect::<Result<_, _>>()?,
        body: match &operation["requestBody"] {
            Value::Null => None,
            body => Some(read_body(document, body)?),
        },
        responses: operation["responses"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(status, response)| read_response(document, id, status, response))
            .collect::<Result<_, _>>()?,
    })
}

fn read_parameter(document: &Value, parameter: &Value) -> Result<Parameter, SpecError> {
    let parameter = follow(document, parameter)?;
    let name = text(&parameter["name"]);
    let location = match parameter["in"].as_str() {
        Some("path") => Location::Path,
        Some("query") => Location::Query,
        Some("header") => Location::Header,
        _ => return Err(SpecError::Missing(format!("the place of parameter {name}"))),
    };
    Ok(Parameter {
        name,
        location,
        required: parameter["required"] == true,
        description: without_default(parameter["description"].as_str().unwrap_or_default())
            .to_owned(),
        schema: Schema::resolved(document, &parameter["schema"])?,
        example: parameter["example"].clone(),
    })
}

fn read_body(document: &Value, body: &Value) -> Result<Body, SpecError> {
    let content = &follow(document, body)?["content"]["application/json"];
    Ok(Body {
        schema: Schema::resolved(document, &content["schema"])?,
        example: example(document, content)?,
    })
}

fn read_response(
    document: &Value,
    id: &str,
    status: &str,
    response: &Value,
) -> Result<Response, SpecError> {
    let response = follow(document, response)?;
    let content = response["content"].as_object();
    let content = content.and_then(|content| content.iter().next());
    Ok(Response {
        status: status
            .parse()
            .map_err(|_| SpecError::Missing(format!("a number for {id}'s answer {status}")))?,
        description: text(&response["description"]),
        headers: response["headers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone())
            .collect(),
        media_type: content.map(|(media_type, _)| media_type.clone()),
        schema: match content {
            Some((_, content)) => Schema::resolved(document, &content["schema"])?,
            None => Schema::default(),
        },
        example: match content {
            Some((_, content)) => example(document, content)?,
            None => Value::Null,
        },
    })
}

/// The example of a body, or the first of several.
fn example(document: &Value, content: &Value) -> Result<Value, SpecError> {
    let examples = content["examples"].as_object();
    match examples.and_then(|examples| examples.values().next()) {
        Some(first) => Ok(follow(document, first)?["value"].clone()),
        None => Ok(content["example"].clone()),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
