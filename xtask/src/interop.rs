//! `cargo xtask interop`: other people's tools understand openapi.yaml. Generators make clients from it, a program in
//! each language uses its client against a running server, and schemathesis compares the server with the document.
//!
//! The clients are generated from an older document than the server's: it lacks one value of an enum, which the
//! server returns. A client that was generated before the value existed has to read it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::{
    cargo::{self, PRODUCT},
    client::{Client, Request},
    debian::{self, Dependency},
    deployment::{Database, Deployment, Engine},
    fuzz_api, paths, process,
    tools::Toolbox,
};

/// The status that the older document lacks.
const NEW_STATUS: &str = "hot";

/// The number of random requests per operation, in addition to those that test each limit.
const EXAMPLES: u32 = 10;

/// The same requests in every run: `cargo xtask fuzz-api` tries others.
const SEED: u128 = 1;

const GO: Dependency = Dependency {
    name: "Go",
    package: "golang-go",
};

const JAVA: Dependency = Dependency {
    name: "a Java development kit",
    package: "default-jdk-headless",
};

/// The arguments of `cargo xtask interop`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Test only this client or tool
    #[arg(long, value_enum)]
    only: Option<Subject>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// openapi-typescript and openapi-fetch
    Typescript,
    /// openapi-python-client
    Python,
    /// openapi-generator
    Go,
    /// openapi-generator
    Java,
    /// Requests made from the document; `cargo xtask fuzz-api` sends more of them
    Schemathesis,
}

/// What each client is generated from, and where its program runs.
struct Interop {
    tools: Toolbox,
    document: PathBuf,
    deployment: Deployment,
    /// A lead in [`NEW_STATUS`].
    lead_id: String,
}

/// Generates, compiles and uses the clients.
pub(crate) fn run(args: &Args) -> Result<()> {
    let subjects = match &args.only {
        Some(subject) => std::slice::from_ref(subject),
        None => Subject::value_variants(),
    };
    install_languages(subjects)?;
    let tools = Toolbox::open("interop")?;
    process::run(
        cargo::cargo("build")
            .args(PRODUCT)
            .args(["--bin", "konektor-server"]),
    )?;
    let server = paths::target()?.join("debug/konektor-server");
    let database = Database::start(Engine::Sqlite)?;
    let deployment = Deployment::start(&server, &database.url(), None)?;
    let interop = Interop {
        document: write_older_document(&tools)?,
        lead_id: create_lead(&deployment)?,
        tools,
        deployment,
    };
    for subject in subjects {
        let name = subject.to_possible_value().unwrap_or_default();
        eprintln!("\n{}", process::bold(&format!("── {} ──", name.get_name())));
        match subject {
            Subject::Typescript => interop.typescript(),
            Subject::Python => interop.python(),
            Subject::Go => interop.go(),
            Subject::Java => interop.java(),
            Subject::Schemathesis => interop.schemathesis(),
        }
        .with_context(|| format!("{} failed", name.get_name()))?;
    }
    Ok(())
}

/// Installs the languages of the clients.
fn install_languages(subjects: &[Subject]) -> Result<()> {
    let mut missing = Vec::new();
    if subjects.contains(&Subject::Go) && !process::succeeds(Command::new("go").arg("version")) {
        missing.push(GO);
    }
    // The generator of the Go client is a Java program too.
    let needs_java = subjects.contains(&Subject::Go) || subjects.contains(&Subject::Java);
    if needs_java && !process::succeeds(Command::new("javac").arg("-version")) {
        missing.push(JAVA);
    }
    debian::install(&missing)
}

/// Writes openapi.yaml without [`NEW_STATUS`].
fn write_older_document(tools: &Toolbox) -> Result<PathBuf> {
    let mut document: Value = serde_saphyr::from_str(&fs::read_to_string(paths::openapi())?)?;
    let removed = remove_value(&mut document);
    ensure!(
        removed > 0,
        "openapi.yaml has no enum with the value {NEW_STATUS}"
    );
    let path = tools.scratch_dir("document")?.join("openapi.json");
    fs::write(&path, serde_json::to_vec_pretty(&document)?)?;
    Ok(path)
}

/// Removes [`NEW_STATUS`] from all lists of values, and returns from how many.
fn remove_value(value: &mut Value) -> usize {
    match value {
        Value::Array(items) => {
            let before = items.len();
            items.retain(|item| item != NEW_STATUS);
            before - items.len() + items.iter_mut().map(remove_value).sum::<usize>()
        }
        Value::Object(members) => members.values_mut().map(remove_value).sum(),
        _ => 0,
    }
}

/// Creates a lead in [`NEW_STATUS`] and returns its id.
fn create_lead(deployment: &Deployment) -> Result<String> {
    let request = Request {
        method: "POST",
        path: "/api/v2/agent/leads".to_owned(),
        body: Some(json!({"firstName": "Budi", "status": NEW_STATUS}).to_string()),
        idempotency_key: None,
    };
    let response = Client::new(deployment)
        .call(&request)
        .map_err(|failure| anyhow::anyhow!("creating a lead: {failure:?}"))?;
    let id = response.json()["data"]["id"].as_str().map(str::to_owned);
    id.with_context(|| format!("creating a lead: {}", response.body))
}

