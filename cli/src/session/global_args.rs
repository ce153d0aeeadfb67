use clap::{
    Args, ValueHint,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};

use crate::{
    base::{ColumnSelection, Format, parse_duration},
    config::Overrides,
    render::{Filter, OutputOptions},
};

// What every command takes.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    #[arg(
        long,
        global = true,
        value_name = "URL",
        value_hint = ValueHint::Url,
        help = base_url_help()
    )]
    pub(crate) base_url: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "NAME",
        help = "Profile to use [default: KONEKTOR_PROFILE, else the current profile]"
    )]
    pub(crate) profile: Option<String>,
    #[arg(
        long,
        global = true,
        value_name = "TIME",
        value_parser = duration,
        help = "Longest wait when rate limited, e.g. 30s or 5m; 0 to fail at once [default: 30s]"
    )]
    max_wait: Option<String>,
    #[arg(long, global = true, help = "Log requests and responses to stderr")]
    pub(crate) verbose: bool,
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORMAT",
        value_parser = format_parser(),
        help = "Output format [default: table, tsv in a pipe]"
    )]
    output: Option<Format>,
    #[arg(
        long,
        global = true,
        value_name = "EXPRESSION",
        value_parser = Filter::parse,
        help = "Filter JSON output with a jq expression"
    )]
    jq: Option<Filter>,
    #[arg(long, global = true, help = "Omit the header row")]
    no_headers: bool,
}

impl GlobalArgs {
    pub(crate) fn overrides(&self) -> Overrides {
        Overrides {
            profile: self.profile.clone(),
            base_url: self.base_url.clone(),
            output: self.output.map(|format| format.name().to_owned()),
            max_wait: self.max_wait.clone(),
        }
    }

    /// How the answer is written.
    pub(crate) fn output_options(&self, columns: ColumnSelection) -> OutputOptions {
        OutputOptions::new(self.output, self.jq.clone(), columns, !self.no_headers)
    }

    /// Returns `--profile` and `--base-url` as they were typed, for a command line to copy.
    pub(crate) fn server_words(&self) -> Vec<String> {
        [("profile", &self.profile), ("base-url", &self.base_url)]
            .into_iter()
            .filter_map(|(name, value)| Some([format!("--{name}"), value.clone()?]))
            .flatten()
            .collect()
    }
}

fn base_url_help() -> String {
    format!(
        "Server URL [default: KONEKTOR_BASE_URL, the profile, else {}]",
        konektor_spec::origin(konektor_spec::SERVER_URL)
    )
}

fn duration(text: &str) -> Result<String, String> {
    parse_duration(text).map(|_| text.to_owned())
}

fn format_parser() -> impl TypedValueParser<Value = Format> {
    let values = Format::ALL.map(|format| PossibleValue::new(format.name()).help(format.about()));
    PossibleValuesParser::new(values)
        .try_map(|name| Format::from_name(&name).ok_or("not an output format"))
}
