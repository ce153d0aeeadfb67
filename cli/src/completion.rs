//! What a shell and `man` know of the program.

use std::path::PathBuf;

use clap::{Arg, Command, ValueHint, builder::EnumValueParser, value_parser};
use clap_complete::Shell;
use serde_json::json;

use crate::{
    command_tree::command,
    commands::LocalCommand,
    error::Failure,
    render::{Answer, View},
    session::{
        Context,
        dry_run::{self, Change},
    },
};

const SHELL: &str = "shell";
const FOLDER: &str = "folder";

pub(crate) static COMPLETION: LocalCommand = LocalCommand {
    path: &["completion"],
    noun: "",
    needs: &[],
    shape: |command: Command| {
        command
            .about("A script that completes commands, flags and their values in your shell.")
            .arg(
                Arg::new(SHELL)
                    .required(true)
                    .value_parser(EnumValueParser::<Shell>::new())
                    .help("The shell that is to complete"),
            )
            .after_help(
                "Examples:\n  \
                 source <(konektor completion bash)\n  \
                 konektor completion zsh > ~/.zfunc/_konektor\n  \
                 konektor completion fish > ~/.config/fish/completions/konektor.fish\n  \
                 konektor completion powershell | Out-String | Invoke-Expression",
            )
    },
    run: |context| Box::pin(std::future::ready(completion(context))),
};

pub(crate) static MAN: LocalCommand = LocalCommand {
    path: &["man"],
    noun: "",
    needs: &[],
    shape: |command: Command| {
        command
            .about("Write manual pages, one for each command.")
            .arg(
                Arg::new(FOLDER)
                    .required(true)
                    .value_hint(ValueHint::DirPath)
                    .value_parser(value_parser!(PathBuf))
                    .help("Where to write them; it is made when it is not there"),
            )
            .arg(dry_run::local_flag())
            .after_help("Examples:\n  konektor man ~/.local/share/man/man1")
    },
    run: |context| Box::pin(std::future::ready(man(context))),
};

fn completion<'a>(context: &Context<'a>) -> Result<Answer<'a>, Failure> {
    let shell = context
        .matches
        .get_one::<Shell>(SHELL)
        .copied()
        .ok_or_else(|| Failure::usage("a shell is missing"))?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "konektor", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    Answer::new(&script, View::Text(script.clone()))
}

fn man<'a>(context: &Context<'a>) -> Result<Answer<'a>, Failure> {
    let folder = context
        .matches
        .get_one::<PathBuf>(FOLDER)
        .ok_or_else(|| Failure::usage("a folder is missing"))?;
    if dry_run::is_wanted(context) {
        let what = "a manual page for each command";
        return dry_run::changes([Change::new(folder.display(), what)]);
    }
    let written =
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command(), folder));
    written.map_err(|error| {
        Failure::other(format!("{} cannot be written: {error}", folder.display()))
    })?;
    let folder = folder.display().to_string();
    Answer::new(
        &json!({"folder": folder}),
        View::Text(format!("written to {folder}")),
    )
}
