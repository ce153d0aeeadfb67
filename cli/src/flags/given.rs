use std::cell::RefCell;

use clap::ArgMatches;
use heck::ToKebabCase as _;
use konektor_sdk::jiff::tz::TimeZone;
use konektor_spec::Operation;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{CLEAR, Calendar, clearable, input::Input, inputs, moment};
use crate::{base::LocalClock, env::Environment, error::Failure};

/// What was given on the command line.
pub(crate) struct Flags<'a> {
    operation: &'a Operation,
    matches: &'a ArgMatches,
    environment: &'a Environment<'a>,
    /// Whose days are meant; those of the reader while nobody knows better.
    zone: RefCell<Option<TimeZone>>,
}

impl<'a> Flags<'a> {
    pub(crate) fn new(
        operation: &'a Operation,
        matches: &'a ArgMatches,
        environment: &'a Environment<'a>,
    ) -> Self {
        Self {
            operation,
            matches,
            environment,
            zone: RefCell::default(),
        }
    }

    /// How far the moments that were typed depend on the time zone, and one that depends most.
    pub(crate) fn calendar(&self) -> (Calendar, &'a str) {
        let typed = inputs(self.operation)
            .into_iter()
            .filter(|input| input.schema.is_time())
            .filter_map(|input| {
                let typed = self.matches.try_get_one::<Value>(&input.id()).ok()??;
                typed.as_str()
            });
        typed
            .map(|typed| (moment::calendar(typed), typed))
            .max_by_key(|(calendar, _)| *calendar)
            .unwrap_or((Calendar::Not, ""))
    }

    /// From now on days are those of this time zone.
    pub(crate) fn count_days_in(&self, zone: TimeZone) {
        self.zone.replace(Some(zone));
    }

    /// What is sent for a moment.
    pub(crate) fn moment(&self, typed: &str) -> String {
        let clock = match &*self.zone.borrow() {
            Some(zone) => LocalClock::new((self.environment.now)(), zone.clone()),
            None => self.environment.clock(),
        };
        moment::sent(typed, &clock)
    }

    /// A parameter by the document's name, or a field by its path.
    pub(crate) fn get<T: DeserializeOwned>(&self, id: &str) -> Result<Option<T>, Failure> {
        let inputs = inputs(self.operation);
        let input = inputs.iter().find(|input| input.id() == id);
        let Some(value) = input.and_then(|input| self.value(input)) else {
            return Ok(None);
        };
        serde_json::from_value(value).map(Some).map_err(|_| {
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

    /// All that the flags say of the body, as it is sent.
    pub(crate) fn whole_body(&self) -> Result<Value, Failure> {
        let mut body = Value::Object(Map::new());
        for (path, value) in self.set().into_iter().chain(self.cleared()?) {
            let mut place = &mut body;
            for name in path {
                place = &mut place[name];
            }
            *place = value;
        }
        Ok(body)
    }

    /// The operation's path with what was given for its parameters.
    pub(crate) fn path(&self) -> String {
        self.operation.path.fill(|name| {
            let mut inputs = inputs(self.operation).into_iter();
            let input = inputs.find(|input| input.positional && input.name() == name);
            let value = input.and_then(|input| self.value(&input));
            let text = value.as_ref().and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        })
    }

    fn set(&self) -> Vec<(Vec<&'a str>, Value)> {
        inputs(self.operation)
            .into_iter()
            .filter(|input| !input.positional)
            .filter_map(|input| Some((input.path.clone(), self.value(&input)?)))
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
            if self.typed(&input.id()) {
                return Err(Failure::usage(format!(
                    "--{} and --clear {name} contradict each other",
                    input.spelling()
                )));
            }
            cleared.push((input.path, Value::Null));
        }
        Ok(cleared)
    }

    /// What is sent for it.
    fn value(&self, input: &Input<'_>) -> Option<Value> {
        let typed = self.matches.try_get_one::<Value>(&input.id()).ok()??;
        match typed {
            Value::String(text) if input.schema.is_time() => Some(self.moment(text).into()),
            value => Some(value.clone()),
        }
    }

    /// Whether a parameter or field was given.
    pub(crate) fn typed(&self, id: &str) -> bool {
        matches!(self.matches.try_get_one::<Value>(id), Ok(Some(_)))
    }

    /// Whether a flag that is none of the operation's was given.
    pub(crate) fn is_set(&self, flag: &str) -> bool {
        matches!(self.matches.try_get_one::<bool>(flag), Ok(Some(true)))
    }

    /// The value of a flag that is none of the operation's.
    pub(crate) fn own<T: Clone + Send + Sync + 'static>(&self, flag: &str) -> Option<T> {
        self.matches.try_get_one::<T>(flag).ok().flatten().cloned()
    }

    /// The flags as they were typed, some left out, for a command line to copy.
    pub(crate) fn typed_without(&self, left_out: &[&str]) -> Vec<String> {
        let mut words = Vec::new();
        for input in inputs(self.operation) {
            let raw = self.matches.try_get_raw(&input.id()).ok().flatten();
            for value in raw.into_iter().flatten() {
                if !left_out.contains(&input.name()) {
                    words.push(format!("--{}", input.shortest()));
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
