//! `cargo xtask test`: runs all checks in sequence and stops at the first failure.

mod count;

use std::{
    fmt::{self, Display},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use clap::ValueEnum;

use self::count::Count;
use crate::{
    cargo::{self, PRODUCT, XTASK, cargo},
    debian, deny, generate, layers, package, paths,
    postgres::{self, Postgres},
    process, spec, tools,
};

/// The arguments of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Run only this step
    #[arg(long, value_enum)]
    only: Option<Step>,
    /// Keep the throwaway PostgreSQL running afterwards, to inspect its data
    #[arg(long)]
    keep: bool,
}

/// A step of the checks, in order of execution. Fast checks come first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Check the formatting
    Fmt,
    /// Check that modules import each other in one direction only
    Layers,
    /// Run Clippy
    Clippy,
    /// Check the licenses, sources and security advisories of dependencies
    Deny,
    /// Check that the generated code matches openapi.yaml
    Generated,
    /// Build the programs, which the tests start, and compile tests and examples
    Build,
    /// Run the tests of all crates, on SQLite and PostgreSQL
    Tests,
    /// Build the documentation without a warning, and run its examples
    Doc,
    /// Lint openapi.yaml
    Spec,
    /// Check the minimum supported Rust version, and build the SDK from its package
    Package,
}

impl Step {
    fn needs_postgres(self) -> bool {
        matches!(self, Self::Tests | Self::Doc)
    }

    fn needs_python(self) -> bool {
        matches!(self, Self::Deny | Self::Spec)
    }
}

impl Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        formatter.pad(value.as_ref().map_or("", |value| value.get_name()))
    }
}

/// Runs the steps and prints a summary.
pub(crate) fn run(args: &Args) -> Result<()> {
    let steps = match &args.only {
        Some(step) => std::slice::from_ref(step),
        None => Step::value_variants(),
    };
    install_dependencies(steps)?;

    let mut report = Report::default();
    let result = run_steps(steps, args.keep, &mut report);
    println!("{report}");
    result
}

/// Installs all missing tools, before any slow step starts.
fn install_dependencies(steps: &[Step]) -> Result<()> {
    cargo::install_components()?;
    let mut missing = Vec::new();
    if steps.iter().any(|step| step.needs_postgres()) && !postgres::is_installed() {
        missing.push(debian::POSTGRESQL);
    }
    if steps.contains(&Step::Tests) {
        let mut programs = vec![debian::CURL];
        if debian::can_install() {
            programs.extend(debian::OPTIONAL);
        }
        missing.extend(
            programs
                .into_iter()
                .filter(|program| !is_installed(program.package)),
        );
    }
    if steps.iter().any(|step| step.needs_python()) && !tools::has_python() {
        missing.push(debian::PYTHON);
    }
    debian::install(&missing)
}

fn is_installed(program: &str) -> bool {
    process::succeeds(Command::new(program).arg("--version"))
}

fn run_steps(steps: &[Step], keep: bool, report: &mut Report) -> Result<()> {
    let mut postgres = None;
    let result = steps.iter().try_for_each(|&step| {
        eprintln!("\n{}", process::bold(&format!("── {step} ──")));
        if step.needs_postgres() && postgres.is_none() {
            postgres = Some(Postgres::start()?);
        }
        let started = Instant::now();
        let result = run_step(step, postgres.as_ref(), &mut report.count);
        report.steps.push((step, started.elapsed(), result.is_ok()));
        process::check_interrupted()?;
        result.with_context(|| {
            format!("step {step} failed; run only this step with: cargo xtask test --only {step}")
        })
    });
    if let Some(postgres) = postgres.filter(|_| keep) {
        postgres.keep();
    }
    result
}

fn run_step(step: Step, postgres: Option<&Postgres>, count: &mut Count) -> Result<()> {
    let url = postgres.map(Postgres::url).unwrap_or_default();
    match step {
        Step::Fmt => process::run(cargo("fmt").args(["--all", "--check"])),
        Step::Layers => layers::run(),
        Step::Clippy => {
            process::run(&mut clippy(&[&PRODUCT[..], &["--all-targets"]].concat()))?;
            // Clippy links nothing: any file can stand for jemalloc, which takes a minute to compile.
            process::run(
                clippy(&["--locked", "--bin", "konektor-server"])
                    .env("JEMALLOC_OVERRIDE", paths::openapi()),
            )?;
            process::run(&mut clippy(&[&XTASK[..], &["--all-targets"]].concat()))
        }
        Step::Deny => deny::run(),
        Step::Generated => generate::run(true),
        Step::Build => process::run(cargo("build").args(PRODUCT).args([
            "--lib",
            "--bins",
            "--tests",
            "--examples",
        ])),
        Step::Tests => {
            let mut product = cargo("test");
            product
                .args(PRODUCT)
                .args(["--tests", "--no-fail-fast"])
                .env(postgres::TEST_URL, url);
            process::run_watched(&mut product, |line| count.add(line))?;
            let mut xtask = cargo("test");
            xtask.args(XTASK);
            process::run_watched(&mut xtask, |line| count.add(line))?;
            count.check_engines()
        }
        Step::Doc => {
            let mut pages = cargo("doc");
            pages.args(PRODUCT).arg("--no-deps");
            process::run(pages.env("RUSTDOCFLAGS", "--deny warnings"))?;
            let mut doc = cargo("test");
            doc.args(PRODUCT).arg("--doc").env(postgres::TEST_URL, url);
            process::run_watched(&mut doc, |line| count.add(line))
        }
        Step::Spec => spec::run(),
        Step::Package => package::run(),
    }
}

fn clippy(arguments: &[&str]) -> Command {
    let mut command = cargo("clippy");
    command.args(arguments).args(["--", "--deny", "warnings"]);
    command
}

/// The summary at the end of the output.
#[derive(Default)]
struct Report {
    steps: Vec<(Step, Duration, bool)>,
    count: Count,
}

impl Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter)?;
        for (step, time, passed) in &self.steps {
            let verdict = if *passed { "ok" } else { "FAILED" };
            writeln!(
                formatter,
                "{step:<10}{:>7.1} s  {verdict}",
                time.as_secs_f64()
            )?;
        }
        let total = self
            .steps
            .iter()
            .map(|(_, time, _)| time.as_secs_f64())
            .sum::<f64>();
        writeln!(formatter, "{:<10}{total:>7.1} s", "total")?;
        if self.count != Count::default() {
            write!(formatter, "{}", self.count)?;
        }
        Ok(())
    }
}
