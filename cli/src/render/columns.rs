//! The fields of what an operation answers, and how each looks to a person.

use heck::ToSnakeCase as _;
use konektor_spec::{Operation, Schema};
use serde_json::Value;

use super::{
    DisplayContext,
    amount::{count, share},
    json_rows,
    phone::phone,
    table::{Cell, Column},
};

/// A field of the rows in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    kind: Kind,
}

/// What a value is to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Phone,
    Status,
    Time,
    Count,
    Amount,
    Share,
}

/// The fields of the rows that an operation answers with, in the document's order.
pub(crate) fn documented(operation: &Operation) -> Vec<Field> {
    let success = operation
        .responses
        .iter()
        .find(|response| response.status < 400);
    let Some(envelope) = success.map(|response| &response.schema) else {
        return Vec::new();
    };
    let Some(data) = envelope.property("data") else {
        return Vec::new();
    };
    if let Some(row) = data.items() {
        return below(row, "");
    }
    let mut fields = below(data, "");
    if fields.is_empty() {
        return fields;
    }
    for (name, schema) in envelope.properties() {
        if name != "success" && name != "data" {
            fields.push(Field::new(name.to_owned(), schema));
        }
    }
    fields
}

fn below(schema: &Schema, path: &str) -> Vec<Field> {
    schema
        .properties()
        .flat_map(|(name, schema)| {
            let path = match path {
                "" => name.to_owned(),
                path => format!("{path}.{name}"),
            };
            if schema.has_properties() {
                below(schema, &path)
            } else {
                vec![Field::new(path, schema)]
            }
        })
        .collect()
}

impl Field {
    fn new(name: String, schema: &Schema) -> Self {
        let kind = match name.as_str() {
            "phone" => Kind::Phone,
            "status" | "conversionSyncStatus" => Kind::Status,
            "percentage" => Kind::Share,
            _ if schema.is_time() => Kind::Time,
            _ if schema.kind() == Some(konektor_spec::Kind::Integer) => Kind::Count,
            _ if schema.kind() == Some(konektor_spec::Kind::Number) => Kind::Amount,
            _ => Kind::Text,
        };
        Self { name, kind }
    }

    /// The words of the name: `estimated value` for `estimatedValue`.
    pub(super) fn label(&self) -> String {
        let last = self.name.rsplit('.').next().unwrap_or_default();
        last.to_snake_case().replace('_', " ")
    }

    /// A time in full; everything else as in a table.
    pub(super) fn detail(&self, row: &Value, display: &DisplayContext) -> Cell {
        let value = json_rows::field(row, &self.name);
        let time = value.as_str().and_then(|text| text.parse().ok());
        match (self.kind, time) {
            (Kind::Time, Some(time)) => Cell::new(display.clock.at_and_ago(time)),
            _ => self.cell(row, display),
        }
    }

    pub(super) fn column(&self) -> Column {
        let column = Column::new(self.name.clone());
        match self.kind {
            Kind::Count | Kind::Amount | Kind::Share => column.right(),
            Kind::Text => column.min_width(8),
            _ => column,
        }
    }

    pub(super) fn cell(&self, row: &Value, display: &DisplayContext) -> Cell {
        let value = json_rows::field(row, &self.name);
        if value.is_null() {
            return Cell::optional(None::<String>);
        }
        let text = || json_rows::text(value).into_owned();
        match self.kind {
            Kind::Text => Cell::new(text()),
            Kind::Phone => Cell::new(phone(&text())),
            Kind::Status => Cell::status(text()),
            Kind::Time => Cell::new(
                text()
                    .parse()
                    .map_or_else(|_| text(), |time| display.clock.ago(time)),
            ),
            Kind::Count => Cell::new(value.as_i64().map_or_else(text, count)),
            Kind::Amount => {
                let amount = |number| display.currency.amount(number);
                Cell::new(value.as_f64().map_or_else(text, amount))
            }
            Kind::Share => Cell::new(value.as_f64().map_or_else(text, share)),
        }
    }
}

#[cfg(test)]
mod tests {
    use konektor_spec::Spec;

    use super::*;

    fn names(id: &str) -> Vec<String> {
        let fields = documented(Spec::builtin().operation(id).unwrap());
        fields.into_iter().map(|field| field.name).collect()
    }

    #[test]
    fn fields_are_those_of_the_rows() {
        assert_eq!(names("analytics_funnel"), ["status", "count", "percentage"]);
        assert_eq!(names("leads_list"), names("leads_get"));
        assert!(names("workspace_show").contains(&"usage.leadsPerDay.limit".to_owned()));
        assert_eq!(names("skill_show"), [""; 0]);
    }

    #[test]
    fn what_is_said_beside_one_thing_is_a_field_of_it() {
        assert_eq!(names("leads_upsert").last().unwrap(), "created");
    }
}
