//! Settings. A flag overrides the environment, which overrides the profile, which overrides the default.

use std::{fmt, path::PathBuf, rc::Rc, time::Duration};

use heck::ToKebabCase as _;
use konektor_sdk::check_base_url;
use konektor_spec::SERVER_URL;

use super::{
    PROFILE,
    credentials::{Credentials, KeyLocation},
    failures,
    file::{Config, DEFAULT_PROFILE},
    keyring::Keyring,
};
use crate::{
    base::{
        Format, parse_duration,
        secret::{Key, holds_key},
    },
    env::Environment,
    error::Failure,
};

/// The variable with the API key. There is no flag, because other users can see command lines.
pub(crate) const KEY_VARIABLE: &str = "KONEKTOR_API_KEY";

/// The variable that names the profile.
pub(crate) const PROFILE_VARIABLE: &str = "KONEKTOR_PROFILE";

/// A setting. Its name is also the name of its flag and its key in a profile.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) variable: &'static str,
    /// A short description.
    pub(crate) about: &'static str,
    default: fn() -> String,
    check: fn(&str) -> Result<(), String>,
}

pub(crate) static BASE_URL: Setting = Setting {
    name: "base-url",
    variable: "KONEKTOR_BASE_URL",
    about: "server URL",
    default: || konektor_spec::origin(SERVER_URL).to_owned(),
    check: base_url,
};

pub(crate) static OUTPUT: Setting = Setting {
    name: "output",
    variable: "KONEKTOR_OUTPUT",
    about: "output format",
    default: || "table, tsv in a pipe".to_owned(),
    check: |text| {
        let names = || Format::ALL.map(Format::name).join(", ");
        Format::from_name(text)
            .map(|_| ())
            .ok_or_else(|| format!("\"{text}\" is not allowed; allowed: {}", names()))
    },
};

pub(crate) static MAX_WAIT: Setting = Setting {
    name: "max-wait",
    variable: "KONEKTOR_MAX_WAIT",
    about: "longest wait when rate limited",
    default: || "30s".to_owned(),
    check: |text| parse_duration(text).map(|_| ()),
};

pub(crate) static KEY_STORE: Setting = Setting {
    name: "key-store",
    variable: "KONEKTOR_KEY_STORE",
    about: "where API keys are saved: keyring (a file where there is none), or file",
    default: || "keyring".to_owned(),
    check: |text| match text {
        "keyring" | "file" => Ok(()),
        _ => Err(format!("\"{text}\" is not allowed; allowed: keyring, file")),
    },
};

/// All settings, in the order in which they are shown.
pub(crate) static SETTINGS: [&Setting; 4] = [&BASE_URL, &OUTPUT, &MAX_WAIT, &KEY_STORE];

impl Setting {
    pub(crate) fn from_name(name: &str) -> Option<&'static Self> {
        SETTINGS.into_iter().find(|setting| setting.name == name)
    }

    /// # Errors
    /// When the value is not valid for this setting.
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
    /// The config file, outside all profiles.
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

/// A value with its source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SettingValue {
    pub(crate) text: String,
    pub(crate) source: Source,
}

/// Where the key came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    Variable,
    Stored(KeyLocation),
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable => write!(f, "environment {KEY_VARIABLE}"),
            Self::Stored(KeyLocation::Keyring) => f.write_str("keyring"),
            Self::Stored(KeyLocation::File) => f.write_str("credentials file"),
        }
    }
}

/// The values that flags give to settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) profile: Option<String>,
    pub(crate) base_url: Option<String>,
    pub(crate) output: Option<String>,
    pub(crate) max_wait: Option<String>,
}

impl Overrides {
    fn get(&self, name: &str) -> Option<String> {
        let value = match name {
            PROFILE => &self.profile,
            name if name == BASE_URL.name => &self.base_url,
            name if name == OUTPUT.name => &self.output,
            name if name == MAX_WAIT.name => &self.max_wait,
            _ => &None,
        };
        value.clone()
    }
}

