//! Failures about names in the config file and on the command line.

use super::settings::SETTINGS;
use crate::error::{Failure, did_you_mean, nearest};

pub(crate) fn unknown_setting(name: &str) -> Failure {
    Failure::usage(format!("unknown setting \"{name}\"")).hint(settings())
}

/// An unknown name in the config file.
pub(super) fn unknown_name(name: &str, place: &str, meant: Option<&str>) -> Failure {
    let meant = did_you_mean(meant);
    Failure::usage(format!("unknown setting \"{name}\" ({place}){meant}")).hint(settings())
}

/// A setting outside all profiles, where it has no effect.
pub(super) fn misplaced_setting(name: &str, place: &str, profile: &str) -> Failure {
    Failure::usage(format!(
        "\"{name}\" has no effect outside of a profile ({place}); move it below a line [profiles.{profile}]"
    ))
}

/// A profile that does not exist. The known ones are listed.
pub(super) fn unknown_profile(name: &str, place: &str, known: &[String]) -> Failure {
    let meant = did_you_mean(nearest(name, known.iter().map(String::as_str)));
    let failure = Failure::usage(format!("unknown profile \"{name}\"{place}{meant}"));
    let failure = if known.is_empty() {
        failure
    } else {
        failure.hint(format!("profiles: {}", known.join(", ")))
    };
    failure.hint(format!(
        "create it with: konektor auth login --profile {name}"
    ))
}

fn settings() -> String {
    let names = SETTINGS.map(|setting| setting.name);
    format!("settings: {}", names.join(", "))
}
