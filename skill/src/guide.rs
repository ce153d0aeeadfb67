//! The parts of SKILL.md. Each fact is stated once, in as few tokens as possible.
//!
//! Fields that several bodies share get a name, and so does an object in several replies. A field name with the same
//! meaning in several places is explained once, in the vocabulary. Any other field name is explained where it occurs.

use konektor_spec::Spec;
use serde::Serialize;

use crate::model::{Call, Model};

mod line;
mod names;

use line::Writer;
use names::{Input, Meaning, Object};

/// The `operationId` of the read whose reply is shown.
const READ: &str = "conversions_status";
/// The `operationId` of the write whose reply is shown. It is short and can be sent repeatedly.
const WRITE: &str = "support_ticket_create";

/// The generated parts of SKILL.md.
#[derive(Debug, Serialize)]
pub(crate) struct Guide {
    examples: Vec<Example>,
    /// Calls without a scope, as `METHOD /path`.
    public: Vec<String>,
    sections: Vec<Section>,
    inputs: Vec<Input>,
    vocabulary: Vec<Meaning>,
    objects: Vec<Object>,
    codes: Vec<Code>,
    /// The statuses of failures that say how long to wait before a retry.
    waits: Vec<u16>,
    /// Plans with their limits of requests per minute.
    quotas: Vec<String>,
    /// Plans without the API.
    barred: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Example {
    curl: String,
    status: u16,
    answer: String,
}

/// The calls that one scope permits, one line each.
#[derive(Debug, Serialize)]
struct Section {
    scope: String,
    lines: Vec<String>,
}

/// An error code and the statuses it comes with.
#[derive(Debug, Serialize)]
struct Code {
    name: String,
    statuses: Vec<u16>,
}

impl Guide {
    /// Builds the guide from a model, which was read from `spec`.
    pub(crate) fn new(spec: &Spec, model: &Model) -> Self {
        let inputs = names::inputs(model);
        let objects = names::objects(model, &inputs);
        let vocabulary = names::vocabulary(model, &inputs);
        let writer = Writer {
            inputs: &inputs,
            objects: &objects,
            vocabulary: &vocabulary,
            shown: &[READ, WRITE],
        };
        Self {
            examples: [READ, WRITE]
                .into_iter()
                .filter_map(|id| model.calls().find(|call| call.id == id))
                .filter_map(example)
                .collect(),
            public: model
                .calls()
                .filter(|call| call.scope.is_none())
                .map(|call| format!("{} {}", call.method, call.path))
                .collect(),
            sections: model
                .scopes
                .iter()
                .map(|scope| Section {
                    scope: scope.name.clone(),
                    lines: model
                        .calls()
                        .filter(|call| call.scope.as_ref() == Some(&scope.name))
                        .map(|call| writer.line(call))
                        .collect(),
                })
                .collect(),
            codes: codes(spec, model),
            waits: model
                .failures
                .iter()
                .filter(|failure| failure.retry_after)
                .map(|failure| failure.status)
                .collect(),
            quotas: model
                .plans
                .iter()
                .filter_map(|plan| Some(format!("{} {}", plan.name, plan.requests_per_minute?)))
                .collect(),
            barred: model
                .plans
                .iter()
                .filter(|plan| plan.requests_per_minute.is_none())
                .map(|plan| plan.name.clone())
                .collect(),
            inputs,
            vocabulary,
            objects,
        }
    }
}

fn example(call: &Call) -> Option<Example> {
    let answer = call.answers.first()?;
    Some(Example {
        curl: call.curl.clone(),
        status: answer.status,
        answer: answer.example.to_string(),
    })
}

fn codes(spec: &Spec, model: &Model) -> Vec<Code> {
    spec.enum_values("ErrorCode")
        .into_iter()
        .map(|name| Code {
            name: name.to_owned(),
            statuses: model
                .failures
                .iter()
                .filter(|failure| failure.code == name)
                .map(|failure| failure.status)
                .collect(),
        })
        .collect()
}
