//! The URL of a database: read here once, so that no part of a password reaches an error, a log line or a screen.
//!
//! sqlx reads such a URL more leniently: it logs parameters that it does not know with their values, and takes the
//! beginning of a password with a raw `/`, `?` or `#` for a port.

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use percent_encoding::percent_decode_str;
use thiserror::Error;
use url::{ParseError, Url};

use super::Engine;

/// Parameters of a `postgres:` URL that have an effect.
const POSTGRES_PARAMETERS: [&str; 19] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
    // Several of the form `options[name]`.
    "options[",
];

/// Parameters that PostgreSQL's own clients know and this one does not: their names are no secret.
const LIBPQ_PARAMETERS: [&str; 31] = [
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "passfile",
    "pgbouncer",
    "pool_timeout",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "schema",
    "service",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcertmode",
    "sslcompression",
    "sslpassword",
    "target_session_attrs",
    "tcp_user_timeout",
];

const SSL_MODES: [&str; 6] = [
    "allow",
    "disable",
    "prefer",
    "require",
    "verify-ca",
    "verify-full",
];

const SQLITE_MODES: [&str; 3] = ["ro", "rw", "rwc"];

/// Where a database is and how to reach it. What it shows of itself is the file, or host, port and name.
#[derive(Clone)]
pub struct DatabaseUrl {
    engine: Engine,
    /// For sqlx alone: it may hold a password.
    text: String,
    shown: String,
    file: Option<PathBuf>,
}