/// The settings of one run.
///
/// An invalid setting stops only the commands that need it. It has its default value, and [`require`](Self::require)
/// and [`usable`](Self::usable) return the problem.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) profile: SettingValue,
    pub(crate) config: Config,
    folder: Option<PathBuf>,
    values: Vec<(&'static Setting, SettingValue)>,
    key_variable: Option<Key>,
    problems: Vec<Problem>,
    keyring: Rc<Keyring>,
}

/// A problem with the settings.
#[derive(Debug)]
pub(crate) struct Problem {
    about: Subject,
    /// Whether it is about a flag.
    is_flag: bool,
    pub(crate) failure: Failure,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    /// The config file as a whole, which cannot be read.
    Config,
    /// The name of the current profile.
    Profile,
    Setting(&'static str),
    /// The variable with the key.
    Key,
    /// An invalid value in the file that is overridden.
    Overridden,
    /// An unknown name.
    UnknownName,
}

impl Problem {
    fn new(about: Subject, failure: Failure) -> Self {
        Self {
            about,
            is_flag: false,
            failure,
        }
    }

    /// Whether no command needs it.
    pub(crate) fn is_harmless(&self) -> bool {
        matches!(self.about, Subject::UnknownName | Subject::Overridden)
    }
}

impl Settings {
    pub(crate) fn read(overrides: &Overrides, environment: &Environment<'_>) -> Self {
        let mut problems = Vec::new();
        let folder = environment.config_folder.as_deref();
        let config = Config::read(folder).unwrap_or_else(|failure| {
            problems.push(Problem::new(Subject::Config, failure));
            Config::unread(folder)
        });
        let profile = profile(&config, overrides, environment).unwrap_or_else(|failure| {
            problems.push(Problem {
                is_flag: overrides.get(PROFILE).is_some(),
                ..Problem::new(Subject::Profile, failure)
            });
            SettingValue::default_profile()
        });
        let mut unknown = unknown_names(&config, &profile.text);
        let mut values = Vec::new();
        for setting in SETTINGS {
            let set = match find(setting, overrides, environment, &config, &profile.text) {
                // Reject a misspelled setting; it would otherwise be ignored.
                Ok(None) => unknown
                    .iter()
                    .position(|unknown| unknown.meant == Some(setting.name))
                    .map_or(Ok(None), |at| Err(unknown.remove(at).failure)),
                set => set,
            };
            let set = set.unwrap_or_else(|failure| {
                problems.push(Problem {
                    is_flag: overrides.get(setting.name).is_some(),
                    ..Problem::new(Subject::Setting(setting.name), failure)
                });
                None
            });
            if let Some(SettingValue { source, .. }) = &set
                && !matches!(source, Source::Profile(_))
                && let Err(failure) = in_profile(setting, &config, &profile.text)
            {
                problems.push(Problem::new(Subject::Overridden, failure));
            }
            let found = set.unwrap_or_else(|| SettingValue {
                text: (setting.default)(),
                source: Source::Default,
            });
            values.push((setting, found));
        }
        let unknown = unknown
            .into_iter()
            .map(|unknown| Problem::new(Subject::UnknownName, unknown.failure));
        problems.extend(unknown);
        let key_variable = variable(environment, KEY_VARIABLE).unwrap_or_else(|failure| {
            problems.push(Problem::new(Subject::Key, failure));
            None
        });
        Self {
            key_variable: key_variable.map(|text| Key::new(&text)),
            folder: environment.config_folder.clone(),
            profile,
            config,
            values,
            problems,
            keyring: Rc::new(Keyring::new(
                environment.notify,
                environment.stderr_is_terminal,
            )),
        }
    }

    /// All problems.
    pub(crate) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    fn no_problem_with(&self, about: Subject) -> Result<(), Failure> {
        match self.problems.iter().find(|problem| problem.about == about) {
            Some(problem) => Err(problem.failure.clone()),
            None => Ok(()),
        }
    }

