//! Maps columns and names to fields of a lead.

use std::collections::BTreeMap;

use konektor_spec::{OperationId, Schema};
use serde_json::{Map, Value};

use super::{input::Content, rejects};
use crate::{
    args::{LeadsGetArgs, OperationArgs as _, json},
    error::Failure,
};

/// The fields of a lead in the document.
pub(super) struct Fields {
    /// The fields that can be sent, with their schemas.
    writable: Vec<(String, Schema)>,
    /// The fields that only the server sets.
    read_only: Vec<&'static str>,
    /// The fields that a lead can be matched by.
    pub(super) lookup_fields: Vec<String>,
}

/// What a column maps to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Field(String),
    Ignored,
}

/// The mappings of `--map`, by normalised column names.
pub(super) type Mapping = BTreeMap<String, ColumnMapping>;

/// The mapping of one column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ColumnMapping {
    /// The column's name as it was typed.
    typed: String,
    target: Target,
}

impl Fields {
    pub(super) fn from_document() -> Option<Self> {
        let upsert = OperationId::LeadsUpsert.operation();
        let upsert = &upsert.body.as_ref()?.schema;
        let writable: Vec<_> = upsert
            .property("lead")?
            .properties()
            .map(|(name, schema)| (name.to_owned(), schema.clone()))
            .collect();
        let by = upsert.property("match")?.property("by")?;
        let lookup_fields: Vec<_> = by.values().map(str::to_owned).collect();
        let read_only = LeadsGetArgs::FIELDS
            .iter()
            .map(|field| field.name)
            .filter(|name| !writable.iter().any(|(known, _)| known == name))
            .collect();
        Some(Self {
            writable,
            read_only,
            lookup_fields,
        })
    }

    /// Finds the target of a name. `First Name`, `first_name` and `firstName` are the same.
    fn target(&self, name: &str) -> Option<Target> {
        let name = normalize(name);
        let is_it = |known: &&str| normalize(known) == name;
        let known = self.writable.iter().map(|(name, _)| name.as_str());
        let lookup_fields = self.lookup_fields.iter().map(String::as_str);
        if let Some(field) = known.chain(lookup_fields).find(is_it) {
            return Some(Target::Field(field.to_owned()));
        }
        let read_only = self.read_only.iter().copied();
        read_only
            .chain(rejects::COLUMNS)
            .any(|known| is_it(&known))
            .then_some(Target::Ignored)
    }

    /// Parses `--map "Header=field"`. Without a field, the column is skipped.
    pub(super) fn mapping(&self, pairs: &[String]) -> Result<Mapping, Failure> {
        let mut mapping = Mapping::new();
        for pair in pairs {
            let Some((header, field)) = pair.rsplit_once('=') else {
                return Err(Failure::usage(format!(
                    "--map \"{pair}\": write it as \"Header=field\""
                )));
            };
            let target = if field.trim().is_empty() {
                Target::Ignored
            } else {
                self.target(field)
                    .ok_or_else(|| self.unknown(&[field.to_owned()], "--map"))?
            };
            let typed = header.to_owned();
            mapping.insert(normalize(header), ColumnMapping { typed, target });
        }
        Ok(mapping)
    }

    /// Returns the targets of the columns of a header.
    pub(super) fn columns(
        &self,
        header: &[String],
        mapping: &Mapping,
        line: u64,
    ) -> Result<Vec<Target>, Failure> {
        for (name, ColumnMapping { typed, .. }) in mapping {
            if !header.iter().any(|header| normalize(header) == *name) {
                let columns = header.iter().filter(|name| !name.is_empty());
                return Err(Failure::usage(format!(
                    "--map: there is no column \"{typed}\" (line {line})"
                ))
                .hint(format!("columns: {}", quote(columns))));
            }
        }
        let mut unknown = Vec::new();
        let mut columns: Vec<Target> = Vec::new();
        for name in header {
            let target = mapping
                .get(&normalize(name))
                .map(|mapped| mapped.target.clone())
                .or_else(|| name.is_empty().then_some(Target::Ignored))
                .or_else(|| self.target(name));
            let Some(target) = target else {
                unknown.push(name.clone());
                continue;
            };
            if let Target::Field(field) = &target
                && columns.contains(&target)
            {
                return Err(
                    Failure::usage(format!("line {line}: two columns map to {field}"))
                        .hint(format!("skip one of them: --map \"{name}=\"")),
                );
            }
            columns.push(target);
        }
        if !unknown.is_empty() {
            return Err(self.unknown(&unknown, &format!("line {line}")));
        }
        if !columns.iter().any(|target| *target != Target::Ignored) {
            return Err(Failure::usage(format!(
                "line {line}: no column matches a field of a lead; the first line is the header"
            )));
        }
        Ok(columns)
    }

