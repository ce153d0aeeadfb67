//! `--jq`: a filter in the jq language.

use std::{fmt, sync::Arc};

use jaq_core::{
    Compiler, Ctx, Vars, data,
    load::{self, Arena, File, Loader},
    unwrap_valr,
};
use jaq_json::{Val, read};
use serde_json::Value;

use crate::error::Failure;

const PRELUDE: &str = include_str!("prelude.jq");

/// A filter that can be run.
#[derive(Clone)]
pub(crate) struct Filter {
    filter: Arc<jaq_core::Filter<data::JustLut<Val>>>,
    code: Arc<str>,
}

impl Filter {
    /// # Errors
    /// A message with the position of the mistake in the expression.
    pub(crate) fn parse(code: &str) -> Result<Self, String> {
        let defs = jaq_core::defs()
            .chain(jaq_std::defs())
            .chain(jaq_json::defs())
            .chain(load::parse(PRELUDE, |parser| parser.defs()).unwrap_or_default());
        let funs = jaq_core::funs()
            .chain(jaq_std::funs())
            .chain(jaq_json::funs())
            // The environment may contain the API key.
            .filter(|(name, ..)| *name != "env");
        let arena = Arena::default();
        let modules = Loader::new(defs)
            .load(&arena, File { code, path: () })
            .map_err(|errors| unreadable(&errors, code))?;
        let filter = Compiler::default()
            .with_funs(funs)
            .compile(modules)
            .map_err(|errors| undefined(&errors))?;
        Ok(Self {
            filter: Arc::new(filter),
            code: code.into(),
        })
    }

    /// The expression as it was typed.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }

    /// Returns the results of the filter for a document.
    ///
    /// # Errors
    /// When the expression fails, for example because it does not match the document.
    pub(super) fn run(&self, document: &Value) -> Result<Vec<Value>, Failure> {
        let input = read::parse_single(document.to_string().as_bytes())
            .map_err(|_| Failure::other("--jq cannot read the answer"))?;
        let context = Ctx::<data::JustLut<Val>>::new(&self.filter.lut, Vars::new([]));
        self.filter
            .id
            .run((context, input))
            .map(unwrap_valr)
            .map(|result| {
                let result = result.map_err(|error| Failure::usage(format!("--jq: {error}")))?;
                serde_json::from_str(&result.to_string())
                    .map_err(|_| Failure::usage("--jq: a result is not JSON (NaN, for example)"))
            })
            .collect()
    }
}

impl fmt::Debug for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Filter")
    }
}

/// Describes where parsing stopped.
fn unreadable(errors: &load::Errors<&str, ()>, code: &str) -> String {
    let rest = errors.iter().find_map(|(_, error)| match error {
        load::Error::Lex(errors) => errors.first().map(|(_, rest)| *rest),
        load::Error::Parse(errors) => errors.first().map(|(_, rest)| *rest),
        load::Error::Io(_) => None,
    });
    match rest {
        Some(rest) if !rest.is_empty() => {
            let before = (rest.as_ptr() as usize).checked_sub(code.as_ptr() as usize);
            let at = before
                .and_then(|before| code.get(..before))
                .map_or(0, |read| read.chars().count());
            format!("invalid jq expression from character {} on", at + 1)
        }
        _ => "invalid jq expression: it ends too early".to_owned(),
    }
}

fn undefined(errors: &jaq_core::compile::Errors<&str, ()>) -> String {
    let names: Vec<_> = errors
        .iter()
        .flat_map(|(_, errors)| errors)
        .map(|(name, _)| *name)
        .collect();
    format!(
        "invalid jq expression: unknown function {}",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(code: &str) -> Vec<Value> {
        let document = json!({"data": [{"id": "a", "n": 1.5}, {"id": "b", "n": null}]});
        Filter::parse(code).unwrap().run(&document).unwrap()
    }

    #[test]
    fn a_filter_makes_as_many_results_as_it_likes() {
        assert_eq!(run(".data[].id"), [json!("a"), json!("b")]);
        assert_eq!(run(".data | length"), [json!(2)]);
        assert_eq!(
            run("[.data[] | {id, n}]")[0][0],
            json!({"id": "a", "n": 1.5})
        );
        assert_eq!(run("empty"), [] as [Value; 0]);
        assert_eq!(run(".data | map(.n // 0) | add"), [json!(1.5)]);
    }

    #[test]
    fn rows_can_be_text() {
        let row = json!(["a\tb\\\"c\"", 1.5, null, true]);
        let run = |code| Filter::parse(code).unwrap().run(&row).unwrap();
        assert_eq!(run("@tsv"), [json!("a\\tb\\\\\"c\"\t1.5\t\ttrue")]);
        assert_eq!(run("@csv"), [json!("\"a\tb\\\"\"c\"\"\",1.5,,true")]);
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_place() {
        assert_eq!(
            Filter::parse(".data[").unwrap_err(),
            "invalid jq expression: it ends too early"
        );
        assert_eq!(
            Filter::parse(".data | nothing").unwrap_err(),
            "invalid jq expression: unknown function nothing"
        );
        assert!(Filter::parse(".a ) b").unwrap_err().contains("character 4"));
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let filter = Filter::parse(".data + 1").unwrap();
        assert!(filter.run(&json!({"data": {}})).is_err());
    }
}