    /// Checks the settings that a command needs.
    ///
    /// # Errors
    /// When the profile or one of them is invalid, or may be in a file that cannot be read.
    pub(crate) fn usable(&self, needed: &[&'static Setting]) -> Result<(), Failure> {
        for setting in needed {
            self.require(setting)?;
        }
        self.no_problem_with(Subject::Profile)
    }

    /// Checks the flags, whatever else is set.
    ///
    /// # Errors
    /// When a flag is invalid.
    pub(crate) fn flags_usable(&self) -> Result<(), Failure> {
        match self.problems.iter().find(|problem| problem.is_flag) {
            Some(problem) => Err(problem.failure.clone()),
            None => Ok(()),
        }
    }

    /// # Errors
    /// When the value of the setting is invalid, or may be in a file that cannot be read.
    pub(crate) fn require(&self, setting: &'static Setting) -> Result<&SettingValue, Failure> {
        self.no_problem_with(Subject::Setting(setting.name))?;
        let found = self.get(setting);
        let is_optional = [OUTPUT.name, MAX_WAIT.name].contains(&setting.name);
        if found.source == Source::Default && !is_optional {
            self.no_problem_with(Subject::Config)?;
        }
        Ok(found)
    }

    /// # Errors
    /// When the name of the profile is invalid, or may be in a file that cannot be read.
    pub(crate) fn require_profile(&self) -> Result<&SettingValue, Failure> {
        self.no_problem_with(Subject::Profile)?;
        if self.profile.source == Source::Default {
            self.no_problem_with(Subject::Config)?;
        }
        Ok(&self.profile)
    }

    /// Problems that do not stop the command.
    pub(crate) fn warnings(&self, needed: &[&'static Setting]) -> Vec<String> {
        let is_format_needed = needed.iter().any(|setting| setting.name == OUTPUT.name);
        let mut warnings: Vec<_> = self
            .problems
            .iter()
            .filter(|problem| match problem.about {
                Subject::UnknownName | Subject::Config => true,
                Subject::Setting(name) => name == OUTPUT.name && !is_format_needed,
                _ => false,
            })
            .map(|problem| problem.failure.message().to_owned())
            .collect();
        let needs_profile =
            self.key_variable.is_none() || self.get(&BASE_URL).source == Source::Default;
        if self.key_variable.is_some() && needs_profile {
            let unknown = self.unknown_profile();
            warnings.extend(unknown.map(|failure| failure.message().to_owned()));
        }
        warnings
    }

    /// The failure if the current profile does not exist. Keys in the keyring are not considered.
    pub(crate) fn unknown_profile(&self) -> Option<Failure> {
        let place = place_of_profile(&self.profile.source, &self.config);
        self.no_such_profile(&self.profile.text, &place)
    }

    /// The failure if there is no profile with this name. Keys in the keyring are not considered.
    pub(crate) fn no_such_profile(&self, name: &str, place: &str) -> Option<Failure> {
        if name == DEFAULT_PROFILE || self.no_problem_with(Subject::Config).is_err() {
            return None;
        }
        let mut known: Vec<_> = self.config.profiles().map(str::to_owned).collect();
        let credentials = self.credentials().ok().flatten();
        known.extend(credentials.iter().flat_map(Credentials::profiles));
        known.sort_unstable();
        known.dedup();
        if known.iter().any(|known| known == name) {
            return None;
        }
        Some(failures::unknown_profile(name, place, &known))
    }

    pub(crate) fn get(&self, setting: &'static Setting) -> &SettingValue {
        static NOTHING: SettingValue = SettingValue {
            text: String::new(),
            source: Source::Default,
        };
        self.values
            .iter()
            .find(|(known, _)| known.name == setting.name)
            .map_or(&NOTHING, |(_, found)| found)
    }

    /// The server's URL, without a slash at the end.
    pub(crate) fn server(&self) -> &str {
        self.get(&BASE_URL).text.trim().trim_end_matches('/')
    }

    /// The longest wait for the rate limit, if it is set.
    pub(crate) fn max_wait(&self) -> Option<Duration> {
        let found = self.get(&MAX_WAIT);
        match found.source {
            Source::Default => None,
            _ => parse_duration(&found.text).ok(),
        }
    }

    /// The output format, if it is set.
    pub(crate) fn output(&self) -> Option<Format> {
        let found = self.get(&OUTPUT);
        match found.source {
            Source::Default => None,
            _ => Format::from_name(&found.text),
        }
    }

    /// The key with its source.
    ///
    /// # Errors
    /// When the variable or the store cannot be read.
    pub(crate) fn key(&self) -> Result<Option<(Key, KeySource)>, Failure> {
        self.no_problem_with(Subject::Key)?;
        if let Some(key) = &self.key_variable {
            return Ok(Some((key.clone(), KeySource::Variable)));
        }
        let kept = self.stored_key()?;
        Ok(kept.map(|(key, place)| (key, KeySource::Stored(place))))
    }

    /// The stored key for the profile and the server.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) fn stored_key(&self) -> Result<Option<(Key, KeyLocation)>, Failure> {
        let profile = self.require_profile()?;
        self.require(&BASE_URL)?;
        match self.credentials()? {
            Some(credentials) => credentials.find(&profile.text, self.server()),
            None => Ok(None),
        }
    }

    /// # Errors
    /// When the setting `key-store` is invalid.
    pub(crate) fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        let with_keyring = self.require(&KEY_STORE)?.text == "keyring";
        let keyring = with_keyring.then(|| Rc::clone(&self.keyring));
        Ok(self
            .folder
            .as_deref()
            .map(|folder| Credentials::new(folder, keyring)))
    }