/// Why a text is no URL of a database. It never repeats a part of the text that may belong to a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DatabaseUrlError {
    /// It names a database that the server does not speak.
    #[error("the database URL must begin with sqlite: or postgres://")]
    UnknownEngine,
    /// It is no URL.
    #[error("the database URL cannot be read ({0}); {ENCODE}")]
    Invalid(#[from] ParseError),
    /// A part of the password is where the host, the name or the parameters should be.
    #[error("the database URL cannot be read; {ENCODE}")]
    Unencoded,
    /// A parameter without an effect.
    #[error("the database URL has a parameter that is not supported: {0}")]
    UnknownParameter(String),
    /// A parameter without an effect, whose name may belong to a password.
    #[error("the database URL has a parameter that is not supported; {ENCODE}")]
    UnnamedParameter,
    /// A value that a parameter does not take.
    #[error("the parameter {0} of the database URL has a value that is not supported")]
    BadValue(&'static str),
    /// A database in memory is another one for each connection.
    #[error("sqlite: needs a file: a database in memory would be gone with its connection")]
    InMemory,
}

const ENCODE: &str = "percent-encode # / ? @ % in the user and the password (%23 %2F %3F %40 %25)";

impl DatabaseUrl {
    /// Which database it is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The file of an SQLite database.
    pub(super) fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What sqlx connects to. `create` makes a missing SQLite file, unless the URL says otherwise; without it none is
    /// made, whatever the URL says.
    pub(super) fn connectable(&self, create: bool) -> String {
        if self.engine == Engine::Postgres {
            return self.text.clone();
        }
        let (file, query) = split_query(&self.text);
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        let mut mode = if create { "rwc" } else { "rw" };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if name != "mode" {
                pairs.append_pair(&name, &value);
            } else if value == "ro" || (value == "rw" && create) {
                mode = if value == "ro" { "ro" } else { "rw" };
            }
        }
        pairs.append_pair("mode", mode);
        format!("{file}?{}", pairs.finish())
    }

    fn sqlite(text: &str) -> Result<Self, DatabaseUrlError> {
        let (file, query) = split_query(text);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let (name, known): (_, &[&str]) = match &*name {
                "mode" if value == "memory" => return Err(DatabaseUrlError::InMemory),
                "mode" => ("mode", &SQLITE_MODES),
                "cache" => ("cache", &["private", "shared"]),
                "immutable" => ("immutable", &["true", "1", "false", "0"]),
                "vfs" => continue,
                other if is_plain(other) => {
                    return Err(DatabaseUrlError::UnknownParameter(other.to_owned()));
                }
                _ => return Err(DatabaseUrlError::UnnamedParameter),
            };
            if !known.contains(&&*value) {
                return Err(DatabaseUrlError::BadValue(name));
            }
        }
        let path = file.strip_prefix("sqlite:").unwrap_or(file);
        let path = path.strip_prefix("//").unwrap_or(path);
        // `sqlite://user:password@host/…` is a URL of another database.
        let first = path.split('/').next().unwrap_or_default();
        if first.contains(':') && (first.contains('@') || path.contains('@')) {
            return Err(DatabaseUrlError::Unencoded);
        }
        if path.is_empty() || path == ":memory:" {
            return Err(DatabaseUrlError::InMemory);
        }
        let decoded = percent_decode_str(path)
            .decode_utf8()
            .map_err(|_| DatabaseUrlError::Unencoded)?;
        Ok(Self {
            engine: Engine::Sqlite,
            text: text.to_owned(),
            shown: path.to_owned(),
            file: Some(PathBuf::from(&*decoded)),
        })
    }

    fn postgres(text: &str) -> Result<Self, DatabaseUrlError> {
        // An `@` behind the authority is that of a host whose password had a raw `/`, `?` or `#`.
        let behind_scheme = text.split_once("://").map_or("", |(_, rest)| rest);
        let authority_ends = behind_scheme
            .find(['/', '?', '#'])
            .unwrap_or(behind_scheme.len());
        let (authority, rest) = behind_scheme.split_at(authority_ends);
        if rest.contains(['@', '#']) {
            return Err(DatabaseUrlError::Unencoded);
        }
        let url = Url::parse(text)?;
        let decodes = |part: &str| percent_decode_str(part).decode_utf8().is_ok();
        if ![
            url.username(),
            url.password().unwrap_or_default(),
            url.path(),
        ]
        .iter()
        .all(|part| decodes(part))
        {
            return Err(DatabaseUrlError::Unencoded);
        }
        // Without an `@` what stands behind a `:` may be a password whose host was forgotten.
        let ends_password = authority.contains('@') || !authority.contains(':');
        for (name, value) in url.query_pairs() {
            check_parameter(&name, &value, ends_password)?;
        }
        let host = url.host_str().unwrap_or("localhost");
        // Not what may be the digits of a password.
        let port = url.port().filter(|_| ends_password);
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        Ok(Self {
            engine: Engine::Postgres,
            shown: format!("{host}{port}{}", url.path()),
            text: text.to_owned(),
            file: None,
        })
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if text.starts_with("sqlite:") {
            Self::sqlite(text)
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::postgres(text)
        } else {
            Err(DatabaseUrlError::UnknownEngine)
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DatabaseUrl({:?})", self.shown)
    }
}

fn split_query(text: &str) -> (&str, &str) {
    text.split_once('?').unwrap_or((text, ""))
}

fn check_parameter(name: &str, value: &str, ends_password: bool) -> Result<(), DatabaseUrlError> {
    let Some(known) = POSTGRES_PARAMETERS
        .into_iter()
        .find(|known| *known == name || (known.ends_with('[') && name.starts_with(known)))
    else {
        let may_be_shown = LIBPQ_PARAMETERS.contains(&name) || (ends_password && is_plain(name));
        return Err(if may_be_shown {
            DatabaseUrlError::UnknownParameter(name.to_owned())
        } else {
            DatabaseUrlError::UnnamedParameter
        });
    };
    // sqlx's own errors repeat what it does not understand.
    let fits = match known {
        "sslmode" | "ssl-mode" => SSL_MODES.contains(&&*value.to_ascii_lowercase()),
        "port" => value.parse::<u16>().is_ok(),
        "hostaddr" => value.parse::<IpAddr>().is_ok(),
        "statement-cache-capacity" => value.parse::<usize>().is_ok(),
        _ => true,
    };
    if fits {
        Ok(())
    } else {
        Err(DatabaseUrlError::BadValue(known))
    }
}