impl Interop {
    fn typescript(&self) -> Result<()> {
        let client = self.tools.scratch_dir("typescript")?;
        process::run(
            self.tools
                .command("openapi-typescript")
                .arg(&self.document)
                .arg("--output")
                .arg(client.join("api.ts")),
        )?;
        let program = copy_program("usage.mts", &client)?;
        process::run(
            self.tools
                .command("tsc")
                .args(["--noEmit", "--strict", "--exactOptionalPropertyTypes"])
                .args(["--target", "es2024", "--lib", "es2024,dom"])
                .args(["--module", "nodenext", "--allowImportingTsExtensions"])
                .arg("--typeRoots")
                .arg(self.tools.node_modules().join("@types"))
                .arg(&program),
        )?;
        self.use_client(self.tools.command("node").arg(program))
    }

    fn python(&self) -> Result<()> {
        let client = self.tools.scratch_dir("python")?;
        process::run(
            self.tools
                .command("openapi-python-client")
                .args(["generate", "--fail-on-warning", "--meta", "none", "--path"])
                .arg(&self.document)
                .arg("--output-path")
                .arg(client.join("konektor_client")),
        )?;
        let program = copy_program("usage.py", &client)?;
        self.use_client(
            self.tools
                .command("python")
                .args(["-W", "error"])
                .arg(program),
        )
    }

    /// The client needs Go's standard library only.
    fn go(&self) -> Result<()> {
        let client = self.tools.scratch_dir("go")?;
        self.run_openapi_generator(
            "go",
            "packageName=konektor,withGoMod=false,enumClassPrefix=true",
            &client,
        )?;
        fs::write(client.join("go.mod"), "module konektor\n\ngo 1.19\n")?;
        let program = client.join("usage");
        fs::create_dir(&program)?;
        copy_program("usage.go", &program)?;
        let executable = client.join("usage.exe");
        process::run(
            Command::new("go")
                .args(["build", "-o"])
                .arg(&executable)
                .arg("./usage")
                .current_dir(&client),
        )?;
        self.use_client(&mut Command::new(executable))
    }

    /// The client's libraries are in the generator's own archive.
    fn java(&self) -> Result<()> {
        let client = self.tools.scratch_dir("java")?;
        let options = "library=native,openApiNullable=false,hideGenerationTimestamp=true";
        self.run_openapi_generator("java", options, &client)?;
        let sources = client.join("src/main/java");
        copy_program("Usage.java", &sources)?;
        copy_program("Generated.java", &sources)?;
        let classes = client.join("classes");
        let archive = self
            .tools
            .python_module("openapi_generator_cli")?
            .join("openapi-generator.jar");
        let class_path = std::env::join_paths([&archive, &classes])?;
        process::run(
            Command::new("javac")
                .args(["-nowarn", "-implicit:class", "-d"])
                .arg(&classes)
                .arg("-cp")
                .arg(&archive)
                .arg("-sourcepath")
                .arg(&sources)
                .arg(sources.join("Usage.java"))
                .arg(sources.join("Generated.java")),
        )?;
        self.use_client(Command::new("java").arg("-cp").arg(class_path).arg("Usage"))
    }

    /// Runs last, so that the programs in other languages find few leads.
    fn schemathesis(&self) -> Result<()> {
        self.deployment.seed(200)?;
        fuzz_api::check(&self.deployment, EXAMPLES, Some(SEED))
    }

    fn run_openapi_generator(&self, generator: &str, options: &str, client: &Path) -> Result<()> {
        process::run(
            self.tools
                .command("openapi-generator-cli")
                .args(["generate", "--generator-name", generator, "--input-spec"])
                .arg(&self.document)
                .arg("--output")
                .arg(client)
                .args(["--additional-properties", options])
                .args([
                    "--global-property",
                    "apiDocs=false,modelDocs=false,apiTests=false,modelTests=false",
                ])
                .env("JAVA_OPTS", "-Dlog.level=warn"),
        )
    }

    /// Runs a program, which fails if a call does not return what it expects.
    fn use_client(&self, program: &mut Command) -> Result<()> {
        process::run(
            program
                .env("KONEKTOR_BASE_URL", self.deployment.server.api_url())
                .env("KONEKTOR_API_KEY", &self.deployment.api_key)
                .env("KONEKTOR_LEAD_ID", &self.lead_id),
        )
    }
}

/// Copies a program next to the generated client that it uses.
fn copy_program(file: &str, directory: &Path) -> Result<PathBuf> {
    let copy = directory.join(file);
    fs::copy(paths::tool_settings().join("interop").join(file), &copy)?;
    Ok(copy)
}
