//! The defaults of a new workspace.

use anyhow::{Result, bail};
use konektor_spec::Spec;

use crate::{
    commands::{context::Context, usage::UsageError},
    domain::{
        id,
        workspace::{NameIndex, Workspace},
    },
};

/// The plan with an individual limit.
const CUSTOM_PLAN: &str = "custom";
pub(crate) const TIME_ZONE: &str = "Asia/Jakarta";
pub(crate) const CURRENCY: &str = "IDR";
const LANGUAGE: &str = "id";
const DATE_FORMAT: &str = "DD/MM/YYYY";
const MAX_NAME_LENGTH: usize = 200;

/// A workspace with this name and the defaults of everything else.
pub(crate) fn new_workspace(name: &str, context: &Context) -> Workspace {
    let (now, mut rng) = (context.clock.now(), context.randomness.rng());
    Workspace {
        id: id::workspace(now, &mut rng),
        name: name.to_owned(),
        plan: String::new(),
        requests_per_minute: None,
        leads_per_day: None,
        timezone: String::new(),
        currency: String::new(),
        language: LANGUAGE.to_owned(),
        date_format: DATE_FORMAT.to_owned(),
        tracking_code: id::tracking_code(&mut rng),
        name_index: NameIndex::On,
        created_at: now,
    }
}

pub(super) fn check_own_limit(plan: &str, requests_per_minute: Option<u32>) -> Result<()> {
    if requests_per_minute.is_some() && plan != CUSTOM_PLAN {
        let usual = Spec::builtin().requests_per_minute(plan);
        let usual = usual.map_or_else(
            || "has no Agent API".to_owned(),
            |usual| format!("always has {usual}"),
        );
        bail!(UsageError(format!(
            "--requests-per-minute can only be used with plan {CUSTOM_PLAN}; plan {plan} {usual}"
        )));
    }
    Ok(())
}

pub(crate) fn parse_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() {
        Err("must have at least one letter".to_owned())
    } else if name.chars().count() > MAX_NAME_LENGTH {
        Err(format!("must have at most {MAX_NAME_LENGTH} letters"))
    } else if name.chars().any(char::is_control) {
        Err("must be one line of text".to_owned())
    } else {
        Ok(name.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plan_with_a_limit_of_its_own_is_in_the_document() {
        assert!(Spec::builtin().requests_per_minute(CUSTOM_PLAN).is_some());
    }
}
