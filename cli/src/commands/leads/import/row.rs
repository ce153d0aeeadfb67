//! Turns a row into a request, and checks it against the document.

use std::collections::BTreeMap;

use konektor_spec::{
    OperationId,
    phone::{Phone, strip_marks},
    rule::Rule,
};
use serde_json::{Map, Value, json};

use super::columns::Fields;
use crate::error::Failure;

/// The fields to match a lead by, the most reliable first. The id is last, because it differs between workspaces.
const LOOKUP_FIELDS: [&str; 4] = ["uniqueCode", "externalRef", "phone", ID];

/// The only one of them that is not a field of the body.
const ID: &str = "id";

/// The request for a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Request {
    /// A new lead, for a row without a field to match by.
    Create(Map<String, Value>),
    Upsert {
        by: String,
        value: String,
        lead: Map<String, Value>,
        /// The id in the row, whatever it is matched by.
        id: Option<String>,
    },
}

/// The errors in a row, by field.
pub(super) type FieldErrors = BTreeMap<String, String>;

/// The document's rules for both kinds of requests.
pub(super) struct Rules {
    create: Rule,
    upsert: Rule,
    /// The fields to match leads by, in this order.
    lookup_fields: Vec<String>,
}

impl Rules {
    /// Reads the rules. `only` is the field to match by, if one was named.
    pub(super) fn new(fields: &Fields, only: Option<&str>) -> Result<Self, Failure> {
        let rule = |id: OperationId| {
            let body = id.operation().body.as_ref();
            let body =
                body.ok_or_else(|| Failure::other(format!("{} has no body", id.as_str())))?;
            Rule::new(&body.schema).map_err(|error| Failure::other(error.to_string()))
        };
        let lookup_fields = match only {
            Some(field) => vec![field.to_owned()],
            None => LOOKUP_FIELDS
                .into_iter()
                .filter(|field| fields.lookup_fields.iter().any(|known| known == field))
                .map(str::to_owned)
                .collect(),
        };
        Ok(Self {
            create: rule(OperationId::LeadsCreate)?,
            upsert: rule(OperationId::LeadsUpsert)?,
            lookup_fields,
        })
    }

    /// Builds the request for a row, or returns all errors in it.
    pub(super) fn request(&self, mut lead: Map<String, Value>) -> Result<Request, FieldErrors> {
        if let Some(Value::String(phone)) = lead.get_mut("phone") {
            *phone = strip_marks(phone).to_owned();
        }
        let found_by = self
            .lookup_fields
            .iter()
            .find_map(|field| Some((field.clone(), lead.get(field)?.as_str()?.to_owned())));
        let id = lead
            .remove(ID)
            .as_ref()
            .and_then(Value::as_str)
            .map(str::to_owned);
        let request = match found_by {
            Some((by, value)) => Request::Upsert {
                by,
                value,
                lead,
                id,
            },
            None => Request::Create(lead),
        };
        let mut bad = FieldErrors::new();
        match &request {
            Request::Create(_) => self.create.check(&request.body(), &mut bad),
            Request::Upsert { .. } => self.upsert.check(&request.body(), &mut bad),
        }
        if bad.is_empty() {
            return Ok(request);
        }
        Err(bad
            .into_iter()
            .map(|(field, why)| (row_field(&field, &request), why))
            .collect())
    }
}

impl Request {
    /// The body of the request.
    pub(super) fn body(&self) -> Value {
        match self {
            Self::Create(lead) => json!(lead),
            Self::Upsert {
                by, value, lead, ..
            } => json!({
                "match": {"by": by, "value": value},
                "lead": lead,
                "createIfMissing": self.may_create(),
            }),
        }
    }

    /// The id of the lead, which only the server can create.
    pub(super) fn may_create(&self) -> bool {
        !matches!(self, Self::Upsert { by, .. } if by == ID)
    }

    /// Everything that identifies the lead. Two rows that share a value may be about the same lead, so they must be
    /// sent in order.
    pub(super) fn identities(&self) -> Vec<String> {
        let (lead, id) = match self {
            Self::Create(lead) => (lead, None),
            Self::Upsert { lead, id, .. } => (lead, id.as_deref()),
        };
        LOOKUP_FIELDS
            .into_iter()
            .filter_map(|field| {
                let value = match field {
                    ID => id?,
                    _ => lead.get(field)?.as_str()?,
                };
                let number = (field == "phone").then(|| Phone::parse(value)).flatten();
                let value = number.map_or_else(|| value.to_owned(), Phone::into_string);
                Some(format!("{field} {value}"))
            })
            .collect()
    }
}

