//! What the program says of itself.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers fail the test that calls them"
)]

mod support;

use std::process::Command;

use konektor_spec::Spec;
use konektor_testing::{example, success};
use serde_json::Value;
use support::{Api, skipped};

#[test]
fn help_and_the_flag_say_the_same() {
    let api = Api::silent().in_color();
    for command in [
        "",
        "leads",
        "leads list",
        "support ticket create",
        "version",
    ] {
        let by_word = api.run(&format!("konektor help {command}"));
        let by_flag = api.run(&format!("konektor {command} --help"));
        assert_eq!(by_word.code, 0);
        assert_eq!(by_word.stdout, by_flag.stdout, "{command}");
    }
}

#[test]
fn topics() {
    let api = Api::silent();
    for topic in ["exit-codes", "environment", "formatting"] {
        let ran = api.run(&format!("konektor help {topic}"));
        assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
        insta::assert_snapshot!(format!("topic_{topic}"), ran.stdout);
        assert!(api.run("konektor --help").stdout.contains(topic));
    }
}

#[test]
fn the_version_is_told_shortly_and_at_length() {
    let api = Api::silent();
    let version = env!("CARGO_PKG_VERSION");
    for line in ["konektor --version", "konektor -V"] {
        assert_eq!(api.run(line).stdout, format!("konektor {version}\n"));
    }
    let api_version = Spec::builtin().version();
    assert_eq!(
        api.run("konektor version").stdout,
        format!("konektor {version}\nAgent API {api_version}\n")
    );
    assert_eq!(
        api.run("konektor version --jq .api").stdout,
        format!("{api_version}\n")
    );
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("man1");
    let ran = Api::silent().run(&format!("konektor man {}", at.display()));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let page = |name: &str| std::fs::read_to_string(at.join(name)).unwrap();
    assert!(page("konektor.1").contains(".TH konektor 1"));
    for operation in Spec::builtin().operations() {
        let page = page(&format!("konektor-{}.1", operation.id.replace('_', "-")));
        assert!(page.contains("Examples:"), "{}", operation.id);
    }
}

/// Bash, zsh and fish complete on a real terminal, among the tests of that.
#[test]
fn powershell_completes_commands() {
    let script = Api::silent().run("konektor completion powershell").stdout;
    let ask = format!(
        "{script}\n(TabExpansion2 'konektor leads ups' 17).CompletionMatches.CompletionText"
    );
    match Command::new("pwsh").args(["-c", &ask]).output() {
        Ok(offered) => assert_eq!(String::from_utf8(offered.stdout).unwrap().trim(), "upsert"),
        Err(_) => skipped("PowerShell's completion was not tried, there is no pwsh here"),
    }
}

#[test]
fn the_guide_is_installed_and_checked() {
    let home = tempfile::tempdir().unwrap();
    let guide = example("skill_show");
    let api = Api::documented("skill_show")
        .with_key(None)
        .with("HOME", home.path());
    let file = home
        .path()
        .join(".claude/skills/konektor-agent-api/SKILL.md");

    let missing = api.run("konektor skill check");
    assert_eq!(missing.code, 1);
    assert!(
        missing
            .stderr
            .contains("install it with: konektor skill install")
    );

    let installed = api.run("konektor skill install -o json");
    assert_eq!(installed.code, 0);
    let installed: Value = serde_json::from_str(&installed.stdout).unwrap();
    assert_eq!(installed["state"], "current");
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        guide.as_str().unwrap()
    );
    assert_eq!(api.run("konektor skill check").code, 0);

    let newer = Api::answering(success("skill_show", &"# Another guide\n".into()))
        .with_key(None)
        .with("HOME", home.path());
    let outdated = newer.run("konektor skill check");
    assert_eq!(outdated.code, 1);
    assert!(outdated.stderr.contains("differs from the server's guide"));
    assert_eq!(newer.run("konektor skill install").code, 0);
    assert_eq!(newer.run("konektor skill check").code, 0);
}

#[test]
fn the_guide_goes_where_one_wants_it() {
    let folder = tempfile::tempdir().unwrap();
    let api = Api::documented("skill_show").with_key(None);
    let ran = api.run(&format!(
        "konektor skill install --folder {}",
        folder.path().display()
    ));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(folder.path().join("konektor-agent-api/SKILL.md").is_file());
}

#[test]
fn verbose_says_what_is_sent_and_nothing_about_anybody() {
    let api = Api::documented("leads_update");
    let ran = api.run("konektor leads update 081234567890 --notes 'a secret' --verbose");
    assert_eq!(ran.code, 0);
    let lines: Vec<_> = ran.stderr.lines().collect();
    assert_eq!(lines[0], "> PATCH /leads/{id}");
    let (status, rest) = lines[1].split_once(" in ").unwrap();
    assert_eq!(status, "< 200");
    let (_, rest) = rest.split_once(" ms, ").unwrap();
    assert_eq!(
        rest,
        format!("request {}, 199 of 200 left", konektor_testing::REQUEST_ID)
    );
    assert_eq!(lines.len(), 2);
    for secret in [konektor_testing::KEY, "0812", "a secret", "Budi"] {
        assert!(!ran.stderr.contains(secret), "{}", ran.stderr);
    }
}
