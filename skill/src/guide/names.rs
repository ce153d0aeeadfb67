//! The names in SKILL.md for inputs, objects and meanings that occur in several places.

use konektor_spec::Schema;
use serde::Serialize;

use crate::{
    model::{Field, Model},
    words::{self, spaced},
};

/// Fields that several bodies share. Required fields and defaults may differ.
#[derive(Debug, Serialize)]
pub(crate) struct Input {
    pub(super) name: String,
    pub(super) meanings: Vec<Meaning>,
    #[serde(skip)]
    pub(super) fields: Vec<Field>,
}

/// Names with the same allowed values.
#[derive(Debug, Serialize)]
pub(crate) struct Meaning {
    pub(super) names: Vec<String>,
    pub(super) allowed: String,
}

/// An object in the replies of several calls.
#[derive(Debug, Serialize)]
pub(crate) struct Object {
    pub(super) name: String,
    pub(super) text: String,
    #[serde(skip)]
    pub(super) schema: Schema,
}

/// The inputs that several bodies share.
pub(super) fn inputs(model: &Model) -> Vec<Input> {
    let mut inputs: Vec<(Input, usize)> = Vec::new();
    for body in model.calls().filter_map(|call| call.body.as_ref()) {
        let name = body.schema_name.clone().unwrap_or_default();
        let inner = body
            .fields
            .iter()
            .map(|field| (format!("{name}.{}", field.name), &field.fields));
        let outer = std::iter::once((name.clone(), &body.fields));
        for (name, fields) in outer.chain(inner) {
            match inputs
                .iter_mut()
                .find(|(input, _)| alike(&input.fields, fields))
            {
                Some((_, uses)) => *uses += 1,
                None => inputs.push((
                    Input {
                        name,
                        meanings: meanings(fields),
                        fields: fields.clone(),
                    },
                    1,
                )),
            }
        }
    }
    inputs.retain(|(input, uses)| *uses > 1 && !input.fields.is_empty());
    inputs.into_iter().map(|(input, _)| input).collect()
}

/// Whether two bodies have the same fields. Required fields and defaults may differ.
pub(super) fn alike(some: &[Field], others: &[Field]) -> bool {
    some.len() == others.len()
        && some.iter().zip(others).all(|(one, other)| {
            one.name == other.name
                && one.nullable == other.nullable
                && one.allowed == other.allowed
                && alike(&one.fields, &other.fields)
        })
}

/// The fields, grouped by their allowed values.
fn meanings(fields: &[Field]) -> Vec<Meaning> {
    let mut meanings = Vec::new();
    for field in fields {
        let null = if field.nullable { "?" } else { "" };
        add(
            &mut meanings,
            format!("{}{null}", field.name),
            &field.allowed,
        );
    }
    meanings
}

fn add(meanings: &mut Vec<Meaning>, name: String, allowed: &str) {
    match meanings.iter_mut().find(|known| known.allowed == allowed) {
        Some(known) => known.names.push(name),
        None => meanings.push(Meaning {
            names: vec![name],
            allowed: allowed.to_owned(),
        }),
    }
}

/// Meanings of several names, or of one name in several places, that no input explains.
pub(super) fn vocabulary(model: &Model, inputs: &[Input]) -> Vec<Meaning> {
    let mut uses: Vec<Use> = model
        .calls()
        .flat_map(|call| {
            let answers = call.answers.first().into_iter();
            // The template explains paths and headers.
            let query = call.parameters.iter().filter(|one| one.place == "query");
            let asked = query.map(Use::of);
            asked.chain(answers.flat_map(|answer| choices(&answer.schema)))
        })
        .collect();
    uses.retain(|one| {
        !inputs
            .iter()
            .any(|input| has(&input.fields, &one.name, &one.allowed))
    });

    let mut vocabulary = Vec::new();
    let mut told: Vec<&str> = Vec::new();
    for one in &uses {
        let alike = uses.iter().filter(|other| other.allowed == one.allowed);
        if alike.count() > 1 && !told.contains(&one.name.as_str()) {
            told.push(&one.name);
            add(&mut vocabulary, one.marked.clone(), &one.allowed);
        }
    }
    vocabulary
}

/// One occurrence of a name.
struct Use {
    name: String,
    marked: String,
    allowed: String,
}

impl Use {
    fn of(field: &Field) -> Self {
        Self {
            name: field.name.clone(),
            marked: field.marked_name(),
            allowed: field.allowed.clone(),
        }
    }
}

/// Whether a field has this name and these allowed values.
pub(super) fn has(fields: &[Field], name: &str, allowed: &str) -> bool {
    fields
        .iter()
        .any(|field| field.name == name && field.allowed == allowed)
}

/// The fields of a reply that have allowed values.
fn choices(schema: &Schema) -> impl Iterator<Item = Use> {
    data(schema)
        .into_iter()
        .flat_map(Schema::properties)
        .filter(|(_, property)| property.has_values())
        .map(|(name, property)| Use {
            name: name.to_owned(),
            marked: name.to_owned(),
            allowed: words::allowed(property),
        })
}

/// The object in a reply, or the object of each row of a list.
pub(super) fn data(schema: &Schema) -> Option<&Schema> {
    let data = schema.property("data")?;
    Some(data.items().unwrap_or(data))
}

/// The objects in the replies of several calls.
pub(super) fn objects(model: &Model, inputs: &[Input]) -> Vec<Object> {
    let mut objects: Vec<(&Schema, usize)> = Vec::new();
    for answer in model.calls().filter_map(|call| call.answers.first()) {
        for (_, property) in answer.schema.properties() {
            let object = property.items().unwrap_or(property);
            match objects.iter_mut().find(|(known, _)| *known == object) {
                Some((_, uses)) => *uses += 1,
                None => objects.push((object, 1)),
            }
        }
    }
    objects
        .into_iter()
        .filter(|(object, uses)| *uses > 1 && object.has_properties())
        .filter_map(|(object, _)| {
            Some(Object {
                name: object.component()?.to_owned(),
                text: summed_up(object, inputs),
                schema: object.clone(),
            })
        })
        .collect()
}

/// The names in an object; the name of an input stands for its fields.
fn summed_up(object: &Schema, inputs: &[Input]) -> String {
    let answered = |field: &Field| object.properties().any(|(name, _)| name == field.name);
    let input = inputs
        .iter()
        .find(|input| input.fields.iter().all(answered));
    let sent =
        |name: &str| input.is_some_and(|input| input.fields.iter().any(|field| field.name == name));
    let others = object
        .properties()
        .map(|(name, _)| name.to_owned())
        .filter(|name| !sent(name));
    spaced(
        input
            .map(|input| input.name.clone())
            .into_iter()
            .chain(others),
    )
}