    pub(crate) fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }
}

impl SettingValue {
    fn default_profile() -> Self {
        Self {
            text: DEFAULT_PROFILE.to_owned(),
            source: Source::Default,
        }
    }
}

fn profile(
    config: &Config,
    overrides: &Overrides,
    environment: &Environment<'_>,
) -> Result<SettingValue, Failure> {
    let found = if let Some(text) = overrides.get(PROFILE) {
        SettingValue {
            text,
            source: Source::Flag(PROFILE),
        }
    } else if let Some(text) = variable(environment, PROFILE_VARIABLE)? {
        SettingValue {
            text,
            source: Source::Variable(PROFILE_VARIABLE),
        }
    } else if config.has_odd_profile() {
        return Err(Failure::usage(format!(
            "profile ({}): the profile name must be a quoted string",
            config.place_of(&[PROFILE])
        )));
    } else if let Some(text) = config.profile() {
        SettingValue {
            text: text.to_owned(),
            source: Source::File,
        }
    } else {
        SettingValue::default_profile()
    };
    check_profile(&found.text, &place_of_profile(&found.source, config))?;
    Ok(found)
}

fn place_of_profile(source: &Source, config: &Config) -> String {
    match source {
        Source::File => format!(" ({})", config.place_of(&[PROFILE])),
        source => format!(" ({source})"),
    }
}

/// Checks the name of a profile. `place` says where it came from, for the message.
///
/// # Errors
/// When the name contains characters that the config file cannot hold.
pub(crate) fn check_profile(name: &str, place: &str) -> Result<(), Failure> {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(Failure::usage(format!(
            "profile{place}: a name has letters, digits, - _ and . only, at most 64"
        )));
    }
    if holds_key(name) {
        return Err(Failure::usage(format!(
            "profile{place}: an API key cannot be a profile name"
        ))
        .hint("keep the key with: konektor auth login"));
    }
    Ok(())
}

/// A name in the config file that is not a setting.
struct UnknownName {
    /// The setting that it is probably a misspelling of.
    meant: Option<&'static str>,
    failure: Failure,
}