/// Returns the row's name of a field of the body: `firstName` for `lead.firstName`.
fn row_field(path: &str, request: &Request) -> String {
    match (path, request) {
        ("match.value", Request::Upsert { by, .. }) => by.clone(),
        _ => path.trim_start_matches("lead.").to_owned(),
    }
}

/// `email: Invalid email; phone: Invalid phone`
pub(super) fn reasons(bad: &FieldErrors) -> String {
    let reasons: Vec<_> = bad
        .iter()
        .map(|(field, why)| format!("{field}: {why}"))
        .collect();
    reasons.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(lead: &Value) -> Result<Request, FieldErrors> {
        let fields = Fields::from_document().unwrap();
        let rules = Rules::new(&fields, None).unwrap();
        rules.request(lead.as_object().unwrap().clone())
    }

    #[test]
    fn a_lead_is_found_by_the_surest_that_the_row_has() {
        let by = |lead: Value| match request(&lead).unwrap() {
            Request::Create(_) => "nothing".to_owned(),
            Request::Upsert { by, .. } => by,
        };
        let all = json!({"firstName": "B", "phone": "0812345678", "externalRef": "CRM-1", "uniqueCode": "KNK-1", "id": "lead_1"});
        let without = |names: &[&str]| {
            let mut lead = all.clone();
            for name in names {
                lead.as_object_mut().unwrap().remove(*name);
            }
            lead
        };
        assert_eq!(by(all.clone()), "uniqueCode");
        assert_eq!(by(without(&["uniqueCode"])), "externalRef");
        assert_eq!(by(without(&["uniqueCode", "externalRef"])), "phone");
        assert_eq!(by(without(&["uniqueCode", "externalRef", "phone"])), "id");
        assert_eq!(
            by(json!({"firstName": "B", "email": "b@example.com"})),
            "nothing"
        );
    }

    #[test]
    fn a_lead_by_its_id_is_never_created() {
        let request = request(&json!({"id": "lead_1", "status": "won"})).unwrap();
        assert_eq!(
            request.body(),
            json!({"match": {"by": "id", "value": "lead_1"}, "lead": {"status": "won"}, "createIfMissing": false})
        );
    }

    #[test]
    fn everything_wrong_is_said_by_the_fields_of_the_row() {
        let bad = request(
            &json!({"firstName": "", "email": "budi@", "phone": "ask", "estimatedValue": "5 juta"}),
        );
        assert_eq!(
            reasons(&bad.unwrap_err()),
            "email: Invalid email; estimatedValue: Must be a number; firstName: Must not be empty; phone: Invalid phone: write one number in digits, like 081234567890 or +14155552671"
        );
        assert_eq!(
            reasons(&request(&json!({"email": "b@example.com"})).unwrap_err()),
            "firstName: Required"
        );
    }

    #[test]
    fn marks_of_other_programs_around_a_phone_are_stripped() {
        for phone in [
            "p:+6281200000101",
            "=\"081200000101\"",
            "'081200000101",
            "‘081200000101",
        ] {
            let request = request(&json!({"firstName": "B", "phone": phone})).unwrap();
            let identities = request.identities();
            assert_eq!(identities, ["phone +6281200000101"], "{phone}");
            let Request::Upsert { value, .. } = request else {
                panic!("{phone} does not find a lead");
            };
            assert!(!value.contains([':', '"', '\'', '‘']), "{value}");
        }
    }

    #[test]
    fn rows_about_one_lead_are_known_however_its_phone_is_written() {
        let identities = |phone: &str| {
            request(&json!({"firstName": "B", "phone": phone}))
                .unwrap()
                .identities()
        };
        assert_eq!(identities("0812-3456-7890"), identities("+6281234567890"));
        assert_ne!(identities("0812-3456-7890"), identities("0812-3456-7891"));
    }

    #[test]
    fn rows_about_one_lead_are_known_whatever_each_is_found_by() {
        let all = json!({"firstName": "B", "phone": "0812-3456-7890", "externalRef": "CRM-1", "uniqueCode": "KNK-1", "id": "lead_1"});
        let identities = request(&all).unwrap().identities();
        assert_eq!(
            identities,
            [
                "uniqueCode KNK-1",
                "externalRef CRM-1",
                "phone +6281234567890",
                "id lead_1"
            ]
        );
        for field in LOOKUP_FIELDS {
            let alone = json!({"firstName": "B", field: all[field]});
            let alone = request(&alone).unwrap().identities();
            assert!(identities.contains(&alone[0]), "{field}");
        }
    }
}
