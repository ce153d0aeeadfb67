//! The settings of the server as one value: flags over environment variables over a file over defaults.
//!
//! A setting has one name everywhere: `database.url` in the code, `url` under `[database]` in the file, and
//! `KONEKTOR_DATABASE_URL` in the environment. What the API document fixes (the time a request may take, the size of a
//! body, rate limits) is not a setting.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    net::SocketAddr,
    num::{NonZeroU32, NonZeroUsize},
    path::Path,
    time::Duration,
};

use clap::ValueEnum;
use config::{Config, ConfigError, File, FileFormat, Map, Source, Value, ValueKind};
use ipnet::IpNet;
use konektor_spec::Spec;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, de::DeserializeOwned};
use url::Url;

use crate::{domain::address, logging::LogFormat};

/// The prefix of the environment variables of settings.
const PREFIX: &str = "KONEKTOR_";

/// Database connections beside those that the settings count: SQLite's writer, the check of the database's health, and
/// one that is being replaced.
const OTHER_DATABASE_CONNECTIONS: u32 = 3;

/// The database, its WAL, its shared memory and a temporary file.
const FILES_PER_SQLITE_CONNECTION: u32 = 4;

/// Files that neither clients nor the database open: the listener, the log, the runtime's own.
const OTHER_FILES: u64 = 64;

/// Everything that an operator can set, except keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Where to listen, as `ADDRESS:PORT`; port 0 takes any free one.
    pub listen: String,
    /// Where callers reach the server; `http://` and the address it listens on unless set.
    #[serde(deserialize_with = "optional_public_url")]
    pub public_url: Option<String>,
    /// Proxies whose forwarding headers are trusted.
    #[serde(with = "ranges")]
    pub trusted_proxies: Vec<IpNet>,
    /// Whether to refuse to start when the schema of the database is not up to date.
    #[serde(deserialize_with = "switch")]
    pub no_migrate: bool,
    /// The format of log lines; unless set, for people on a terminal and JSON everywhere else.
    #[serde(deserialize_with = "optional_log_format")]
    pub log_format: Option<LogFormat>,
    /// The database and its connections.
    pub database: DatabaseSettings,
    /// How many requests are executed at once.
    pub requests: RequestSettings,
    /// Connections of clients.
    pub connections: ConnectionSettings,
    /// Work in the background.
    pub jobs: JobSettings,
}

/// The database and its connections.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DatabaseSettings {
    /// `sqlite:FILE` or a `postgres://` URL.
    pub url: String,
    /// The most connections to PostgreSQL, two at least.
    pub postgres_connections: NonZeroU32,
    /// The most connections that read from SQLite, beside the one that writes.
    pub sqlite_readers: NonZeroU32,
    /// How long to wait for a free connection.
    #[serde(with = "duration")]
    pub acquire_timeout: Duration,
    /// How long a request waits for the database.
    #[serde(with = "duration")]
    pub request_timeout: Duration,
    /// After how long the database gives up a statement of a server. Longer than a request waits.
    #[serde(with = "duration")]
    pub statement_timeout: Duration,
}

/// How many requests are executed at once, and how many wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RequestSettings {
    /// The most requests executed at once. More than there are database connections, so that none of those is idle.
    pub concurrent: NonZeroUsize,
    /// The most requests that wait to be executed.
    pub queued: usize,
    /// How long a request waits to be executed.
    #[serde(with = "duration")]
    pub queue_timeout: Duration,
    /// The most unknown keys looked up at once.
    pub look_ups: NonZeroUsize,
    /// The most unknown keys that wait to be looked up.
    pub queued_look_ups: usize,
    /// The most unknown keys looked up at once for addresses with too many failed authentications.
    pub suspect_look_ups: NonZeroUsize,
    /// The most unknown keys from such addresses that wait to be looked up.
    pub queued_suspect_look_ups: usize,
    /// The most bytes of all request bodies in memory at once.
    pub body_bytes: NonZeroUsize,
}

/// Connections of clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionSettings {
    /// The most connections at once; fewer where the process may open fewer files.
    pub limit: NonZeroUsize,
    /// How long open requests may take after a signal to stop. Service managers often kill a process after 15 seconds.
    #[serde(with = "duration")]
    pub shutdown_timeout: Duration,
}