/// Finds the setting that a name is a misspelling of. It must be very similar, because a newer version may have a
/// setting with this name.
fn meant(name: &str) -> Option<&'static str> {
    const MOST_SLIPS: usize = 2;

    let name = name.to_kebab_case();
    let letters = |name: &str| name.replace('-', "");
    let slips = |known: &str| {
        if letters(known) == letters(&name) {
            0
        } else {
            strsim::osa_distance(known, &name)
        }
    };
    SETTINGS
        .into_iter()
        .map(|setting| (slips(setting.name), setting.name))
        .filter(|(slips, _)| *slips <= MOST_SLIPS)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, name)| name)
}

fn unknown_names(config: &Config, profile: &str) -> Vec<UnknownName> {
    let in_file = config.unknown_names().map(|name| UnknownName {
        meant: None,
        failure: if Setting::from_name(name).is_some() {
            failures::misplaced_setting(name, &config.place_of(&[name]), profile)
        } else {
            failures::unknown_name(name, &config.place_of(&[name]), None)
        },
    });
    let in_profile = config
        .names(profile)
        .filter(|name| Setting::from_name(name).is_none())
        .map(|name| {
            let meant = meant(name);
            let place = format!(
                "profile {profile}, {}",
                config.place_of_setting(profile, name)
            );
            UnknownName {
                meant,
                failure: failures::unknown_name(name, &place, meant),
            }
        });
    in_file.chain(in_profile).collect()
}

/// Finds the value: of the flag, else of the environment, else of the profile.
fn find(
    setting: &'static Setting,
    overrides: &Overrides,
    environment: &Environment<'_>,
    config: &Config,
    profile: &str,
) -> Result<Option<SettingValue>, Failure> {
    let set = if let Some(text) = overrides.get(setting.name) {
        SettingValue {
            text,
            source: Source::Flag(setting.name),
        }
    } else if let Some(text) = variable(environment, setting.variable)? {
        SettingValue {
            text,
            source: Source::Variable(setting.variable),
        }
    } else {
        return in_profile(setting, config, profile);
    };
    check_value(setting, set, ToString::to_string).map(Some)
}

/// The value in the profile.
fn in_profile(
    setting: &'static Setting,
    config: &Config,
    profile: &str,
) -> Result<Option<SettingValue>, Failure> {
    let Some(text) = config.get(profile, setting.name) else {
        return Ok(None);
    };
    let found = SettingValue {
        text,
        source: Source::Profile(profile.to_owned()),
    };
    let place = |source: &Source| {
        let place = config.place_of_setting(profile, setting.name);
        format!("{source}, {place}")
    };
    check_value(setting, found, place).map(Some)
}

fn check_value(
    setting: &'static Setting,
    found: SettingValue,
    place: impl Fn(&Source) -> String,
) -> Result<SettingValue, Failure> {
    match (setting.check)(&found.text) {
        Ok(()) => Ok(found),
        Err(why) => {
            let place = place(&found.source);
            Err(Failure::usage(format!("{} ({place}): {why}", setting.name)))
        }
    }
}

fn variable(environment: &Environment<'_>, name: &str) -> Result<Option<String>, Failure> {
    environment
        .text(name)
        .map_err(|_| Failure::usage(format!("{name} is not Unicode text")))
}

/// Checks a base URL. Messages never quote it; it may contain a secret.
fn base_url(text: &str) -> Result<(), String> {
    if holds_key(text) {
        return Err("contains an API key; save it with: konektor auth login".to_owned());
    }
    check_base_url(text).map_err(|error| {
        format!(
            "{}; write it like {}",
            error.message(),
            konektor_spec::origin(SERVER_URL)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_one_word() {
        for name in ["default", "toko-budi", "a.b_c"] {
            assert!(check_profile(name, "").is_ok(), "{name}");
        }
        for name in ["", "a b", "a\nb", "../x", "é"] {
            assert!(check_profile(name, "").is_err(), "{name}");
        }
    }
}
