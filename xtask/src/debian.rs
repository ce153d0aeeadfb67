//! Packages of the system, where they may be installed without a question.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

/// Something that the checks need from the system.
pub(crate) struct Need {
    /// What a person calls it.
    pub(crate) what: &'static str,
    /// The package of Debian that has it.
    pub(crate) package: &'static str,
}

/// PostgreSQL's server, version 13 or newer.
pub(crate) const POSTGRESQL: Need = Need {
    what: "PostgreSQL",
    package: "postgresql",
};

/// Python 3.11 or newer with `venv` and `pip`, which bring every other tool.
pub(crate) const PYTHON: Need = Need {
    what: "Python 3 with its venv module",
    package: "python3-venv",
};

/// What the tests of SKILL.md's examples call, as an agent would.
pub(crate) const CURL: Need = Need {
    what: "curl",
    package: "curl",
};

/// Programs without which tests are skipped, each named as its package: the shells that complete the command line, its
/// pager, and a pooler before PostgreSQL.
pub(crate) const WANTED: [Need; 4] = [
    Need {
        what: "zsh",
        package: "zsh",
    },
    Need {
        what: "fish",
        package: "fish",
    },
    Need {
        what: "less",
        package: "less",
    },
    Need {
        what: "PgBouncer",
        package: "pgbouncer",
    },
];

/// A setting of postgresql-common: no cluster, and so no server, comes with the package.
/// <https://manpages.debian.org/bookworm/postgresql-common/pg_createcluster.1.en.html>
const NO_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/konektor.conf";

/// Installs the packages of `needs`, if any.
///
/// # Errors
///
/// With what is to be installed by hand, when this may not do it or the system is not Debian's.
pub(crate) fn install(needs: &[Need]) -> Result<()> {
    if needs.is_empty() {
        return Ok(());
    }
    let packages = needs.iter().map(|need| need.package).collect::<Vec<_>>();
    let Some(root) = root_access() else {
        let what = needs
            .iter()
            .map(|need| need.what)
            .collect::<Vec<_>>()
            .join(" and ");
        bail!(
            "{what} is needed and may not be installed from here (no root, no sudo without a \
             password, or no apt-get).\nInstall it yourself and run this again. On Debian or \
             Ubuntu: sudo apt-get install {}",
            packages.join(" ")
        );
    };

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

/// Whether [`install`] can.
pub(crate) fn may_install() -> bool {
    root_access().is_some()
}

/// How to run a program as root, if there is a way that asks nothing.
fn root_access() -> Option<fn(&str) -> Command> {
    fn directly(program: &str) -> Command {
        Command::new(program)
    }
    fn by_sudo(program: &str) -> Command {
        let mut command = Command::new("sudo");
        command.args(["--non-interactive", program]);
        command
    }

    let way: fn(&str) -> Command = if rustix::process::geteuid().is_root() {
        directly
    } else {
        by_sudo
    };
    process::succeeds(way("apt-get").arg("--version")).then_some(way)
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
