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
        help = "The address and port to listen on; port 0 selects a free port [env: KONEKTOR_LISTEN] [default: 127.0.0.1:8080]"
    )]
    listen: Option<String>,
    #[arg(
        long,
        value_name = "URL",
        value_parser = parse_public_url,
        help = "The URL by which clients reach the server, as SKILL.md and the docs show it \
                [env: KONEKTOR_PUBLIC_URL] [default: http://ADDRESS:PORT]"
    )]
    public_url: Option<String>,
    #[arg(
        long = "trusted-proxy",
        value_name = "ADDR_OR_CIDR",
        value_delimiter = ',',
        value_parser = address::range,
        help = "The address or range of a proxy, whose Forwarded or X-Forwarded-For is trusted; can be repeated \
                [env: KONEKTOR_TRUSTED_PROXIES, comma-separated] [default: none]"
    )]
    trusted_proxies: Vec<IpNet>,
    #[command(flatten)]
    database: DatabaseArgs,
    #[arg(
        long,
        help = "Refuse to start if the schema of the database is outdated, instead of updating it \
                [env: KONEKTOR_NO_MIGRATE]"
    )]
    no_migrate: bool,
    #[arg(
        long,
        value_enum,
        help = "The format of log lines on stderr [env: KONEKTOR_LOG_FORMAT] \
                [default: pretty on a terminal, json elsewhere]"
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