/// Work in the background.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobSettings {
    /// How often expired responses to idempotent requests are deleted, and the counts of leads created each day are folded.
    #[serde(with = "duration")]
    pub clean_up_interval: Duration,
    /// How often the times of the last use of keys are written.
    #[serde(with = "duration")]
    pub last_used_interval: Duration,
    /// How often unused keys of workspaces are dropped from memory.
    #[serde(with = "duration")]
    pub drop_keys_interval: Duration,
    /// How long the keys of a workspace stay in memory without being used.
    #[serde(with = "duration")]
    pub unused_keys_ttl: Duration,
    /// How long one run of a job may take. A run that waits for a database that never answers would keep its connection
    /// from requests.
    #[serde(with = "duration")]
    pub run_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            public_url: None,
            trusted_proxies: Vec::new(),
            no_migrate: false,
            log_format: None,
            database: DatabaseSettings::default(),
            requests: RequestSettings::default(),
            connections: ConnectionSettings::default(),
            jobs: JobSettings::default(),
        }
    }
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self {
            url: "sqlite:konektor.db".to_owned(),
            postgres_connections: const { NonZeroU32::new(16).unwrap() },
            sqlite_readers: const { NonZeroU32::new(8).unwrap() },
            acquire_timeout: Duration::from_secs(3),
            request_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(6),
        }
    }
}

impl Default for RequestSettings {
    fn default() -> Self {
        Self {
            concurrent: const { NonZeroUsize::new(64).unwrap() },
            queued: 256,
            queue_timeout: Duration::from_secs(1),
            look_ups: const { NonZeroUsize::new(32).unwrap() },
            queued_look_ups: 256,
            suspect_look_ups: const { NonZeroUsize::new(4).unwrap() },
            queued_suspect_look_ups: 64,
            body_bytes: const { NonZeroUsize::new(24 * 1024 * 1024).unwrap() },
        }
    }
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            limit: const { NonZeroUsize::new(10_000).unwrap() },
            shutdown_timeout: Duration::from_secs(14),
        }
    }
}

impl Default for JobSettings {
    fn default() -> Self {
        Self {
            clean_up_interval: Duration::from_mins(10),
            last_used_interval: Duration::from_mins(1),
            drop_keys_interval: Duration::from_mins(1),
            unused_keys_ttl: Duration::from_mins(10),
            run_timeout: Duration::from_secs(30),
        }
    }
}

/// A setting that is set by a flag of the command line.
#[derive(Clone)]
pub struct Flag {
    /// The flag, e.g. `--listen`.
    pub flag: &'static str,
    /// The setting, e.g. `listen`.
    pub key: &'static str,
    /// Its value, in the form of an environment variable.
    pub value: String,
}

/// The effective value of a setting.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name, e.g. `database.url`.
    pub key: String,
    /// Its value; empty where there is none.
    pub value: String,
    /// The flag, environment variable or file it comes from; None for a default.
    pub origin: Option<String>,
}

/// Settings, and where each comes from.
#[derive(Clone)]
pub struct LoadedSettings {
    /// The settings.
    pub settings: Settings,
    /// Each of them, in alphabetical order.
    pub each: Vec<Setting>,
}

