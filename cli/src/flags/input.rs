use clap::Arg;
use heck::ToKebabCase as _;
use konektor_spec::{Location, Operation, Schema};

use super::schema;

/// One thing that an operation takes.
pub(super) struct Input<'a> {
    /// Its path: the name of a parameter, or the names that lead to a body field.
    pub(super) path: Vec<&'a str>,
    pub(super) schema: &'a Schema,
    pub(super) description: &'a str,
    pub(super) required: bool,
    pub(super) positional: bool,
}

/// What an operation takes, in the document's order.
pub(super) fn inputs(operation: &Operation) -> Vec<Input<'_>> {
    // Headers are the client's own affair.
    let typed = operation
        .parameters
        .iter()
        .filter(|parameter| parameter.location != Location::Header);
    let parameters = typed.map(|parameter| Input {
        path: vec![&parameter.name],
        schema: &parameter.schema,
        description: &parameter.description,
        required: parameter.required,
        positional: parameter.location == Location::Path,
    });
    let fields = operation
        .body
        .iter()
        .flat_map(|body| fields(&body.schema, &[], true));
    parameters.chain(fields).collect()
}

/// The fields of an object, those of objects in it included.
fn fields<'a>(schema: &'a Schema, above: &[&'a str], needed: bool) -> Vec<Input<'a>> {
    schema
        .properties()
        .flat_map(|(name, field)| {
            let path = [above, &[name]].concat();
            let required = needed && schema.is_required(name);
            if field.has_properties() {
                return fields(field, &path, required);
            }
            vec![Input {
                path,
                schema: field,
                description: field.description().unwrap_or_default(),
                required,
                positional: false,
            }]
        })
        .collect()
}

/// Those that null empties.
pub(super) fn clearable(operation: &Operation) -> Vec<Input<'_>> {
    inputs(operation)
        .into_iter()
        .filter(|input| !input.positional && input.schema.is_nullable())
        .collect()
}

impl<'a> Input<'a> {
    pub(super) fn name(&self) -> &'a str {
        self.path.last().copied().unwrap_or_default()
    }

    /// A lead's own fields are spelled the same everywhere, wherever the body has them.
    pub(super) fn spelling(&self) -> String {
        match self.path.as_slice() {
            ["lead", rest @ ..] => rest.join("-").to_kebab_case(),
            path => path.join("-").to_kebab_case(),
        }
    }

    pub(super) fn id(&self) -> String {
        self.path.join(".")
    }

    pub(super) fn flag(&self) -> Arg {
        let spelling = self.spelling();
        let arg = Arg::new(self.id())
            .required(self.required)
            .value_name(schema::value_name(self.schema))
            .value_parser(schema::parser(self.schema))
            .help(self.help());
        if self.positional {
            return arg.value_name(self.name().to_uppercase());
        }
        let arg = match self.path.as_slice() {
            // Those who know the API's own spelling may use it.
            [name] | ["lead", name] if *name != spelling => arg.alias((*name).to_owned()),
            _ => arg,
        };
        match self.since_or_until() {
            Some(short) => arg.long(spelling).visible_alias(short),
            None => arg.long(spelling),
        }
    }

    /// How the flag is typed with the least letters.
    pub(super) fn shortest(&self) -> String {
        self.since_or_until()
            .map_or_else(|| self.spelling(), str::to_owned)
    }

    /// Ends of a period have one name everywhere, whatever the document calls them.
    fn since_or_until(&self) -> Option<&'static str> {
        let name = self.name().to_lowercase();
        match name {
            _ if !self.schema.is_time() => None,
            name if name.ends_with("from") => Some("since"),
            name if name.ends_with("to") => Some("until"),
            _ => None,
        }
    }

    fn help(&self) -> String {
        self.description
            .split_whitespace()
            .map(str::to_owned)
            .chain(
                self.schema
                    .is_time()
                    .then(|| "Or today, yesterday, 7d, 12h and the like.".to_owned()),
            )
            .chain(schema::facts(self.schema).map(|fact| format!("[{fact}]")))
            .collect::<Vec<_>>()
            .join(" ")
    }
}
