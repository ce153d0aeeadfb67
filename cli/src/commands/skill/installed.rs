//! `konektor skill install` and `skill check`: the guide as an Agent Skill on this machine.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum, ValueHint};
use konektor_spec::OperationId;
use serde_json::json;

use crate::{
    args::DryRun,
    base::atomic_file::{self, Readers},
    commands::LocalCommand,
    config::{BASE_URL, OUTPUT, Setting},
    env::Environment,
    error::Failure,
    render::{Answer, View},
    session::{
        Context,
        dry_run::{self, Change},
    },
};

/// The folder has the name of the skill, as <https://agentskills.io/specification> requires.
const NAME: &str = "konektor-agent-api";

/// Where agents look for skills, below the home or project folder.
const SKILLS: &str = ".claude/skills";

// Where the guide is.
#[derive(Args)]
struct Place {
    #[arg(
        long,
        value_name = "TARGET",
        default_value = "user",
        help = format!("For all your projects (~/{SKILLS}), or for the one in this folder ({SKILLS})")
    )]
    target: Target,
    #[arg(
        long,
        value_name = "FOLDER",
        value_hint = ValueHint::DirPath,
        conflicts_with = "target",
        help = "Another folder of skills"
    )]
    folder: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Target {
    User,
    Project,
}

#[derive(Args)]
pub(crate) struct Install {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    dry_run: DryRun,
}

impl LocalCommand for Install {
    const PATH: &'static [&'static str] = &["skill", "install"];
    const ABOUT: &'static str = "Install the guide as an Agent Skill for Claude and other agents";
    const EXAMPLES: &'static str = "  konektor skill install
  konektor skill install --target project
  konektor skill install --folder ~/.agents/skills";
    const NEEDS: &'static [&'static Setting] = &[&BASE_URL, &OUTPUT];

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        let file = self.place.file(context.environment)?;
        if self.dry_run.dry_run {
            let what = format!("write the guide of {}", context.settings.server());
            return dry_run::changes([Change::new(file.display(), what)]);
        }
        let guide = guide(context).await?;
        write(&file, &guide).map_err(|error| Failure::from_file("write", &file, &error))?;
        answer(&file, "current", format!("Installed {}", file.display()))
    }
}

#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    place: Place,
}

impl LocalCommand for Check {
    const PATH: &'static [&'static str] = &["skill", "check"];
    const ABOUT: &'static str = "Check whether the installed guide is up to date";
    const EXAMPLES: &'static str = "  konektor skill check
  konektor skill check --target project || konektor skill install --target project";
    const NEEDS: &'static [&'static Setting] = &[&BASE_URL, &OUTPUT];

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        let file = self.place.file(context.environment)?;
        let installed = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(
                    Failure::other(format!("{} is not installed", file.display()))
                        .hint("install it with: konektor skill install"),
                );
            }
            Err(error) => return Err(Failure::from_file("read", &file, &error)),
        };
        if guide(context).await? == installed {
            return answer(
                &file,
                "current",
                format!("{} is up to date", file.display()),
            );
        }
        Err(Failure::other(format!(
            "{} differs from the server's guide",
            file.display()
        ))
        .hint("update it with: konektor skill install"))
    }
}

impl Place {
    fn file(&self, environment: &Environment<'_>) -> Result<PathBuf, Failure> {
        let folder = match (&self.folder, self.target) {
            (Some(folder), _) => folder.clone(),
            (None, Target::Project) => PathBuf::from(SKILLS),
            (None, Target::User) => home(environment)?.join(SKILLS),
        };
        Ok(folder.join(NAME).join("SKILL.md"))
    }
}

async fn guide(context: &Context<'_>) -> Result<String, Failure> {
    let call = context.call(OperationId::SkillShow).await?;
    let (guide, _) = call
        .send(call.client.skill().show().send_with_meta())
        .await?;
    Ok(guide)
}

fn answer<'a>(file: &Path, state: &str, text: String) -> Result<Answer<'a>, Failure> {
    let file = file.display().to_string();
    Answer::new(&json!({"file": file, "state": state}), View::Text(text))
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
