//! Settings: a flag wins over the environment, that over the profile, that over the default.

use std::{fmt, path::PathBuf, time::Duration};

use clap::{ArgMatches, parser::ValueSource};
use konektor_sdk::{check_base_url, jiff::SignedDuration};
use konektor_spec::{SERVER_URL, Spec};

use super::{
    credentials::{Credentials, Key, Place, holds_key},
    file::{Config, DEFAULT_PROFILE},
};
use crate::{
    command::{default_server, origin},
    error::Failure,
    output::Format,
    world::World,
};

/// The variable that holds the key; there is no flag for it, other programs see those.
pub(crate) const KEY_VARIABLE: &str = "KONEKTOR_API_KEY";

/// The variable that names the profile.
pub(crate) const PROFILE_VARIABLE: &str = "KONEKTOR_PROFILE";

/// The variable that says where the file is.
pub(crate) const FOLDER_VARIABLE: &str = "KONEKTOR_CONFIG_DIR";

/// One thing that can be set. Its name is the one of its flag and of its line in a profile.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) variable: &'static str,
    /// What it is, in a few words.
    pub(crate) about: &'static str,
    default: fn(&Spec) -> String,
    check: fn(&str) -> Result<(), String>,
}

pub(crate) static BASE_URL: Setting = Setting {
    name: "base-url",
    variable: "KONEKTOR_BASE_URL",
    about: "where the server is",
    default: |spec| default_server(spec).to_owned(),
    check: base_url,
};

pub(crate) static OUTPUT: Setting = Setting {
    name: "output",
    variable: "KONEKTOR_OUTPUT",
    about: "how an answer is written",
    default: |_| "table, tsv in a pipe".to_owned(),
    check: |text| Format::parse(text).map(|_| ()),
};

pub(crate) static MAX_WAIT: Setting = Setting {
    name: "max-wait",
    variable: "KONEKTOR_MAX_WAIT",
    about: "how long to wait when there were too many requests",
    default: |_| "30s".to_owned(),
    check: |text| wait(text).map(|_| ()),
};

pub(crate) static KEY_STORE: Setting = Setting {
    name: "key-store",
    variable: "KONEKTOR_KEY_STORE",
    about: "where a key is kept: keyring (a file where there is none), or file",
    default: |_| "keyring".to_owned(),
    check: |text| match text {
        "keyring" | "file" => Ok(()),
        _ => Err(format!("\"{text}\" is not allowed; allowed: keyring, file")),
    },
};

/// All of them, in the order in which they are shown.
pub(crate) static SETTINGS: [&Setting; 4] = [&BASE_URL, &OUTPUT, &MAX_WAIT, &KEY_STORE];

impl Setting {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        SETTINGS.into_iter().find(|setting| setting.name == name)
    }

    /// # Errors
    /// Why a value is none of this setting.
    pub(crate) fn check(&self, text: &str) -> Result<(), Failure> {
        (self.check)(text).map_err(|why| Failure::usage(format!("{}: {why}", self.name)))
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Flag(&'static str),
    Variable(&'static str),
    Profile(String),
    /// The file, outside all profiles.
    File,
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag --{name}"),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::Profile(name) => write!(f, "profile {name}"),
            Self::File => f.write_str("config file"),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value, and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) text: String,
    pub(crate) source: Source,
}

/// Where a key came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    Variable,
    Kept(Place),
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable => write!(f, "environment {KEY_VARIABLE}"),
            Self::Kept(Place::Keyring) => f.write_str("keyring"),
            Self::Kept(Place::File) => f.write_str("credentials file"),
        }
    }
}

/// What holds for one run.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) profile: Found,
    pub(crate) config: Config,
    folder: Option<PathBuf>,
    values: Vec<(&'static Setting, Found)>,
    key_variable: Option<Key>,
}

impl Settings {
    /// # Errors
    /// When the file cannot be read, or a value in it or in the environment is not allowed.
    pub(crate) fn read(
        spec: &Spec,
        matches: &ArgMatches,
        world: &World<'_>,
    ) -> Result<Self, Failure> {
        let config = Config::read(world.config_folder.as_deref())?;
        let profile = profile(&config, matches, world)?;
        check_names(&config, &profile.text)?;
        let values = SETTINGS
            .into_iter()
            .map(|setting| {
                let found = find(setting, spec, matches, world, &config, &profile.text)?;
                Ok((setting, found))
            })
            .collect::<Result<_, Failure>>()?;
        Ok(Self {
            key_variable: variable(world, KEY_VARIABLE)?.map(|text| Key::new(&text)),
            folder: world.config_folder.clone(),
            profile,
            config,
            values,
        })
    }

    pub(crate) fn get(&self, setting: &'static Setting) -> &Found {
        static NOTHING: Found = Found {
            text: String::new(),
            source: Source::Default,
        };
        self.values
            .iter()
            .find(|(known, _)| known.name == setting.name)
            .map_or(&NOTHING, |(_, found)| found)
    }

    /// Where the server is, without a slash at the end.
    pub(crate) fn server(&self) -> &str {
        self.get(&BASE_URL).text.trim().trim_end_matches('/')
    }

    /// How long to wait for the rate limit, if anybody said.
    pub(crate) fn max_wait(&self) -> Option<Duration> {
        let found = self.get(&MAX_WAIT);
        match found.source {
            Source::Default => None,
            _ => wait(&found.text).ok(),
        }
    }

