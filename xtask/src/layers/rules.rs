//! Which module may import which, crate by crate.

use std::path::Path;

/// How many files may import each other in a circle; all of them in one folder.
pub(super) const LARGEST_CYCLE: usize = 4;

/// The layers of one crate.
pub(super) struct Rules {
    /// The crate's folder.
    pub(super) name: &'static str,
    /// Top-level modules from the bottom up. A module imports itself and lower layers, never its neighbours. Without
    /// layers only cycles are checked.
    pub(super) layers: &'static [&'static [&'static str]],
    /// Folders or modules, and a crate that each must not use.
    pub(super) forbidden: &'static [(&'static str, &'static str)],
}

/// The crates whose layers are held.
pub(super) static RULES: [Rules; 6] = [
    Rules {
        name: "server",
        layers: &[
            &["clock", "logging", "panics", "randomness"],
            &["domain"],
            &["settings"],
            &["vault"],
            &["store"],
            &["error"],
            &["reply"],
            &["gate", "validation"],
            &["state"],
            &["api"],
            &["pipeline"],
            &["http"],
            &["jobs", "transport"],
            &["server"],
            &["seed"],
            &["commands"],
            &["lib", "main"],
        ],
        forbidden: &[
            ("domain", "axum"),
            ("domain", "http"),
            ("domain", "hyper"),
            ("domain", "sqlx"),
            ("store", "axum"),
            ("store", "http"),
            ("store", "hyper"),
            ("gate", "axum"),
            ("gate", "http"),
            ("gate", "sqlx"),
            ("validation", "axum"),
            ("validation", "http"),
            ("validation", "sqlx"),
            ("api", "axum"),
            ("api", "http"),
            ("api", "sqlx"),
            ("pipeline", "axum"),
            ("pipeline", "http"),
            ("pipeline", "hyper"),
            ("pipeline", "sqlx"),
            ("http", "sqlx"),
            ("transport", "sqlx"),
            ("jobs", "sqlx"),
            ("seed", "sqlx"),
            ("commands", "sqlx"),
        ],
    },
    Rules {
        name: "cli",
        layers: &[
            &["base"],
            &["error"],
            &["env"],
            &["args", "config", "render"],
            &["session"],
            &["commands"],
            &["completion", "help"],
            &["registry"],
            &["lib", "main"],
        ],
        forbidden: &[
            ("render", "clap"),
            ("render", "http"),
            ("render", "reqwest"),
            ("config", "clap"),
        ],
    },
    Rules {
        name: "sdk",
        layers: &[],
        forbidden: &[],
    },
    Rules {
        name: "spec",
        layers: &[],
        forbidden: &[],
    },
    Rules {
        name: "skill",
        layers: &[],
        forbidden: &[],
    },
    Rules {
        name: "xtask",
        layers: &[],
        forbidden: &[],
    },
];

/// The top-level module that a file belongs to; `lib` or `main` for a root.
pub(super) fn module_of(file: &Path) -> String {
    let first = file.iter().next().unwrap_or_default();
    Path::new(first)
        .with_extension("")
        .to_string_lossy()
        .into_owned()
}
