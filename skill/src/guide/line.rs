//! One line for each call.

use konektor_spec::Schema;

use super::names::{Input, Meaning, Object, alike, data, has};
use crate::{
    model::{Call, Field},
    words::{self, spaced},
};

/// Writes calls with the names of shared inputs and objects.
pub(super) struct Writer<'a> {
    pub(super) inputs: &'a [Input],
    pub(super) objects: &'a [Object],
    pub(super) vocabulary: &'a [Meaning],
    /// The calls whose replies are shown.
    pub(super) shown: &'a [&'a str],
}

impl Writer<'_> {
    /// A call, with everything that the names do not state.
    pub(super) fn line(&self, call: &Call) -> String {
        let query = call
            .parameters
            .iter()
            .filter(|field| field.place == "query");
        let query = match spaced(query.map(|field| self.field(field))).as_str() {
            "" => String::new(),
            query => format!(" ?{query}"),
        };
        let body = match &call.body {
            Some(body) => format!(" {}", self.body(&body.fields)),
            None => String::new(),
        };
        let answer = self.answer(call);
        format!("{} {}{query}{body}{answer}", call.method, call.path)
    }

    fn body(&self, fields: &[Field]) -> String {
        match self
            .inputs
            .iter()
            .find(|input| alike(&input.fields, fields))
        {
            Some(input) => {
                let special = fields
                    .iter()
                    .filter(|field| field.required || field.default.is_some());
                let special = special.map(Field::marked_name);
                spaced(std::iter::once(input.name.clone()).chain(special))
            }
            None => format!(
                "{{{}}}",
                spaced(fields.iter().map(|field| self.field(field)))
            ),
        }
    }

    fn field(&self, field: &Field) -> String {
        let marked = field.marked_name();
        if !field.fields.is_empty() {
            format!("{marked}:{}", self.body(&field.fields))
        } else if self.knows(&marked, &field.allowed) {
            field.name.clone()
        } else if self.takes(&field.name, &field.allowed) {
            marked
        } else {
            format!("{marked}({})", self.allowed(&field.allowed))
        }
    }

    /// Allowed values, or the name of a field that has the same ones.
    fn allowed(&self, allowed: &str) -> String {
        let fields = self.inputs.iter().flat_map(|input| &input.fields);
        let same = |field: &&Field| field.allowed == allowed && allowed.contains('|');
        match fields.into_iter().find(same) {
            Some(field) => format!("as {}", field.name),
            None => allowed.to_owned(),
        }
    }

    /// Whether the vocabulary explains the field.
    fn knows(&self, marked: &str, allowed: &str) -> bool {
        self.vocabulary.iter().any(|meaning| {
            meaning.allowed == allowed && meaning.names.iter().any(|name| name == marked)
        })
    }

    /// Whether an input explains the field.
    fn takes(&self, name: &str, allowed: &str) -> bool {
        self.inputs
            .iter()
            .any(|input| has(&input.fields, name, allowed))
    }

    /// The content of `data`, and the names beside it.
    fn answer(&self, call: &Call) -> String {
        let Some(answer) = call.answers.first() else {
            return String::new();
        };
        let statuses: Vec<_> = call
            .answers
            .iter()
            .map(|one| one.status.to_string())
            .collect();
        let statuses = match statuses.join("/").as_str() {
            "200" => String::new(),
            statuses => format!(" {statuses}"),
        };
        let parts = answer
            .schema
            .properties()
            .filter(|(name, _)| *name != "success")
            .map(|(name, _)| match name {
                "data" => self.data(&answer.schema, call),
                beside => format!("+{beside}"),
            });
        format!(" →{statuses} {}", spaced(parts))
    }

    fn data(&self, schema: &Schema, call: &Call) -> String {
        let Some(object) = data(schema) else {
            return String::new();
        };
        let text = match self.objects.iter().find(|known| known.schema == *object) {
            Some(known) => known.name.clone(),
            None => self.names(object, call),
        };
        if schema.property("data") == Some(object) {
            text
        } else {
            format!("[{text}]")
        }
    }

    fn names(&self, object: &Schema, call: &Call) -> String {
        // A reply that is shown as an example needs only its allowed values.
        let shown = self.shown.contains(&call.id.as_str());
        let names = object.properties().filter_map(|(name, property)| {
            let allowed = words::allowed(property);
            let sent = call
                .body
                .iter()
                .any(|body| has(&body.fields, name, &allowed));
            let known = sent || self.knows(name, &allowed) || self.takes(name, &allowed);
            if property.has_values() && !known {
                Some(format!("{name}({allowed})"))
            } else {
                (!shown).then(|| name.to_owned())
            }
        });
        let ellipsis = shown.then(|| "…".to_owned());
        format!("{{{}}}", spaced(ellipsis.into_iter().chain(names)))
    }
}
