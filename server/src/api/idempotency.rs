//! The identity of a request under an `Idempotency-Key`, for every operation that declares this header. See
//! draft-ietf-httpapi-idempotency-key-header-07.

use konektor_spec::Operation;
use serde_json::{Value, json};

use crate::{api::call::Call, domain::amount::Amount, store::idempotency::IdempotentRequest};

/// The header. Errors name the field by it, too.
const HEADER: &str = "Idempotency-Key";

impl Call {
    /// The request with its key; `None` if it has no key.
    pub(super) fn idempotent_request(&self) -> Option<IdempotentRequest> {
        let key = self.input.header(HEADER)?;
        let Operation { method, path, .. } = &*self.operation;
        let request = json!([method, path.as_str(), self.input.sent()]);
        let request = canonical(request).to_string();
        let tenant = &self.caller.tenant;
        let ttl = self.state.idempotency_ttl();
        Some(tenant.idempotent_request(key, request.as_bytes(), self.now, ttl))
    }
}

/// Values in one spelling: the order of names does not matter, and `5000000`, `5000000.0` and `5e6` are one number.
fn canonical(mut value: Value) -> Value {
    value.sort_all_objects();
    spell_numbers(&mut value);
    value
}

fn spell_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(float) = number.as_f64().filter(|_| number.is_f64()) {
                *value = json!(Amount::from(float));
            }
        }
        Value::Array(values) => values.iter_mut().for_each(spell_numbers),
        Value::Object(fields) => fields.values_mut().for_each(spell_numbers),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_one_spelling_and_others_have_not() {
        let spelled = |text: &str| canonical(serde_json::from_str(text).unwrap()).to_string();
        for (one, other) in [
            (
                r#"{"a":5000000,"b":[{"d":1,"c":2}]}"#,
                r#"{"b":[{"c":2e0,"d":1.0}],"a":5e6}"#,
            ),
            ("1000000000000000", "1e15"),
            ("0", "-0.0"),
            ("1.10", "1.1"),
            ("0.5", "5e-1"),
            (r#""Budi""#, r#""B\u0075di""#),
        ] {
            assert_eq!(spelled(one), spelled(other), "{one} {other}");
        }
        for (one, other) in [
            ("5000000", "5000000.01"),
            ("5", r#""5""#),
            ("0", "null"),
            ("[1,2]", "[2,1]"),
            ("{}", r#"{"a":null}"#),
            (r#""a""#, r#""A""#),
        ] {
            assert_ne!(spelled(one), spelled(other), "{one} {other}");
        }
    }
}
