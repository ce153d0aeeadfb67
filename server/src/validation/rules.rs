//! Compiles the document's schemas once and validates input against them.

use std::collections::HashMap;

use konektor_spec::{Location, Operation, OperationId, Spec, rule::Rule};
use serde_json::{Map, Value};

use super::{Input, NO_BODY, Sent};
use crate::error::{Details, Error};

/// The compiled schemas of all operations.
pub struct Rules {
    operations: HashMap<OperationId, OperationRules>,
    /// Component schemas, for checks that an operation makes itself.
    components: HashMap<String, Rule>,
}

struct OperationRules {
    path: Parameters,
    query: Parameters,
    headers: Parameters,
    body: Option<Rule>,
}

/// The parameters of one kind.
struct Parameters {
    rule: Rule,
    /// Whether one of them is required.
    required: bool,
}

impl Rules {
    /// Compiles every schema that input is validated against.
    ///
    /// # Errors
    /// When a schema is not valid.
    pub fn new(spec: &Spec) -> anyhow::Result<Self> {
        let operations = spec
            .operations()
            .iter()
            .filter_map(|operation| Some((OperationId::named(&operation.id)?, operation)))
            .map(|(id, operation)| Ok((id, OperationRules::new(operation)?)))
            .collect::<anyhow::Result<_>>()?;
        let components = ["UniqueCode", "ExternalRef", "Phone", "LeadCreate"]
            .into_iter()
            .map(|name| {
                let schema = spec
                    .schema(name)
                    .ok_or_else(|| anyhow::anyhow!("the API document lacks {name}"))?;
                Ok((name.to_owned(), Rule::new(schema)?))
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(Self {
            operations,
            components,
        })
    }

    /// Validates the input of an operation. Bad fields are recorded in the [`Input`], so that the operation can add
    /// those that no schema describes.
    ///
    /// # Errors
    /// [`Error::Internal`] when the document lacks the operation.
    pub fn check(&self, operation: OperationId, sent: Sent) -> Result<Input, Error> {
        let rules = self.operations.get(&operation).ok_or_else(|| {
            Error::Internal(anyhow::anyhow!("no rules for {}", operation.as_str()))
        })?;
        let Sent {
            path,
            query,
            headers,
            body,
            mut bad,
        } = sent;
        let path = rules.path.check(path, &mut bad);
        let mut query = rules.query.check(query, &mut bad);
        let headers = rules.headers.check(headers, &mut bad);
        let mut sent_body = Value::Null;
        let body = match (&rules.body, body) {
            (None, None) => Value::Null,
            (None, Some(_)) => {
                bad.insert("body".into(), NO_BODY.into());
                Value::Null
            }
            (Some(rule), body) => {
                let mut body = body.unwrap_or_else(|| Map::new().into());
                rule.check(&body, &mut bad);
                if !headers.is_empty() {
                    sent_body = body.clone();
                    rule.remove_defaults(&mut sent_body);
                }
                rule.fill_defaults(&mut body);
                body
            }
        };
        let given = query.clone();
        rules.query.rule.fill_defaults_of(&mut query);
        Ok(Input {
            path,
            given,
            query,
            headers,
            body,
            sent_body,
            bad,
        })
    }

    /// Why a value does not match a component schema; None when it does.
    #[must_use]
    pub fn complaint(&self, component: &str, value: &str) -> Option<String> {
        let mut bad = Details::new();
        self.components
            .get(component)?
            .check(&value.into(), &mut bad);
        bad.into_values().next()
    }

    /// Fills the defaults of a component schema into an object.
    pub fn fill_defaults(&self, component: &str, value: &mut Value) {
        if let Some(rule) = self.components.get(component) {
            rule.fill_defaults(value);
        }
    }
}

impl OperationRules {
    fn new(operation: &Operation) -> anyhow::Result<Self> {
        Ok(Self {
            path: Parameters::new(operation, Location::Path)?,
            query: Parameters::new(operation, Location::Query)?,
            headers: Parameters::new(operation, Location::Header)?,
            body: operation
                .body
                .as_ref()
                .map(|body| Rule::new(&body.schema))
                .transpose()?,
        })
    }
}

impl Parameters {
    /// One object schema for all parameters of a kind.
    fn new(operation: &Operation, location: Location) -> anyhow::Result<Self> {
        let mut parameters = operation.parameters_in(location);
        Ok(Self {
            rule: Rule::from_parameters(operation.parameters_in(location))?,
            required: parameters.any(|parameter| parameter.required),
        })
    }

    /// Validates values against the schema and returns them. Most requests send no parameters of most kinds.
    fn check(&self, values: Map<String, Value>, bad: &mut Details) -> Map<String, Value> {
        if values.is_empty() && !self.required {
            return values;
        }
        let values = Value::Object(values);
        self.rule.check(&values, bad);
        match values {
            Value::Object(values) => values,
            _ => Map::new(),
        }
    }
}