/// The error when settings are not valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A value is not valid.
    #[error("{key} ({origin}) is not valid: {why}")]
    Invalid {
        /// Its name.
        key: String,
        /// The flag, environment variable or file it comes from.
        origin: String,
        /// What is wrong with it.
        why: String,
    },
    /// The file cannot be read or has an unknown setting.
    #[error("{file}: {why}")]
    File {
        /// The file.
        file: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Without the URL, which may hold a password.
impl fmt::Debug for DatabaseSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DatabaseSettings")
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads the settings from a file, if there is one, the environment and flags.
    ///
    /// # Errors
    /// If a value or the file is not valid. The error names the setting and where it comes from.
    pub fn load(
        file: Option<&Path>,
        environment: impl Fn(&str) -> Option<OsString>,
        flags: Vec<Flag>,
    ) -> Result<LoadedSettings, SettingsError> {
        let layers = Layers::new(file, environment, flags)?;
        let settings: Self = layers.deserialize()?;
        settings
            .database
            .check()
            .and_then(|()| settings.requests.check())
            .map_err(|(key, why)| layers.invalid(key, why))?;
        let effective = Config::try_from(&settings).map_err(|error| layers.file_error(&error))?;
        let each = flat(&effective.cache)
            .into_iter()
            .map(|(key, value)| Setting {
                origin: layers.origin(&key),
                value: match &value.kind {
                    ValueKind::Nil => String::new(),
                    value => value.to_string(),
                },
                key,
            })
            .collect();
        Ok(LoadedSettings { settings, each })
    }

    /// How many file descriptors the connections of clients must leave to everything else.
    #[must_use]
    pub fn reserved_files(&self) -> u64 {
        OTHER_FILES + self.database.open_files()
    }

    /// The URL by which clients reach a server that listens on this address, without a slash at the end.
    #[must_use]
    pub fn public_url(&self, listening: SocketAddr) -> String {
        self.public_url
            .clone()
            .unwrap_or_else(|| format!("http://{listening}"))
    }
}

impl DatabaseSettings {
    /// Reads the settings of the database alone. An invalid value of another setting must not keep an operator from
    /// revoking a key.
    ///
    /// # Errors
    /// Those of [`Settings::load`].
    pub fn load(
        file: Option<&Path>,
        environment: impl Fn(&str) -> Option<OsString>,
        flags: Vec<Flag>,
    ) -> Result<Self, SettingsError> {
        #[derive(Deserialize)]
        struct Part {
            database: DatabaseSettings,
        }
        let layers = Layers::new(file, environment, flags)?;
        let Part { database } = layers.deserialize()?;
        database
            .check()
            .map_err(|(key, why)| layers.invalid(key, why))?;
        Ok(database)
    }

    /// Checks what the types do not express, and returns the setting and what is wrong with it.
    fn check(&self) -> Result<(), (&'static str, String)> {
        if self.postgres_connections.get() < 2 {
            return Err((
                "database.postgres_connections",
                "must be at least 2".to_owned(),
            ));
        }
        if self.statement_timeout < self.request_timeout {
            return Err((
                "database.statement_timeout",
                "must not be shorter than database.request_timeout".to_owned(),
            ));
        }
        Ok(())
    }

    /// The most files that the connections to a database may open.
    fn open_files(&self) -> u64 {
        let sqlite_connections = self.sqlite_readers.get() + OTHER_DATABASE_CONNECTIONS;
        let sockets = self.postgres_connections.get() + OTHER_DATABASE_CONNECTIONS;
        u64::from((sqlite_connections * FILES_PER_SQLITE_CONNECTION).max(sockets))
    }
}

impl RequestSettings {
    /// Like [`DatabaseSettings::check`].
    fn check(&self) -> Result<(), (&'static str, String)> {
        let longest = Spec::builtin().limits().body_bytes;
        if self.body_bytes.get() < longest {
            let why = format!("must be at least {longest}, the longest body that the API takes");
            return Err(("requests.body_bytes", why));
        }
        Ok(())
    }
}

/// Defaults, file, environment and flags. Each overrides the ones before it.
struct Layers {
    config: Config,
    values: BTreeMap<String, Value>,
    file: String,
}

impl Layers {
    fn new(
        file: Option<&Path>,
        environment: impl Fn(&str) -> Option<OsString>,
        flags: Vec<Flag>,
    ) -> Result<Self, SettingsError> {
        let file_name = file.map_or_else(String::new, |file| file.display().to_string());
        let file_error = |error: ConfigError| SettingsError::File {
            file: file_name.clone(),
            why: reason(&error),
        };
        let defaults = Config::try_from(&Settings::default()).map_err(file_error)?;
        let from_environment = flat(&defaults.cache)
            .into_keys()
            .filter_map(|key| {
                let name = variable(&key);
                let value = environment(&name)?.to_string_lossy().into_owned();
                Some((key, Value::new(Some(&name), value)))
            })
            .collect();
        let from_flags = flags
            .into_iter()
            .map(|Flag { flag, key, value }| {
                (key.to_owned(), Value::new(Some(&flag.to_owned()), value))
            })
            .collect();
        let mut layers = Config::builder().add_source(defaults);
        if let Some(file) = file {
            layers = layers.add_source(File::from(file).format(FileFormat::Toml));
        }
        let config = layers
            .add_source(Layer(from_environment))
            .add_source(Layer(from_flags))
            .build()
            .map_err(file_error)?;
        Ok(Self {
            values: flat(&config.cache),
            config,
            file: file_name,
        })
    }

