//! curl commands for the examples of the document.

use konektor_spec::{Location, Operation, Parameter, percent_encode};

use crate::{address::shell_word, words};

/// A command in one line, for a shell with the variables `BASE` and `KONEKTOR_API_KEY`.
pub(crate) fn command(operation: &Operation) -> String {
    let mut words = vec!["curl -s".to_owned()];
    // curl sends a body as POST unless told otherwise.
    let implied = if operation.body.is_some() {
        "POST"
    } else {
        "GET"
    };
    if operation.method != implied {
        words.push(format!("-X {}", operation.method));
    }
    words.push(format!("\"$BASE{}{}\"", path(operation), query(operation)));
    if operation.scope().is_some() {
        words.push("-H \"Authorization: Bearer $KONEKTOR_API_KEY\"".to_owned());
    }
    if let Some(body) = &operation.body {
        let json = shell_word(&body.example.to_string());
        words.push(format!("-H \"Content-Type: application/json\" -d {json}"));
    }
    words.join(" ")
}

fn path(operation: &Operation) -> String {
    operation.path.fill(|name| {
        let mut parameters = operation.parameters_in(Location::Path);
        let parameter = parameters.find(|parameter| parameter.name == name);
        parameter.map_or_else(String::new, |parameter| words::text(&parameter.example))
    })
}

/// The required parameters, and as an example one with allowed values.
fn query(operation: &Operation) -> String {
    let choice = operation
        .parameters_in(Location::Query)
        .find(|parameter| parameter.schema.is_enum() && !parameter.example.is_null());
    let shown: Vec<_> = operation
        .parameters_in(Location::Query)
        .filter(|parameter| parameter.required || Some(*parameter) == choice)
        .map(|parameter| format!("{}={}", parameter.name, value(parameter)))
        .collect();
    if shown.is_empty() {
        String::new()
    } else {
        format!("?{}", shown.join("&"))
    }
}

fn value(parameter: &Parameter) -> String {
    percent_encode(&words::text(&parameter.example))
}

#[cfg(test)]
mod tests {
    use konektor_spec::Spec;

    use super::*;

    #[test]
    fn a_read_shows_one_choice() {
        let list = Spec::builtin().operation("leads_list").unwrap();
        assert_eq!(
            command(list),
            r#"curl -s "$BASE/leads?status=new" -H "Authorization: Bearer $KONEKTOR_API_KEY""#
        );
    }

    #[test]
    fn a_write_carries_the_documents_body() {
        let update = Spec::builtin().operation("leads_update").unwrap();
        assert_eq!(
            command(update),
            r#"curl -s -X PATCH "$BASE/leads/CRM-1024" -H "Authorization: Bearer $KONEKTOR_API_KEY" -H "Content-Type: application/json" -d '{"status":"qualified","priority":"high"}'"#
        );
    }

    #[test]
    fn a_public_call_needs_no_key() {
        let skill = Spec::builtin().operation("skill_show").unwrap();
        assert_eq!(command(skill), r#"curl -s "$BASE/SKILL.md""#);
    }

    #[test]
    fn values_are_encoded_for_the_url_and_quoted_for_the_shell() {
        let mut update = Spec::builtin().operation("leads_update").unwrap().clone();
        update.parameters[0].example = "+62 812\"$(id)".into();
        if let Some(body) = &mut update.body {
            body.example = serde_json::json!({"notes": "it's"});
        }
        let command = command(&update);
        assert!(
            command.contains("/leads/%2B62%20812%22%24%28id%29\""),
            "{command}"
        );
        assert!(
            command.ends_with(r#"-d '{"notes":"it'\''s"}'"#),
            "{command}"
        );
    }
}
