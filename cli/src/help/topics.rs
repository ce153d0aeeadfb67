use crate::{
    base::Format,
    config::{KEY_VARIABLE, PROFILE_VARIABLE, SETTINGS},
    env::FOLDER_VARIABLE,
    error::Exit,
};

/// A help page that is not about one command.
pub(super) struct Topic {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) text: fn() -> String,
}

pub(super) static ALL: [Topic; 3] = [
    Topic {
        name: "exit-codes",
        about: "exit codes for scripts",
        text: exit_codes,
    },
    Topic {
        name: "environment",
        about: "environment variables",
        text: environment,
    },
    Topic {
        name: "formatting",
        about: "tables, formats, columns, jq",
        text: formatting,
    },
];

fn exit_codes() -> String {
    let codes = lines(
        Exit::ALL
            .iter()
            .map(|exit| format!("  {:>3}  {}", exit.code(), exit.meaning())),
    );
    format!(
        "Exit codes for scripts.\n\n\
         {codes}\n\n\
         A closed pipe (konektor leads list --all | head) is not an error: 0.\n\
         With -o json or -o ndjson a failure is one JSON object on stderr, with code, message,\n\
         details (by field), requestId, retryable and retryAfter (in seconds).\n"
    )
}

/// Variables for settings that `konektor config` shows.
const OF_SETTINGS: [(&str, &str); 3] = [
    (
        KEY_VARIABLE,
        "an API key; there is no flag, because other users can see command lines",
    ),
    (PROFILE_VARIABLE, "the profile to use"),
    (
        FOLDER_VARIABLE,
        "the folder of config.toml [default: ~/.config/konektor]",
    ),
];

const VARIABLES: &[(&str, &str)] = &[
    (
        "KONEKTOR_PAGER, PAGER",
        "the program that shows long output [default: less -FRX]; empty or cat to disable",
    ),
    ("NO_COLOR", "disables colours"),
    ("CLICOLOR", "0 disables colours"),
    (
        "CLICOLOR_FORCE",
        "1 enables colours in a pipe too (with -o table)",
    ),
    ("TERM", "dumb disables colours and the pager"),
    (
        "XDG_CACHE_HOME",
        "where the workspace's currency and time zone are cached for a day [default: ~/.cache]",
    ),
    ("TZ", "the time zone that times are shown in"),
    (
        "HTTPS_PROXY, ALL_PROXY",
        "the proxy for https:// servers, e.g. http://proxy.example:3128",
    ),
    (
        "NO_PROXY",
        "hosts to reach without a proxy, separated by commas",
    ),
    (
        "SSL_CERT_FILE, SSL_CERT_DIR",
        "certificates to trust instead of the system's",
    ),
];

fn environment() -> String {
    let settings = SETTINGS.map(|setting| (setting.variable, setting.about));
    let variables = || OF_SETTINGS.iter().chain(&settings).chain(VARIABLES);
    let width = variables()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or_default();
    let lines = lines(variables().map(|(name, about)| format!("  {name:<width$}  {about}")));
    format!(
        "Environment variables.\n\n{lines}\n\n\
         A flag wins over its variable, that over the profile, that over the default; \
         `konektor config list`\nshows which setting is in effect and where it came from.\n"
    )
}

fn formatting() -> String {
    let formats = lines(
        Format::ALL
            .iter()
            .map(|format| format!("  {:<9} {}", format.name(), format.about())),
    );
    format!(
        "How answers are written.\n\n\
         On a terminal an answer is a table that fits its width, with local times and amounts in the\n\
         workspace's currency. In a pipe it is one line a row, with tabs between the API's own values.\n\n\
         -o, --output FORMAT\n{formats}\n\n\
         --columns FIELDS   only these fields, by the API's names: --columns uniqueCode,phone\n\
         --wide             every column of a list in full, however wide the table becomes\n\
         --no-headers       omits the header row\n\
         --jq EXPRESSION    filters the JSON of -o json in the jq language; text comes out as it is,\n                   \
         everything else as JSON, or in the format that -o says.\n                   \
         With -o ndjson the filter sees one row after the other.\n\n\
         tsv      tab, line end and backslash in a value are written \\t, \\n, \\r and \\\\\n\
         csv      cells starting with = + - @ tab or return are prefixed with ' to prevent formula\n         \
         injection; `leads import` removes the prefix\n\
         json, yaml   one document, written when it is whole: a failure leaves nothing of it\n\n\
         A list that is cut off says so on stderr, in every format: 50 of 412. With --all nothing is cut.\n\
         Control characters in leads are escaped, and so are those that have no width or change the direction\n\
         of text: as \\u202e in json and yaml, as \\x1b or \\u202e in tsv, csv, markdown and the text of --jq.\n\
         Line ends and tabs stay in csv and the text of --jq. Tables show \u{fffd} instead.\n\
         `leads import` reads tsv and csv back.\n\n\
         Times: --since and --until take 2025-01-15, 2025-01-15T10:30:00Z, yesterday, today, 7d, 2w, 12h, 90m.\n\
         Dates, today and yesterday are days in the workspace's time zone.\n\n\
         Examples:\n  \
         konektor leads list --columns firstName,phone,status\n  \
         konektor leads list --all -o csv > leads.csv\n  \
         konektor leads list --status won --all --jq '[.data[].actualValue] | add'\n  \
         konektor leads list --all -o ndjson --jq 'select(.phone == null) | .id'\n"
    )
}

fn lines(lines: impl Iterator<Item = String>) -> String {
    lines.collect::<Vec<_>>().join("\n")
}