    fn unknown(&self, names: &[String], place: &str) -> Failure {
        let fields: Vec<_> = self
            .writable
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let first = names.first().map_or("", String::as_str);
        let is = if names.len() == 1 {
            "unknown column"
        } else {
            "unknown columns"
        };
        Failure::usage(format!("{place}: {is} {}", quote(names)))
            .hint(format!(
                "map each column to a field (--map \"{first}=notes\") or skip it (--map \"{first}=\")"
            ))
            .hint(format!("fields: {}", fields.join(", ")))
    }

    /// Returns the values of a row by their fields.
    pub(super) fn values(
        &self,
        content: Content,
        columns: &[Target],
        mapping: &Mapping,
    ) -> Result<Map<String, Value>, BTreeMap<String, String>> {
        match content {
            Content::Cells(cells) => self.cells(cells, columns),
            Content::Object(object) => self.object(object, mapping),
            Content::Broken { why, .. } => Err(BTreeMap::from([("row".to_owned(), why)])),
            Content::Bytes(_) => {
                let why = "Not UTF-8; save the file as UTF-8".to_owned();
                Err(BTreeMap::from([("row".to_owned(), why)]))
            }
        }
    }

    /// Returns the values of cells. Empty cells have none.
    fn cells(
        &self,
        cells: Vec<String>,
        columns: &[Target],
    ) -> Result<Map<String, Value>, BTreeMap<String, String>> {
        let (has, wanted) = (cells.len(), columns.len());
        let empty_beyond = cells.iter().skip(wanted).all(String::is_empty);
        if has < wanted || !empty_beyond {
            let why = format!("{has} cells, but the header has {wanted} (is a quote not closed?)");
            return Err(BTreeMap::from([("row".to_owned(), why)]));
        }
        let values = columns.iter().zip(cells).filter_map(|(target, cell)| {
            let Target::Field(field) = target else {
                return None;
            };
            let cell = if TRIMMED.contains(&field.as_str()) {
                cell.trim().to_owned()
            } else {
                cell
            };
            if cell.is_empty() {
                return None;
            }
            let schema = self.schema(field);
            let value =
                schema.map_or_else(|| cell.clone().into(), |schema| json::value(schema, &cell));
            Some((field.clone(), value))
        });
        Ok(values.collect())
    }

    fn object(
        &self,
        object: Map<String, Value>,
        mapping: &Mapping,
    ) -> Result<Map<String, Value>, BTreeMap<String, String>> {
        let mut values = Map::new();
        let mut bad = BTreeMap::new();
        for (name, value) in object {
            let mapped = mapping.get(&normalize(&name));
            let mapped = mapped.map(|mapped| mapped.target.clone());
            match mapped.or_else(|| self.target(&name)) {
                Some(Target::Ignored) => {}
                Some(Target::Field(field)) if values.contains_key(&field) => {
                    bad.insert(field, "Given more than once".to_owned());
                }
                Some(Target::Field(field)) => {
                    values.insert(field, value);
                }
                None => {
                    bad.insert(name, "Unknown field".to_owned());
                }
            }
        }
        if bad.is_empty() { Ok(values) } else { Err(bad) }
    }

    fn schema(&self, field: &str) -> Option<&Schema> {
        let known = self.writable.iter().find(|(name, _)| name == field);
        known.map(|(_, schema)| schema)
    }
}

/// Fields whose values have no surrounding spaces. The API allows spaces in uniqueCode and externalRef, and an export
/// must be imported as the same leads.
const TRIMMED: [&str; 3] = ["id", "email", "phone"];

/// `"Nama", "Telepon"`
fn quote<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    let names = names.into_iter().map(|name| format!("\"{name}\""));
    names.collect::<Vec<_>>().join(", ")
}

