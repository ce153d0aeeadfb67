//! Installs Debian packages where that needs no password.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// A system dependency of the checks.
pub(crate) struct Dependency {
    /// The name for messages.
    pub(crate) name: &'static str,
    /// The Debian package.
    pub(crate) package: &'static str,
}

/// PostgreSQL's server, version 13 or newer.
pub(crate) const POSTGRESQL: Dependency = Dependency {
    name: "PostgreSQL",
    package: "postgresql",
};

/// Python 3.11 or newer with `venv` and `pip`, which install every other tool.
pub(crate) const PYTHON: Dependency = Dependency {
    name: "Python 3 with its venv module",
    package: "python3-venv",
};

/// curl, which runs the examples in SKILL.md.
pub(crate) const CURL: Dependency = Dependency {
    name: "curl",
    package: "curl",
};

/// Programs without which some tests are skipped. Each has the name of its package.
pub(crate) const OPTIONAL: [Dependency; 4] = [
    Dependency {
        name: "zsh",
        package: "zsh",
    },
    Dependency {
        name: "fish",
        package: "fish",
    },
    Dependency {
        name: "less",
        package: "less",
    },
    Dependency {
        name: "PgBouncer",
        package: "pgbouncer",
    },
];

/// A postgresql-common setting that keeps the package from creating a cluster and starting a server.
/// <https://manpages.debian.org/bookworm/postgresql-common/pg_createcluster.1.en.html>
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/konektor.conf";

/// Installs the packages of `dependencies`, if any.
///
/// # Errors
///
/// If packages cannot be installed from here. The error lists what to install manually.
pub(crate) fn install(dependencies: &[Dependency]) -> Result<()> {
    if dependencies.is_empty() {
        return Ok(());
    }
    let packages = dependencies
        .iter()
        .map(|dependency| dependency.package)
        .collect::<Vec<_>>();
    let Some(root) = root_access() else {
        let names = dependencies
            .iter()
            .map(|dependency| dependency.name)
            .collect::<Vec<_>>()
            .join(" and ");
        bail!(
            "{names} must be installed manually: this needs apt-get, and root or sudo without a \
             password.\nOn Debian or Ubuntu: sudo apt-get install {}",
            packages.join(" ")
        );
    };

    eprintln!("Installing with apt-get: {}.", packages.join(", "));
    process::run(root("apt-get").args(["--quiet", "update"]))?;
    let mut install = root("env");
    install
        .args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"])
        .args(["--yes", "--no-install-recommends", "install"])
        .args(&packages);
    if packages.contains(&POSTGRESQL.package) {
        without_default_cluster(root, &mut install)
    } else {
        process::run(&mut install)
    }
}

/// Whether [`install`] can install packages.
pub(crate) fn can_install() -> bool {
    root_access().is_some()
}

/// Returns a function that runs a program as root without a prompt, if possible.
fn root_access() -> Option<fn(&str) -> Command> {
    fn directly(program: &str) -> Command {
        Command::new(program)
    }
    fn with_sudo(program: &str) -> Command {
        let mut command = Command::new("sudo");
        command.args(["--non-interactive", program]);
        command
    }

    let command: fn(&str) -> Command = if rustix::process::geteuid().is_root() {
        directly
    } else {
        with_sudo
    };
    process::succeeds(command("apt-get").arg("--version")).then_some(command)
}

fn without_default_cluster(root: fn(&str) -> Command, install: &mut Command) -> Result<()> {
    let write = format!(
        "mkdir -p \"$(dirname {NO_CLUSTER})\" && echo 'create_main_cluster = false' > {NO_CLUSTER}"
    );
    process::run(root("sh").args(["-c", &write]))?;
    let result = process::run(install);
    process::succeeds(root("rm").args(["-f", NO_CLUSTER]));
    result
}
