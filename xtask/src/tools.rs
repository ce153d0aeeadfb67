//! External tools, pinned in `xtask/tools` and installed into `target/tools`.
//!
//! They require only Python. Node.js is installed as a Python package, because the versions of
//! distributions are often too old for the linter.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{debian, paths, process};

/// Whether Python with `venv` is installed.
pub(crate) fn has_python() -> bool {
    process::succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"]))
}

/// A directory of installed tools.
pub(crate) struct Toolbox {
    directory: PathBuf,
}

impl Toolbox {
    /// Opens the tools that `xtask/tools/<name>` pins, and installs them if necessary.
    ///
    /// These are the Python packages in `requirements.txt`, and the npm packages in
    /// `package-lock.json` if there is one.
    pub(crate) fn open(name: &str) -> Result<Self> {
        let settings = paths::tool_settings().join(name);
        let toolbox = Self {
            directory: paths::target()?.join("tools").join(name),
        };
        let pins = read_all(
            &settings,
            &["requirements.txt", "package.json", "package-lock.json"],
        )?;
        let installed = toolbox.directory.join("installed");
        if fs::read_to_string(&installed).is_ok_and(|installed| installed == pins) {
            return Ok(toolbox);
        }
        eprintln!(
            "Installing the packages that xtask/tools/{name} lists from PyPI and npm into {}.",
            toolbox.directory.display()
        );
        toolbox
            .install(&settings)
            .with_context(|| format!("installing the tools for {name}"))?;
        fs::write(installed, pins)?;
        Ok(toolbox)
    }

    fn install(&self, settings: &Path) -> Result<()> {
        if !has_python() {
            debian::install(&[debian::PYTHON])?;
        }
        process::run(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&self.directory),
        )?;
        process::run(
            self.command("pip")
                .args([
                    "--disable-pip-version-check",
                    "install",
                    "--quiet",
                    "--requirement",
                ])
                .arg(settings.join("requirements.txt")),
        )?;
        if settings.join("package-lock.json").exists() {
            for file in ["package.json", "package-lock.json"] {
                fs::copy(settings.join(file), self.directory.join(file))?;
            }
            process::run(
                self.command("npm")
                    .args([
                        "ci",
                        "--ignore-scripts",
                        "--no-audit",
                        "--no-fund",
                        "--loglevel=error",
                    ])
                    .current_dir(&self.directory),
            )?;
        }
        Ok(())
    }

    /// Builds a command of an installed tool that runs at the root of the repository.
    pub(crate) fn command(&self, program: &str) -> Command {
        let python = self.directory.join("bin");
        let npm = self.node_modules().join(".bin");
        let directory = if npm.join(program).exists() {
            &npm
        } else {
            &python
        };
        let mut command = Command::new(directory.join(program));
        command.current_dir(paths::root());
        let inherited = env::var_os("PATH").unwrap_or_default();
        let path = [python.clone(), npm.clone()]
            .into_iter()
            .chain(env::split_paths(&inherited));
        if let Ok(path) = env::join_paths(path) {
            command.env("PATH", path);
        }
        command
    }

    /// The directory of the npm packages.
    pub(crate) fn node_modules(&self) -> PathBuf {
        self.directory.join("node_modules")
    }

    /// The directory of an installed Python module.
    pub(crate) fn python_module(&self, name: &str) -> Result<PathBuf> {
        let print = format!("import {name}, os; print(os.path.dirname({name}.__file__))");
        let directory = process::read(self.command("python").args(["-c", &print]))?;
        Ok(directory.into())
    }

    /// Creates an empty directory next to the tools, from which their libraries can be imported.
    pub(crate) fn scratch_dir(&self, name: &str) -> Result<PathBuf> {
        let directory = self.directory.join(name);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        Ok(directory)
    }
}

/// Concatenates the files that exist.
fn read_all(directory: &Path, files: &[&str]) -> Result<String> {
    let existing = files
        .iter()
        .map(|file| directory.join(file))
        .filter(|path| path.exists());
    existing.map(|path| Ok(fs::read_to_string(path)?)).collect()
}