/// Normalises a name for comparison, without case, spaces and punctuation.
fn normalize(name: &str) -> String {
    name.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::Field;

    fn fields() -> Fields {
        Fields::from_document().unwrap()
    }

    fn texts(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn field(name: &str) -> Target {
        Target::Field(name.to_owned())
    }

    #[test]
    fn headers_are_known_however_they_are_written() {
        let header = texts(&[
            "First Name",
            "PHONE",
            "external_ref",
            "ad-platform",
            "Created At",
            "id",
            "importError",
        ]);
        assert_eq!(
            fields().columns(&header, &Mapping::new(), 1).unwrap(),
            [
                field("firstName"),
                field("phone"),
                field("externalRef"),
                field("adPlatform"),
                Target::Ignored,
                field("id"),
                Target::Ignored
            ]
        );
    }

    #[test]
    fn every_field_of_an_answer_is_known() {
        for Field { name, .. } in LeadsGetArgs::FIELDS {
            assert!(fields().target(name).is_some(), "{name}");
        }
        assert_eq!(
            fields().target("conversionSyncStatus"),
            Some(Target::Ignored)
        );
    }

    #[test]
    fn a_map_says_what_the_header_does_not() {
        let mapping = fields()
            .mapping(&texts(&["Nama=first name", "Usia=", "a=b=notes"]))
            .unwrap();
        assert_eq!(
            fields()
                .columns(&texts(&["nama", "USIA", "A=B"]), &mapping, 1)
                .unwrap(),
            [field("firstName"), Target::Ignored, field("notes")]
        );
        assert!(fields().mapping(&texts(&["Nama"])).is_err());
        assert!(fields().mapping(&texts(&["Nama=nickname"])).is_err());
        assert!(
            fields()
                .columns(&texts(&["firstName"]), &mapping, 1)
                .is_err()
        );
    }

    #[test]
    fn unknown_columns_are_named_all_at_once_with_what_to_do() {
        let failure = fields()
            .columns(&texts(&["Nama", "Telepon", "status"]), &Mapping::new(), 3)
            .unwrap_err();
        insta::assert_snapshot!(failure.lines().join("\n"), @r#"
        line 3: unknown columns "Nama", "Telepon"
          map each column to a field (--map "Nama=notes") or skip it (--map "Nama=")
          fields: uniqueCode, externalRef, firstName, lastName, email, phone, status, priority, source, adPlatform, assignedTo, estimatedValue, actualValue, notes, campaignName
        "#);
    }

    #[test]
    fn no_field_is_taken_from_two_columns() {
        let twice = fields().columns(&texts(&["phone", "Phone "]), &Mapping::new(), 1);
        assert!(twice.is_err());
    }

    fn row(header: &[&str], cells: &[&str]) -> Result<Value, BTreeMap<String, String>> {
        let fields = fields();
        let columns = fields.columns(&texts(header), &Mapping::new(), 1).unwrap();
        let content = Content::Cells(texts(cells));
        fields
            .values(content, &columns, &Mapping::new())
            .map(Value::Object)
    }

    #[test]
    fn cells_become_what_the_document_asks_for() {
        assert_eq!(
            row(
                &[
                    "firstName",
                    "phone",
                    "estimatedValue",
                    "status",
                    "email",
                    "createdAt"
                ],
                &["007", "6281234567890", " 5000000 ", "Won", "", "yesterday"]
            ),
            Ok(
                json!({"firstName": "007", "phone": "6281234567890", "estimatedValue": 5_000_000.0, "status": "won"})
            )
        );
        assert_eq!(
            row(&["estimatedValue"], &["5 juta"]),
            Ok(json!({"estimatedValue": "5 juta"}))
        );
    }

    #[test]
    fn blanks_around_an_email_or_a_phone_are_no_part_of_it_and_codes_are_kept() {
        assert_eq!(
            row(
                &["firstName", " external_ref", "uniqueCode", "email", "phone"],
                &["Ayu", " R1", "C1 ", "\u{a0}ayu@example.com ", "  "],
            ),
            Ok(
                json!({"firstName": "Ayu", "externalRef": " R1", "uniqueCode": "C1 ", "email": "ayu@example.com"})
            )
        );
    }

    #[test]
    fn a_map_of_no_column_is_told_as_typed_with_the_columns_there_are() {
        let mapping = fields().mapping(&texts(&["Nama Depan=firstName"])).unwrap();
        let failure = fields()
            .columns(&texts(&["Nama", "", "phone"]), &mapping, 1)
            .unwrap_err();
        insta::assert_snapshot!(failure.lines().join("\n"), @r#"
        --map: there is no column "Nama Depan" (line 1)
          columns: "Nama", "phone"
        "#);
    }

    #[test]
    fn a_row_that_does_not_fit_the_header_is_bad() {
        assert!(row(&["firstName", "phone"], &["Budi"]).is_err());
        assert!(row(&["firstName"], &["Budi", "0812"]).is_err());
        assert!(row(&["firstName"], &["Budi", "", ""]).is_ok());
    }

    #[test]
    fn names_of_objects_are_compared_as_headers_are() {
        let fields = fields();
        let values = |object: Value| {
            let object = object.as_object().unwrap().clone();
            fields.values(Content::Object(object), &[], &Mapping::new())
        };
        assert_eq!(
            values(json!({"first_name": "Budi", "email": null, "createdAt": "x"}))
                .map(Value::Object),
            Ok(json!({"firstName": "Budi", "email": null}))
        );
        let bad = values(json!({"first_name": "Budi", "firstName": "Siti", "age": 5})).unwrap_err();
        assert_eq!(bad.keys().collect::<Vec<_>>(), ["age", "firstName"]);
    }
}