    fn deserialize<T: DeserializeOwned>(&self) -> Result<T, SettingsError> {
        match self.config.clone().try_deserialize() {
            Ok(settings) => Ok(settings),
            Err(
                ref error @ (ConfigError::At {
                    key: Some(ref key), ..
                }
                | ConfigError::Type {
                    key: Some(ref key), ..
                }),
            ) if self.values.contains_key(key) => Err(self.invalid(key, reason(error))),
            Err(error) => Err(self.file_error(&error)),
        }
    }

    /// The flag, environment variable or file that a setting comes from; None for a default.
    fn origin(&self, key: &str) -> Option<String> {
        let origin = self.values.get(key)?.origin()?;
        let is_file = !origin.starts_with(PREFIX) && !origin.starts_with("--");
        Some(if is_file {
            self.file.clone()
        } else {
            origin.to_owned()
        })
    }

    fn invalid(&self, key: &str, why: String) -> SettingsError {
        SettingsError::Invalid {
            key: key.to_owned(),
            origin: self.origin(key).unwrap_or_else(|| "default".to_owned()),
            why,
        }
    }

    fn file_error(&self, error: &ConfigError) -> SettingsError {
        SettingsError::File {
            file: self.file.clone(),
            why: reason(error),
        }
    }
}

/// The reason, without the location. It repeats neither a value nor a line of the file, because either may contain a
/// password.
fn reason(error: &ConfigError) -> String {
    let text = match error {
        ConfigError::At { error, .. } => error.to_string(),
        ConfigError::FileParse { cause, .. } => cause.to_string(),
        ConfigError::Type { expected, .. } => format!("expected {expected}"),
        error => error.to_string(),
    };
    let line = text.lines().next().unwrap_or_default();
    match line.rsplit_once(", expected ") {
        Some((found, expected)) if found.starts_with("invalid ") => format!("expected {expected}"),
        _ => line.to_owned(),
    }
}

/// The environment variable of a setting.
#[must_use]
pub fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// Settings by their names.
#[derive(Debug, Clone)]
struct Layer(Map<String, Value>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}

/// Every value of a tree by its dotted name.
fn flat(tree: &Value) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    collect(String::new(), tree, &mut all);
    all
}

fn collect(key: String, value: &Value, all: &mut BTreeMap<String, Value>) {
    let ValueKind::Table(fields) = &value.kind else {
        all.insert(key, value.clone());
        return;
    };
    for (name, field) in fields {
        let key = if key.is_empty() {
            name.clone()
        } else {
            format!("{key}.{name}")
        };
        collect(key, field, all);
    }
}

/// Parses a base URL, to which paths are appended.
///
/// # Errors
/// If it is not valid. The message says why.
pub fn parse_public_url(text: &str) -> Result<String, String> {
    let url =
        Url::parse(text).map_err(|_| "must be a URL such as https://crm.example.com".to_owned())?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err("must begin with http:// or https://".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not contain ? or #".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user or password, because the URL is public".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn optional_public_url<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| parse_public_url(&text).map_err(de::Error::custom))
        .transpose()
}

fn optional_log_format<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<LogFormat>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| {
        LogFormat::from_str(&text, true).map_err(|_| de::Error::custom("must be pretty or json"))
    })
    .transpose()
}

/// Reads a boolean. An empty environment variable is false.
fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Switch {
        Bool(bool),
        Text(String),
    }
    match Switch::deserialize(deserializer)? {
        Switch::Bool(on) => Ok(on),
        Switch::Text(text) => match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "y" | "on" | "t" => Ok(true),
            "" | "0" | "false" | "no" | "n" | "off" | "f" => Ok(false),
            _ => Err(de::Error::custom("must be true or false")),
        },
    }
}

/// Ranges of addresses as a list, or separated by commas.
mod ranges {
    use super::{Deserialize, Deserializer, IpNet, Serializer, address, de};

