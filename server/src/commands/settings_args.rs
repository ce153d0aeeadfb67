//! Settings as command-line flags.

use super::database::DatabaseArgs;
use crate::{
    domain::address,
    logging::LogFormat,
    settings::{Flag, parse_public_url},
};
use clap::ValueEnum;
use ipnet::IpNet;

/// The settings that have a flag.
#[derive(clap::Args)]
pub(super) struct SettingsArgs {
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        help = "Where to listen; port 0 takes any free one [env: KONEKTOR_LISTEN] [default: 127.0.0.1:8080]"
    )]
    listen: Option<String>,
    #[arg(
        long,
        value_name = "URL",
        value_parser = parse_public_url,
        help = "Where callers reach the server, for SKILL.md and the like; http://ADDRESS:PORT unless given \
                [env: KONEKTOR_PUBLIC_URL]"
    )]
    public_url: Option<String>,
    #[arg(
        long = "trusted-proxy",
        value_name = "ADDR_OR_CIDR",
        value_delimiter = ',',
        value_parser = address::range,
        help = "A proxy's address or range, whose Forwarded or X-Forwarded-For says who the client is; may be given \
                several times; nobody's unless given [env: KONEKTOR_TRUSTED_PROXIES, separated by commas]"
    )]
    trusted_proxies: Vec<IpNet>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[arg(
        long,
        help = "Refuse to start when the database's schema is not up to date, instead of bringing it up to date \
                [env: KONEKTOR_NO_MIGRATE]"
    )]
    no_migrate: bool,
    #[arg(
        long,
        value_enum,
        help = "How log lines on stderr look; for people on a terminal and JSON elsewhere unless given \
                [env: KONEKTOR_LOG_FORMAT]"
    )]
    log_format: Option<LogFormat>,
}

impl SettingsArgs {
    /// The settings whose flags are present.
    pub(super) fn flags(&self) -> Vec<Flag> {
        let flag = |flag, key, value| Flag { flag, key, value };
        let proxies: Vec<_> = self.trusted_proxies.iter().map(IpNet::to_string).collect();
        let proxies = (!proxies.is_empty()).then(|| proxies.join(","));
        let no_migrate = self.no_migrate.then(|| "true".to_owned());
        let log_format = self
            .log_format
            .and_then(|format| format.to_possible_value());
        let log_format = log_format.map(|format| format.get_name().to_owned());
        [
            ("--listen", "listen", self.listen.clone()),
            ("--public-url", "public_url", self.public_url.clone()),
            ("--trusted-proxy", "trusted_proxies", proxies),
            ("--no-migrate", "no_migrate", no_migrate),
            ("--log-format", "log_format", log_format),
        ]
        .into_iter()
        .filter_map(|(name, key, value)| Some(flag(name, key, value?)))
        .chain(self.database.flags())
        .collect()
    }
}
