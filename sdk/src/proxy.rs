//! The proxy that environment variables name.
//!
//! The variables are read here and not by reqwest, which silently connects directly when it cannot read
//! one.

use std::{error::Error as StdError, ffi::OsString};

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::{error::Error, tls};

/// The variables that may name a proxy for https://, the first that is set wins. These are curl's,
/// in the order of reqwest.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The variables that may name hosts to reach without a proxy.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// A proxy, and the variable that names it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Proxy {
    variable: &'static str,
    /// It may hold a password.
    url: Url,
}

/// Without the URL, which may hold a password.
impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy")
            .field("variable", &self.variable)
            .finish_non_exhaustive()
    }
}

impl Proxy {
    /// The proxy for a server, by the environment variables that `variable` gives.
    ///
    /// # Errors
    ///
    /// When the variable that counts names an unusable proxy. Its value is not shown.
    pub(crate) fn for_server(
        server: &Url,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Option<Self>, Error> {
        let Some((name, value)) = first_set(&VARIABLES, &variable)? else {
            return Ok(None);
        };
        if let Some((_, exceptions)) = first_set(&EXCEPTIONS, &variable)?
            && is_exception(server, &exceptions)
        {
            return Ok(None);
        }
        let url = read(&value).map_err(|why| Error::config(format!("{name} {why}")))?;
        Ok(Some(Self {
            variable: name,
            url,
        }))
    }

    pub(crate) fn to_reqwest(&self) -> Result<reqwest::Proxy, Error> {
        reqwest::Proxy::https(self.url.as_str())
            .map_err(|_| Error::config(format!("{} {NOT_A_PROXY}", self.variable)))
    }

    /// `proxy.example:3128 (HTTPS_PROXY)`
    pub(crate) fn describe(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port_or_known_default() {
            Some(port) => format!("{host}:{port} ({})", self.variable),
            None => format!("{host} ({})", self.variable),
        }
    }
}

const NOT_A_PROXY: &str = "is not the URL of a proxy: write it like http://proxy.example:3128";

fn first_set(
    names: &[&'static str],
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<(&'static str, String)>, Error> {
    for name in names {
        let Some(value) = variable(name).filter(|value| !value.is_empty()) else {
            continue;
        };
        let value = value
            .into_string()
            .map_err(|_| Error::config(format!("{name} is not Unicode text")))?;
        if !value.trim().is_empty() {
            return Ok(Some((name, value)));
        }
    }
    Ok(None)
}

fn is_exception(server: &Url, exceptions: &str) -> bool {
    let Ok(server) = server.as_str().parse::<http::Uri>() else {
        return false;
    };
    let matcher = Matcher::builder()
        .https("http://any.proxy")
        .no(exceptions)
        .build();
    matcher.intercept(&server).is_none()
}

fn read(value: &str) -> Result<Url, String> {
    let value = value.trim();
    if value.starts_with(['"', '\'']) || value.ends_with(['"', '\'']) {
        return Err("has quotes in its value: leave them out".to_owned());
    }
    let text = match value.split_once("://") {
        Some((scheme, _)) => {
            let scheme = scheme.to_ascii_lowercase();
            if scheme.starts_with("socks") {
                return Err(
                    "names a SOCKS proxy, which is not supported: name an http:// proxy".to_owned(),
                );
            }
            if !matches!(scheme.as_str(), "http" | "https") {
                return Err(NOT_A_PROXY.to_owned());
            }
            value.to_owned()
        }
        None => format!("http://{value}"),
    };
    let url = Url::parse(&text).map_err(|_| NOT_A_PROXY.to_owned())?;
    let has_more = url.path() != "/" || url.query().is_some() || url.fragment().is_some();
    if has_more || url.host_str().is_none_or(str::is_empty) {
        return Err(NOT_A_PROXY.to_owned());
    }
    Ok(url)
}

/// How a proxy failed, as far as hyper tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It wants other credentials, or any (407).
    Unauthorized,
    /// It does not connect to the server.
    Refused,
    /// It was not reached.
    Unreachable,
    /// Its certificate is not trusted.
    Untrusted,
}

impl Failure {
    /// The failure of a proxy that caused an error, if one did. hyper-util's type is private, so its text is
    /// compared; a test pins the text.
    pub(crate) fn of(error: &(dyn StdError + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(what) = error.to_string().strip_prefix("tunnel error: ") {
                return Some(match what {
                    "proxy authorization required" => Self::Unauthorized,
                    "failed to create underlying connection" if tls::refused(error) => {
                        Self::Untrusted
                    }
                    "failed to create underlying connection" => Self::Unreachable,
                    _ => Self::Refused,
                });
            }
            next = error.source();
        }
        None
    }

    /// Whether a retry would fail in the same way.
    pub(crate) fn is_permanent(self) -> bool {
        matches!(self, Self::Unauthorized | Self::Untrusted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn proxy(variables: &[(&str, &str)]) -> Result<Option<Proxy>, Error> {
        let server = Url::parse("https://konektor.id/api/v2/agent").unwrap();
        Proxy::for_server(&server, |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.into())
        })
    }

    #[test]
    fn no_variable_is_no_proxy() {
        assert_eq!(proxy(&[]).unwrap(), None);
        assert_eq!(
            proxy(&[("HTTPS_PROXY", ""), ("ALL_PROXY", " ")]).unwrap(),
            None
        );
        assert_eq!(proxy(&[("HTTP_PROXY", "http://proxy:1")]).unwrap(), None);
    }

    #[test]
    fn a_proxy_is_read_in_the_usual_spellings() {
        for (value, address) in [
            ("http://proxy.corp:3128", "proxy.corp:3128"),
            ("http://proxy.corp:3128/", "proxy.corp:3128"),
            ("HTTP://proxy.corp:3128", "proxy.corp:3128"),
            ("proxy.corp:3128", "proxy.corp:3128"),
            (" http://proxy.corp:3128 ", "proxy.corp:3128"),
            ("https://proxy.corp", "proxy.corp:443"),
            ("http://proxy.corp:80", "proxy.corp:80"),
            ("proxy.corp", "proxy.corp:80"),
            ("http://budi:hunter2@[::1]:3128", "[::1]:3128"),
        ] {
            let proxy = proxy(&[("HTTPS_PROXY", value)]).unwrap().unwrap();
            assert_eq!(proxy.describe(), format!("{address} (HTTPS_PROXY)"));
            assert!(proxy.to_reqwest().is_ok());
            assert!(!format!("{proxy:?}").contains("hunter2"));
        }
    }

    #[test]
    fn the_first_variable_that_is_set_counts() {
        let all = [
            ("HTTPS_PROXY", "one"),
            ("https_proxy", "two"),
            ("ALL_PROXY", "three"),
            ("all_proxy", "four"),
        ];
        for (first, (name, host)) in all.iter().enumerate() {
            let proxy = proxy(&all[first..]).unwrap().unwrap();
            assert_eq!(proxy.describe(), format!("{host}:80 ({name})"));
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_names_the_variable_and_not_its_value() {
        for value in [
            "socks://127.0.0.1:1080",
            "socks5h://hunter2@127.0.0.1:1080",
            "\"http://hunter2:1\"",
            "'http://hunter2:1'",
            "htttp://hunter2:1",
            "http:/127.0.0.1:18494",
            "http://",
            "foo://hunter2",
            "http://hunter2:1/path",
            "http://hunter2:1?x",
            "http://hunter2:99999",
            "127.0.0.1:1:2",
            "a b",
        ] {
            for variable in VARIABLES {
                let error = proxy(&[(variable, value)]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Config, "{value}");
                assert!(error.message().starts_with(variable), "{error}");
                assert!(!error.to_string().contains("hunter2"), "{error}");
            }
        }
    }

    #[test]
    fn a_server_that_is_excepted_needs_no_proxy_whatever_the_variable_says() {
        for value in ["http://proxy:1", "socks://proxy:1"] {
            for exceptions in ["konektor.id", ".konektor.id", "a.example, konektor.id", "*"] {
                let variables = [("HTTPS_PROXY", value), ("NO_PROXY", exceptions)];
                assert_eq!(proxy(&variables).unwrap(), None, "{exceptions}");
            }
        }
        let other = [("HTTPS_PROXY", "http://proxy:1"), ("no_proxy", "a.example")];
        assert!(proxy(&other).unwrap().is_some());
    }
}
