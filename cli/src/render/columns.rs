//! How a field of an answer looks to a person.

use heck::ToSnakeCase as _;
use serde_json::Value;

use super::{
    DisplayContext,
    amount::{count, share},
    json_rows,
    phone::phone,
    table::{Cell, Column},
};
use crate::base::{Field, FieldKind};

/// Returns the name as words: `estimated value` for `estimatedValue`.
pub(super) fn label(field: &Field) -> String {
    let last = field.name.rsplit('.').next().unwrap_or_default();
    last.to_snake_case().replace('_', " ")
}

/// A time in full; everything else as in a table.
pub(super) fn detail(field: &Field, row: &Value, display: &DisplayContext) -> Cell {
    let value = json_rows::field(row, field.name);
    let time = value.as_str().and_then(|text| text.parse().ok());
    match (field.kind, time) {
        (FieldKind::Time, Some(time)) => Cell::new(display.clock.at_and_ago(time)),
        _ => cell(field, row, display),
    }
}

pub(super) fn column(field: &Field) -> Column {
    let column = Column::new(field.name);
    match field.kind {
        FieldKind::Count | FieldKind::Amount | FieldKind::Share => column.right(),
        FieldKind::Text => column.min_width(8),
        _ => column,
    }
}

pub(super) fn cell(field: &Field, row: &Value, display: &DisplayContext) -> Cell {
    let value = json_rows::field(row, field.name);
    if value.is_null() {
        return Cell::optional(None::<String>);
    }
    let text = || json_rows::text(value).into_owned();
    match field.kind {
        FieldKind::Text => Cell::new(text()),
        FieldKind::Phone => Cell::new(phone(&text())),
        FieldKind::Status => Cell::status(text()),
        FieldKind::Time => Cell::new(
            text()
                .parse()
                .map_or_else(|_| text(), |time| display.clock.ago(time)),
        ),
        FieldKind::Count => Cell::new(value.as_i64().map_or_else(text, count)),
        FieldKind::Amount => {
            let amount = |number| display.currency.amount(number);
            Cell::new(value.as_f64().map_or_else(text, amount))
        }
        FieldKind::Share => Cell::new(value.as_f64().map_or_else(text, share)),
    }
}