/// Whether a name looks like that of a parameter.
fn is_plain(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
        text.parse()
    }

    #[test]
    fn a_database_is_shown_without_its_password() {
        for (url, expected) in [
            ("sqlite:konektor.db", "konektor.db"),
            (
                "sqlite:///var/lib/konektor.db?mode=rw",
                "/var/lib/konektor.db",
            ),
            (
                "postgres://me:secret@db.example:5433/crm?sslmode=require",
                "db.example:5433/crm",
            ),
            ("postgres:///crm", "localhost/crm"),
            ("postgresql://db/crm", "db/crm"),
            ("postgres://me:%23%2F%3F%40%25@db/crm", "db/crm"),
            ("postgres://me:p@ss@db/crm", "db/crm"),
            ("postgres://db/crm?password=secret&user=me", "db/crm"),
        ] {
            let read = read(url).map(|url| url.to_string());
            assert_eq!(read.as_deref(), Ok(expected), "{url}");
        }
    }

    #[test]
    fn what_is_not_supported_is_named_where_its_name_cannot_be_a_secret() {
        let named = |name: &str| Err(DatabaseUrlError::UnknownParameter(name.to_owned()));
        for (url, expected) in [
            ("postgres://me:x@db/crm?sslmod=require", named("sslmod")),
            ("postgres://db/crm?sslmod=require", named("sslmod")),
            ("postgres://me:x@db/crm?sslpassword=x", named("sslpassword")),
            (
                "postgres://me:12?connect_timeout=1",
                named("connect_timeout"),
            ),
            (
                "postgres://me:12?secret",
                Err(DatabaseUrlError::UnnamedParameter),
            ),
            (
                "postgres://me:x@db/crm?Sec~ret",
                Err(DatabaseUrlError::UnnamedParameter),
            ),
            (
                "postgres://db/crm?sslmode=secret",
                Err(DatabaseUrlError::BadValue("sslmode")),
            ),
            (
                "postgres://db/crm?port=secret",
                Err(DatabaseUrlError::BadValue("port")),
            ),
            (
                "postgres://db/crm?hostaddr=secret",
                Err(DatabaseUrlError::BadValue("hostaddr")),
            ),
            (
                "sqlite:a.db?mode=secret",
                Err(DatabaseUrlError::BadValue("mode")),
            ),
            ("sqlite:a.db?key=secret", named("key")),
            ("sqlite::memory:", Err(DatabaseUrlError::InMemory)),
            ("sqlite:a.db?mode=memory", Err(DatabaseUrlError::InMemory)),
            (
                "mysql://me:secret@db/crm",
                Err(DatabaseUrlError::UnknownEngine),
            ),
        ] {
            assert_eq!(read(url).map(|url| url.shown), expected, "{url}");
        }
    }

    #[test]
    fn a_missing_file_is_made_only_where_that_is_wanted() {
        for (url, create, expected) in [
            ("sqlite:a.db", true, "sqlite:a.db?mode=rwc"),
            ("sqlite:a.db", false, "sqlite:a.db?mode=rw"),
            ("sqlite:a.db?mode=rwc", false, "sqlite:a.db?mode=rw"),
            ("sqlite:a.db?mode=rw", true, "sqlite:a.db?mode=rw"),
            ("sqlite:a.db?mode=ro", true, "sqlite:a.db?mode=ro"),
            (
                "sqlite:a.db?cache=private&mode=rwc",
                true,
                "sqlite:a.db?cache=private&mode=rwc",
            ),
        ] {
            let connectable = read(url).map(|url| url.connectable(create));
            assert_eq!(connectable.as_deref(), Ok(expected), "{url}");
        }
    }
}