    /// The format that was asked for by anything but a flag.
    pub(crate) fn output(&self) -> Option<Format> {
        let found = self.get(&OUTPUT);
        match found.source {
            Source::Default => None,
            _ => Format::parse(&found.text).ok(),
        }
    }

    /// The key, and where it came from.
    ///
    /// # Errors
    /// When the file that may hold it cannot be read.
    pub(crate) fn key(&self) -> Result<Option<(Key, KeySource)>, Failure> {
        if let Some(key) = &self.key_variable {
            return Ok(Some((key.clone(), KeySource::Variable)));
        }
        let kept = self.kept_key()?;
        Ok(kept.map(|(key, place)| (key, KeySource::Kept(place))))
    }

    /// The key that is kept for the profile and the server.
    ///
    /// # Errors
    /// When the file that may hold it cannot be read.
    pub(crate) fn kept_key(&self) -> Result<Option<(Key, Place)>, Failure> {
        match self.credentials() {
            Some(credentials) => credentials.find(&self.profile.text, self.server()),
            None => Ok(None),
        }
    }

    pub(crate) fn credentials(&self) -> Option<Credentials> {
        let with_keyring = self.get(&KEY_STORE).text == "keyring";
        Some(Credentials::new(self.folder.as_deref()?, with_keyring))
    }

    pub(crate) fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }
}

fn profile(config: &Config, matches: &ArgMatches, world: &World<'_>) -> Result<Found, Failure> {
    let found = if let Some(text) = flag(matches, "profile") {
        Found {
            text,
            source: Source::Flag("profile"),
        }
    } else if let Some(text) = variable(world, PROFILE_VARIABLE)? {
        Found {
            text,
            source: Source::Variable(PROFILE_VARIABLE),
        }
    } else if let Some(text) = config.profile() {
        Found {
            text: text.to_owned(),
            source: Source::File,
        }
    } else {
        Found {
            text: DEFAULT_PROFILE.to_owned(),
            source: Source::Default,
        }
    };
    check_profile(&found.text)?;
    Ok(found)
}

/// # Errors
/// When a name would not be one on a line of its own.
pub(crate) fn check_profile(name: &str) -> Result<(), Failure> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(Failure::usage(
            "profile: a name has letters, digits, - _ and . only, at most 64",
        ));
    }
    if holds_key(name) {
        return Err(Failure::usage("profile: an API key is no name of one")
            .hint("keep the key with: konektor auth login"));
    }
    Ok(())
}

/// A misspelled setting would silently be none.
fn check_names(config: &Config, profile: &str) -> Result<(), Failure> {
    match config
        .names(profile)
        .find(|name| Setting::named(name).is_none())
    {
        Some(name) => Err(Failure::unknown_setting(name, Some(profile))),
        None => Ok(()),
    }
}

fn find(
    setting: &'static Setting,
    spec: &Spec,
    matches: &ArgMatches,
    world: &World<'_>,
    config: &Config,
    profile: &str,
) -> Result<Found, Failure> {
    let set = if let Some(text) = flag(matches, setting.name) {
        Found {
            text,
            source: Source::Flag(setting.name),
        }
    } else if let Some(text) = variable(world, setting.variable)? {
        Found {
            text,
            source: Source::Variable(setting.variable),
        }
    } else if let Some(text) = config.get(profile, setting.name) {
        Found {
            text,
            source: Source::Profile(profile.to_owned()),
        }
    } else {
        return Ok(Found {
            text: (setting.default)(spec),
            source: Source::Default,
        });
    };
    (setting.check)(&set.text)
        .map_err(|why| Failure::usage(format!("{} ({}): {why}", setting.name, set.source)))?;
    Ok(set)
}

/// A flag as it was typed, if this command line has it.
fn flag(matches: &ArgMatches, name: &'static str) -> Option<String> {
    if matches.try_contains_id(name).ok()?
        && matches.value_source(name) != Some(ValueSource::CommandLine)
    {
        return None;
    }
    let mut raw = matches.try_get_raw(name).ok()??;
    Some(raw.next()?.to_string_lossy().into_owned())
}

fn variable(world: &World<'_>, name: &str) -> Result<Option<String>, Failure> {
    world
        .text(name)
        .map_err(|_| Failure::usage(format!("{name} is not Unicode text")))
}

/// One that a client takes. It is stored and shown, so that no secret may be in it; what is wrong is said without it.
fn base_url(text: &str) -> Result<(), String> {
    if holds_key(text) {
        return Err("an API key is in it; keep that with: konektor auth login".to_owned());
    }
    check_base_url(text)
        .map_err(|error| format!("{}; write it like {}", error.message(), origin(SERVER_URL)))
}

/// `30s`, `5m`, `1h 30m`; a bare number is seconds.
pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|wait| Duration::try_from(wait).ok())
        .ok_or_else(|| format!("\"{text}\" is no time to wait; write it like 30s, 5m or 0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_written_as_people_do() {
        for (text, seconds) in [
            ("0", 0),
            ("45", 45),
            ("30s", 30),
            ("5m", 300),
            ("1h30m", 5400),
        ] {
            assert_eq!(wait(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "-5", "-5m", "soon", "5 fortnights"] {
            assert!(wait(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_profile_is_one_word() {
        for name in ["default", "toko-budi", "a.b_c"] {
            assert!(check_profile(name).is_ok(), "{name}");
        }
        for name in ["", "a b", "a\nb", "../x", "é"] {
            assert!(check_profile(name).is_err(), "{name}");
        }
    }
}
