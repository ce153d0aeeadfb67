//! Completion scripts for shells, and manual pages.

use std::path::PathBuf;

use clap::{Args, ValueHint};
use clap_complete::Shell;
use serde_json::json;

use crate::{
    args::DryRun,
    commands::LocalCommand,
    error::Failure,
    render::{Answer, View},
    session::{
        Context,
        dry_run::{self, Change},
    },
};

#[derive(Args)]
pub(crate) struct Completion {
    #[arg(value_name = "SHELL", help = "Shell")]
    shell: Shell,
}

impl LocalCommand for Completion {
    const PATH: &'static [&'static str] = &["completion"];
    const ABOUT: &'static str = "Generate a shell completion script";
    const EXAMPLES: &'static str = "  source <(konektor completion bash)
  konektor completion zsh > ~/.zfunc/_konektor
  konektor completion fish > ~/.config/fish/completions/konektor.fish
  konektor completion powershell | Out-String | Invoke-Expression";

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        let mut script = Vec::new();
        let mut tree = (context.command_tree)();
        clap_complete::generate(self.shell, &mut tree, "konektor", &mut script);
        let script = String::from_utf8_lossy(&script).into_owned();
        Answer::new(&script, View::Text(script.clone()))
    }
}

#[derive(Args)]
pub(crate) struct Man {
    #[arg(
        value_name = "FOLDER",
        value_hint = ValueHint::DirPath,
        help = "Output folder (created if missing)"
    )]
    folder: PathBuf,
    #[command(flatten)]
    dry_run: DryRun,
}

impl LocalCommand for Man {
    const PATH: &'static [&'static str] = &["man"];
    const ABOUT: &'static str = "Generate manual pages";
    const EXAMPLES: &'static str = "  konektor man ~/.local/share/man/man1";

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        let folder = &self.folder;
        if self.dry_run.dry_run {
            let what = "write a manual page for each command";
            return dry_run::changes([Change::new(folder.display(), what)]);
        }
        let tree = (context.command_tree)();
        std::fs::create_dir_all(folder)
            .and_then(|()| clap_mangen::generate_to(tree, folder))
            .map_err(|error| Failure::from_file("write", folder, &error))?;
        let folder = folder.display().to_string();
        Answer::new(
            &json!({"folder": folder}),
            View::Text(format!("written to {folder}")),
        )
    }
}
