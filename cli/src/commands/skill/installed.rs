//! The guide as an Agent Skill on this machine: `skill install` and `skill check`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Arg, Command, ValueHint, value_parser};
use konektor_spec::OperationId;
use serde_json::json;

use crate::{
    base::atomic_file::{self, Readers},
    commands::LocalCommand,
    config::{BASE_URL, OUTPUT},
    env::Environment,
    error::Failure,
    render::{Answer, View},
    session::{
        Context,
        dry_run::{self, Change},
    },
};

/// The folder is named like the skill, as <https://agentskills.io/specification> wants it.
const NAME: &str = "konektor-agent-api";

/// Where agents look for skills, below a home or a project.
const SKILLS: &str = ".claude/skills";

const TARGET: &str = "target";
const FOLDER: &str = "folder";

pub(crate) static INSTALL: LocalCommand = LocalCommand {
    path: &["skill", "install"],
    noun: "",
    needs: &[&BASE_URL, &OUTPUT],
    shape: |command| {
        target(command)
            .about("Give the guide to the agents on this machine, as an Agent Skill.")
            .after_help(
                "Examples:\n  \
                 konektor skill install\n  \
                 konektor skill install --target project\n  \
                 konektor skill install --folder ~/.agents/skills",
            )
            .arg(dry_run::local_flag())
    },
    run: |context| Box::pin(install(context)),
};

pub(crate) static CHECK: LocalCommand = LocalCommand {
    path: &["skill", "check"],
    noun: "",
    needs: &[&BASE_URL, &OUTPUT],
    shape: |command| {
        target(command)
            .about("Say whether the installed guide is the server's.")
            .after_help(
                "Examples:\n  \
                 konektor skill check\n  \
                 konektor skill check --target project || konektor skill install --target project",
            )
    },
    run: |context| Box::pin(check(context)),
};

fn target(command: Command) -> Command {
    command
        .arg(
            Arg::new(TARGET)
                .long(TARGET)
                .value_name("WHOSE")
                .value_parser(["user", "project"])
                .default_value("user")
                .help(format!(
                    "For all your projects (~/{SKILLS}), or for the one in this folder ({SKILLS})"
                )),
        )
        .arg(
            Arg::new(FOLDER)
                .long(FOLDER)
                .value_name("FOLDER")
                .value_hint(ValueHint::DirPath)
                .value_parser(value_parser!(PathBuf))
                .conflicts_with(TARGET)
                .help("Another folder of skills"),
        )
}

async fn install<'a>(context: &Context<'a>) -> Result<Answer<'a>, Failure> {
    let file = file(context)?;
    if dry_run::is_wanted(context) {
        let what = format!("the guide of {}", context.settings.server());
        return dry_run::changes([Change::new(file.display(), what)]);
    }
    let guide = guide(context).await?;
    write(&file, &guide).map_err(|error| {
        Failure::other(format!("{} cannot be written: {error}", file.display()))
    })?;
    told(&file, "current")
}

async fn check<'a>(context: &Context<'a>) -> Result<Answer<'a>, Failure> {
    let file = file(context)?;
    let installed = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Failure::other(format!("{} is not there", file.display()))
                .hint("install it with: konektor skill install"));
        }
        Err(error) => {
            return Err(Failure::other(format!(
                "{} cannot be read: {error}",
                file.display()
            )));
        }
    };
    if guide(context).await? == installed {
        return told(&file, "current");
    }
    Err(
        Failure::other(format!("{} is not the server's guide", file.display()))
            .hint("bring it up to date with: konektor skill install"),
    )
}

async fn guide(context: &Context<'_>) -> Result<String, Failure> {
    let call = context.call(OperationId::SkillShow).await?;
    let (guide, _) = call
        .send(call.client.skill().show().send_with_meta())
        .await?;
    Ok(guide)
}

fn told<'a>(file: &Path, state: &str) -> Result<Answer<'a>, Failure> {
    let file = file.display().to_string();
    Answer::new(
        &json!({"file": file, "state": state}),
        View::Text(format!("{file} is {state}")),
    )
}

fn file(context: &Context<'_>) -> Result<PathBuf, Failure> {
    let folder = match context.matches.get_one::<PathBuf>(FOLDER) {
        Some(folder) => folder.clone(),
        None if context
            .matches
            .get_one::<String>(TARGET)
            .map(String::as_str)
            == Some("project") =>
        {
            PathBuf::from(SKILLS)
        }
        None => home(context.environment)?.join(SKILLS),
    };
    Ok(folder.join(NAME).join("SKILL.md"))
}

fn home(environment: &Environment<'_>) -> Result<PathBuf, Failure> {
    (environment.variable)("HOME")
        .or_else(|| (environment.variable)("USERPROFILE"))
        .map(PathBuf::from)
        .ok_or_else(|| {
            Failure::usage("there is no home folder").hint("name a folder with --folder")
        })
}

fn write(file: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(file.parent().unwrap_or(Path::new(".")))?;
    atomic_file::write(file, text.as_bytes(), Readers::Everyone)
}
