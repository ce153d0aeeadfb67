use clap::ArgMatches;
use heck::ToKebabCase as _;
use konektor_spec::Operation;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{CLEAR, clearable, inputs};
use crate::error::Failure;

/// What was given on the command line.
pub(crate) struct Flags<'a> {
    operation: &'a Operation,
    matches: &'a ArgMatches,
}

impl<'a> Flags<'a> {
    pub(crate) fn new(operation: &'a Operation, matches: &'a ArgMatches) -> Self {
        Self { operation, matches }
    }

    /// A parameter by the document's name, or a field by its path.
    pub(crate) fn get<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, Failure> {
        let Some(value) = self.value(id) else {
            return Ok(None);
        };
        serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|_| {
                Failure::other(format!(
                    "this konektor cannot send {id}: is there a newer one?"
                ))
            })
    }

    /// One that clap has made sure of.
    pub(crate) fn required<T: DeserializeOwned>(&self, id: &str) -> Result<T, Failure> {
        self.get(id)?
            .ok_or_else(|| Failure::other(format!("{id} is missing")))
    }

    /// The body that the flags describe, or the part of it below a name.
    pub(crate) fn body<T: DeserializeOwned>(&self, below: Option<&str>) -> Result<T, Failure> {
        let mut body = Map::new();
        let (sets, clears) = (self.set(), self.cleared()?);
        for (path, value) in sets.into_iter().chain(clears) {
            match (path.as_slice(), below) {
                ([name], None) => body.insert((*name).to_owned(), value),
                ([above, name], Some(below)) if *above == below => {
                    body.insert((*name).to_owned(), value)
                }
                _ => None,
            };
        }
        serde_json::from_value(Value::Object(body)).map_err(|_| {
            Failure::other("this konektor cannot send one of these fields: is there a newer one?")
        })
    }

    fn set(&self) -> Vec<(Vec<&'a str>, Value)> {
        inputs(self.operation)
            .into_iter()
            .filter(|input| !input.positional)
            .filter_map(|input| Some((input.path.clone(), self.value(&input.id())?.clone())))
            .collect()
    }

    fn cleared(&self) -> Result<Vec<(Vec<&'a str>, Value)>, Failure> {
        let words: Vec<&String> = self
            .matches
            .try_get_many(CLEAR)
            .ok()
            .flatten()
            .into_iter()
            .flatten()
            .collect();
        let mut cleared = Vec::new();
        for input in clearable(self.operation) {
            let name = input.name().to_kebab_case();
            if !words.iter().any(|word| word.to_kebab_case() == name) {
                continue;
            }
            if self.value(&input.id()).is_some() {
                return Err(Failure::usage(format!(
                    "--{} and --clear {name} contradict each other",
                    input.spelling()
                )));
            }
            cleared.push((input.path, Value::Null));
        }
        Ok(cleared)
    }

    fn value(&self, id: &str) -> Option<&'a Value> {
        self.matches.try_get_one::<Value>(id).ok().flatten()
    }

    /// The flags as they were typed, some left out, for a command line to copy.
    pub(crate) fn typed_without(&self, left_out: &[&str]) -> Vec<String> {
        let mut words = Vec::new();
        for input in inputs(self.operation) {
            let raw = self.matches.try_get_raw(&input.id()).ok().flatten();
            for value in raw.into_iter().flatten() {
                if !left_out.contains(&input.name()) {
                    words.push(format!("--{}", input.spelling()));
                    words.push(value.to_string_lossy().into_owned());
                }
            }
        }
        words
    }
}

/// Sets what was given.
pub(crate) trait Given: Sized {
    fn given<T>(self, value: Option<T>, set: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => set(self, value),
            None => self,
        }
    }
}

impl<R> Given for R {}