    pub(super) fn serialize<S: Serializer>(
        ranges: &[IpNet],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let texts: Vec<_> = ranges.iter().map(ToString::to_string).collect();
        serializer.serialize_str(&texts.join(","))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<IpNet>, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Ranges {
            List(Vec<String>),
            Text(String),
        }
        let texts = match Ranges::deserialize(deserializer)? {
            Ranges::List(texts) => texts,
            Ranges::Text(text) => text.split(',').map(str::to_owned).collect(),
        };
        texts
            .iter()
            .filter(|text| !text.trim().is_empty())
            .map(|text| address::range(text).map_err(de::Error::custom))
            .collect()
    }
}

/// Durations such as `250ms`, `5s` and `10m`; never zero.
mod duration {
    use std::time::Duration;

    use jiff::fmt::friendly::{SpanParser, SpanPrinter};

    use super::{Deserialize, Deserializer, Serializer, de};

    static PARSER: SpanParser = SpanParser::new();
    static PRINTER: SpanPrinter = SpanPrinter::new();

    pub(super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&PRINTER.unsigned_duration_to_string(duration))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let text = String::deserialize(deserializer)?;
        match PARSER.parse_unsigned_duration(&text) {
            Ok(duration) if !duration.is_zero() => Ok(duration),
            Ok(_) => Err(de::Error::custom("must be longer than 0s")),
            Err(_) => Err(de::Error::custom(
                "must be a duration such as 250ms, 5s or 10m",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write};

    use super::*;

    /// The settings of a file with this text, this environment and these flags.
    fn load(
        file: &str,
        environment: &[(&str, &str)],
        flags: Vec<Flag>,
    ) -> Result<LoadedSettings, String> {
        let mut path = tempfile::Builder::new().suffix(".toml").tempfile().unwrap();
        path.write_all(file.as_bytes()).unwrap();
        let environment = |name: &str| {
            let found = environment.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        Settings::load(Some(path.path()), environment, flags).map_err(|error| {
            error
                .to_string()
                .replace(&path.path().display().to_string(), "FILE")
        })
    }

    fn listen(value: &str) -> Flag {
        Flag {
            flag: "--listen",
            key: "listen",
            value: value.to_owned(),
        }
    }

    #[test]
    fn without_anything_they_are_the_defaults() {
        let loaded = Settings::load(None, |_| None, Vec::new()).unwrap();
        assert_eq!(loaded.settings, Settings::default());
        assert!(loaded.each.iter().all(|setting| setting.origin.is_none()));
        let keys: Vec<_> = loaded.each.iter().map(|setting| &*setting.key).collect();
        for key in ["database.url", "public_url", "trusted_proxies"] {
            assert!(keys.contains(&key), "{keys:?}");
        }
    }

    #[test]
    fn a_flag_goes_before_the_environment_and_that_before_the_file() {
        let file = "listen = '1:1'\nno_migrate = true\ntrusted_proxies = ['10.0.0.0/8']\n\
                    [database]\nurl = 'sqlite:a.db'\nacquire_timeout = '1500ms'";
        let environment = [
            ("KONEKTOR_LISTEN", "2:2"),
            ("KONEKTOR_DATABASE_URL", "sqlite:b.db"),
            ("KONEKTOR_DATABASE_SQLITE_READERS", "3"),
            ("KONEKTOR_NO_MIGRATE", ""),
        ];
        let loaded = load(file, &environment, vec![listen("3:3")]).unwrap();
        let settings = loaded.settings;
        assert_eq!((&*settings.listen, settings.no_migrate), ("3:3", false));
        assert_eq!(settings.database.url, "sqlite:b.db");
        assert_eq!(settings.database.sqlite_readers.get(), 3);
        assert_eq!(
            settings.database.acquire_timeout,
            Duration::from_millis(1500)
        );
        assert_eq!(settings.trusted_proxies, ["10.0.0.0/8".parse().unwrap()]);
        let origin = |key: &str| {
            let setting = loaded
                .each
                .iter()
                .find(|setting| setting.key == key)
                .unwrap();
            setting.origin.clone().unwrap_or_default()
        };
        assert_eq!(origin("listen"), "--listen");
        assert_eq!(origin("database.url"), "KONEKTOR_DATABASE_URL");
        assert!(origin("database.acquire_timeout").contains("toml"));
        assert_eq!(origin("database.request_timeout"), "");
    }

    #[test]
    fn no_error_and_no_debug_repeats_a_value() {
        let url = "postgres://u:secret@db/crm";
        for text in [
            format!("database = '{url}'"),
            format!("[database]\nurl = ['{url}']"),
            format!("[database]\nurl = '{url}"),
            format!("[database]\npostgres_connections = '{url}'"),
            format!("[database]\nacquire_timeout = '{url}'"),
            format!("[connections]\nslots = '{url}'"),
        ] {
            let error = load(&text, &[], Vec::new()).map(drop).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        let file = format!("[database]\nurl = '{url}'");
        let settings = load(&file, &[], Vec::new()).unwrap().settings;
        assert!(!format!("{settings:?}").contains("secret"));
    }

    #[test]
    fn the_settings_of_the_database_need_no_other_setting() {
        let environment = |name: &str| match name {
            "KONEKTOR_TRUSTED_PROXIES" => Some(OsString::from("nowhere")),
            "KONEKTOR_DATABASE_URL" => Some(OsString::from("sqlite:a.db")),
            _ => None,
        };
        assert!(Settings::load(None, environment, Vec::new()).is_err());
        let database = DatabaseSettings::load(None, environment, Vec::new()).unwrap();
        assert_eq!(database.url, "sqlite:a.db");
    }

    #[test]
    fn an_error_names_the_setting_and_where_it_stands() {
        let variable = |name, value| {
            load("", &[(name, value)], Vec::new())
                .map(drop)
                .unwrap_err()
        };
        let file = |text: &str| load(text, &[], Vec::new()).map(drop).unwrap_err();
        let errors = [
            file("[database]\nacquire_timeout = '1x'"),
            file("[requests]\nqueue_timeout = '0s'"),
            file("[database]\npostgres_connections = 0"),
            file("[database]\npostgres_connections = 1"),
            file("[database]\nrequest_timeout = '1m'"),
            file("lisen = '1:1'"),
            file("[requests]\nqueue = 1"),
            file("url = \"postgres://me:secret@db/crm"),
            variable("KONEKTOR_REQUESTS_QUEUED", "many"),
            variable("KONEKTOR_LOG_FORMAT", "xml"),
            variable("KONEKTOR_PUBLIC_URL", "ftp://example.com"),
            variable("KONEKTOR_TRUSTED_PROXIES", "10.0.0.0/8,nobody"),
            variable("KONEKTOR_NO_MIGRATE", "maybe"),
        ];
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn the_budget_of_all_bodies_holds_the_longest_body() {
        let longest = Spec::builtin().limits().body_bytes;
        let load = |bytes: usize| {
            let flag = Flag {
                flag: "--body-bytes",
                key: "requests.body_bytes",
                value: bytes.to_string(),
            };
            Settings::load(None, |_| None, vec![flag])
        };
        assert!(load(longest).is_ok());
        let error = load(longest - 1).map(drop).unwrap_err().to_string();
        assert!(
            error.contains(&format!("must be at least {longest}")),
            "{error}"
        );
    }

    #[test]
    fn more_database_connections_reserve_more_files() {
        let mut settings = Settings::default();
        let default = settings.reserved_files();
        settings.database.postgres_connections = NonZeroU32::new(500).unwrap();
        assert!(settings.reserved_files() > default + 300);
    }

    #[test]
    fn a_missing_file_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("konektor.toml");
        assert!(fs::metadata(&missing).is_err());
        let loaded = Settings::load(Some(&missing), |_| None, Vec::new());
        assert!(matches!(loaded, Err(SettingsError::File { .. })));
    }

    #[test]
    fn a_public_url_is_a_base_without_a_slash_at_its_end() {
        let parsed = |text| parse_public_url(text).ok();
        for (text, base) in [
            ("https://crm.example.com/", "https://crm.example.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://example.com/crm", "https://example.com/crm"),
        ] {
            assert_eq!(parsed(text).as_deref(), Some(base));
        }
        for text in [
            "crm.example.com",
            "ftp://example.com",
            "https://example.com?x=1",
            "https://me:pw@example.com",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
