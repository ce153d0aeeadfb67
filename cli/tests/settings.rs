//! Settings that are wrong, and what goes on all the same.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers fail the test that calls them"
)]

mod support;

use std::path::PathBuf;

use serde_json::Value;
use support::{Api, Ran};
use tempfile::TempDir;

/// A person with a config file, who names the server and the key in the environment.
struct Person {
    api: Api,
    folder: TempDir,
}

impl Person {
    fn with(config: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.toml"), config).unwrap();
        Self::at(folder)
    }

    fn at(folder: TempDir) -> Self {
        let mut api = Api::documented("leads_list").with("KONEKTOR_KEY_STORE", "file");
        api.config_folder = Some(folder.path().to_owned());
        Self { api, folder }
    }

    /// One whose environment says nothing of the store of keys.
    fn without_store(mut self) -> Self {
        self.api.variables.clear();
        self
    }

    /// One whose environment says nothing of the server.
    fn without_server(mut self) -> Self {
        self.api.names_server = false;
        self
    }

    fn without_key(mut self) -> Self {
        self.api.key = None;
        self
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// `…/config.toml:3`
    fn line(&self, line: usize) -> String {
        format!("{}:{line}", self.file().display())
    }

    fn run(&self, line: &str) -> Ran {
        self.api.run(line)
    }

    fn must_end(&self, line: &str, code: u8) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, code, "{line}: {}", ran.stderr);
        assert!(code == 0 || ran.stdout.is_empty(), "{line}: {}", ran.stdout);
        ran.stderr
    }
}

/// A profile with this line in it, the third one of the file.
fn profile(line: &str) -> String {
    format!("# mine\n[profiles.default]\n{line}\n")
}

/// Files that are wrong in all ways.
fn wrong() -> Vec<Vec<u8>> {
    let lines = [
        "output = \"tabel\"",
        "max-wait = \"soon\"",
        "key-store = \"cloud\"",
        "base-url = \"nowhere\"",
        "base_url = \"https://konektor.example\"",
        "colour = \"green\"",
        "output = [1, 2]",
        "output = ",
    ];
    let files = [
        "profile = 5\n",
        "profile = \"a b\"\n",
        "profile = \"nobody\"\n",
        "theme = \"dark\"\n[profiles.default]\n",
        "profiles = 5\n",
        "<<<<<<< mine\n",
        "\u{0}",
    ];
    let lines = lines.into_iter().map(profile);
    let files = files.into_iter().map(str::to_owned);
    let mut all: Vec<_> = lines.chain(files).map(String::into_bytes).collect();
    all.push(b"output = \"caf\xe9\"\n".to_vec());
    all
}

#[test]
fn what_tells_of_settings_and_of_the_program_always_works() {
    let pages = tempfile::tempdir().unwrap();
    let man = format!("konektor man {}", pages.path().display());
    let mut people: Vec<_> = wrong().into_iter().map(Person::with).collect();
    // A folder where the file should be: nobody can read it, whoever runs the test.
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("config.toml")).unwrap();
    people.push(Person::at(folder));
    for person in people {
        let person = person.without_store();
        let config = std::fs::read(person.file()).unwrap_or_default();
        let what = String::from_utf8_lossy(&config).into_owned();
        for line in [
            "konektor config list -o json",
            "konektor config list",
            "konektor config path",
            "konektor version",
            "konektor version -o json",
            "konektor help environment",
            "konektor help exit-codes",
            "konektor completion bash",
            "konektor leads list --help",
            &man,
        ] {
            let ran = person.run(line);
            assert_eq!(ran.code, 0, "{line} with {what}: {}", ran.stderr);
            assert!(!ran.stdout.is_empty() || line == man, "{line} with {what}");
        }
        let doctor = person.run("konektor doctor -o json");
        let findings: Value = serde_json::from_str(&doctor.stdout).unwrap();
        let config = findings
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["check"] == "config")
            .unwrap();
        assert_ne!(config["state"], "ok", "{what}: {findings}");
        let told = config["message"].as_str().unwrap();
        assert!(
            told.contains(person.file().to_str().unwrap()),
            "{what}: {told}"
        );
    }
}

#[test]
fn a_wrong_setting_stops_what_needs_it_and_names_its_line() {
    for (wrong, told, cure) in [
        (
            "output = \"tabel\"",
            "output (profile default, FILE:3): \"tabel\" is not allowed",
            "-o table",
        ),
        (
            "max-wait = \"soon\"",
            "max-wait (profile default, FILE:3): invalid duration \"soon\"",
            "--max-wait 5s",
        ),
        (
            "base-url = \"nowhere\"",
            "base-url (profile default, FILE:3): ",
            "--base-url SERVER",
        ),
        (
            "base_url = \"http://127.0.0.1:1\"",
            "unknown setting \"base_url\" (profile default, FILE:3), did you mean \"base-url\"?",
            "--base-url SERVER",
        ),
        (
            "ouput = \"json\"",
            "unknown setting \"ouput\" (profile default, FILE:3), did you mean \"output\"?",
            "-o table",
        ),
    ] {
        let person = Person::with(profile(wrong)).without_server();
        let told = told.replace("FILE", person.file().to_str().unwrap());
        let server = person.api.server.uri();
        let needs_server = wrong.starts_with("base");
        let list = if needs_server {
            "konektor leads list".to_owned()
        } else {
            format!("konektor leads list --base-url {server}")
        };
        let stderr = person.must_end(&list, 2);
        assert!(stderr.starts_with(&format!("error: {told}")), "{stderr}");
        let cured = format!("{list} {}", cure.replace("SERVER", &server));
        person.must_end(&cured, 0);
        assert_eq!(person.api.requests().len(), 1, "{wrong}");
        // What it stops is not mended by anything else.
        person.must_end("konektor config get key-store", 0);
    }
}

#[test]
fn a_wrong_store_of_keys_stops_who_needs_a_key_from_it() {
    let config = profile("key-store = \"cloud\"");
    let person = Person::with(&config).without_store();
    person.must_end("konektor leads list", 0);
    let person = Person::with(&config).without_store().without_key();
    let told = person.must_end("konektor leads list", 2);
    assert!(
        told.contains(&person.line(3)) && told.contains("\"cloud\""),
        "{told}"
    );
    for line in ["konektor auth status", "konektor auth logout"] {
        assert_eq!(person.must_end(line, 2), told);
    }
    let listed = person.run("konektor config list -o json");
    let rows: Value = serde_json::from_str(&listed.stdout).unwrap();
    let row = |name: &str| {
        let row = rows
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["name"] == name);
        row.unwrap().clone()
    };
    assert_eq!((listed.code, &row("key-store")["value"]), (0, &"-".into()));
    assert!(
        row("key-store")["source"]
            .as_str()
            .unwrap()
            .contains(&person.line(3))
    );
    assert_eq!(row("max-wait")["source"], "default");
}

/// A newer konektor may have written it.
#[test]
fn an_unknown_setting_stops_nothing_and_is_told() {
    for (config, told) in [
        (
            profile("colour = \"green\""),
            "unknown setting \"colour\" (profile default, LINE3)",
        ),
        (
            "theme = \"dark\"\n".to_owned(),
            "unknown setting \"theme\" (LINE1)",
        ),
        (
            "output = \"csv\"\n".to_owned(),
            "\"output\" has no effect outside of a profile (LINE1); move it below a line [profiles.default]",
        ),
        // The right one is there too.
        (
            profile("max-wait = \"1s\"\nmaxwait = 5"),
            "unknown setting \"maxwait\" (profile default, LINE4), did you mean \"max-wait\"?",
        ),
    ] {
        let person = Person::with(config);
        let mut told = format!("warning: {told}\n");
        for line in [1, 3, 4] {
            told = told.replace(&format!("LINE{line}"), &person.line(line));
        }
        assert_eq!(person.must_end("konektor leads list", 0), told);
        assert_eq!(person.must_end("konektor leads list -o json", 0), told);
        // A failure alone is what programs read.
        let failed = person.run("konektor leads list -o json --base-url http://127.0.0.1:1");
        assert_eq!(
            serde_json::from_str::<Value>(&failed.stderr).unwrap()["code"],
            "NETWORK_ERROR"
        );
        assert_eq!(person.must_end("konektor config list", 0), told);
        assert_eq!(person.must_end("konektor version", 0), "");
    }
}

#[test]
fn a_file_that_cannot_be_read_stops_who_needs_what_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("config.toml")).unwrap();
    for person in [Person::at(folder), Person::with("[profiles.default\n")] {
        let file = person.file().display().to_string();
        let told = person.must_end("konektor leads list", 0);
        assert!(
            told.starts_with("warning: ") && told.contains(&file),
            "{told}"
        );
        let server = format!("konektor leads list --base-url {}", person.api.server.uri());

        let person = person.without_server();
        let ran = person.run("konektor leads list");
        assert!(ran.code != 0 && ran.stderr.contains(&file), "{ran:?}");
        let person = person.without_key();
        let ran = person.run(&server);
        assert!(ran.code != 0 && ran.stderr.contains(&file), "{ran:?}");
        let ran = person.run("konektor config set output json");
        assert!(ran.code != 0 && ran.stderr.contains(&file), "{ran:?}");
    }
}

#[test]
fn what_is_wrong_can_be_set_right() {
    for (wrong, right) in [
        ("output = \"tabel\"", "output table"),
        ("max-wait = \"soon\"", "max-wait 5s"),
    ] {
        let person = Person::with(profile(wrong));
        person.must_end("konektor leads list", 2);
        person.must_end(&format!("konektor config set {right}"), 0);
        assert_eq!(person.must_end("konektor leads list", 0), "");
    }
}

#[test]
fn a_profile_that_is_not_there_is_told_with_the_nearest_one() {
    let config = "[profiles.toko]\nmax-wait = 5\n";
    let person = Person::with(config).without_key();
    let told = "unknown profile \"tok\" (flag --profile), did you mean \"toko\"?";
    for line in [
        "konektor leads list --profile tok",
        "konektor auth status --profile tok",
        "konektor leads export - --profile tok",
    ] {
        let stderr = person.must_end(line, 2);
        let expected = format!(
            "error: {told}\n  profiles: toko\n  create it with: konektor auth login --profile tok\n"
        );
        assert_eq!(stderr, expected, "{line}");
    }
    // One that is there has no key.
    person.must_end("konektor leads list --profile toko", 4);
    person.must_end("konektor leads list", 4);

    let person = Person::with(format!("profile = \"tok\"\n{config}")).without_key();
    let stderr = person.must_end("konektor leads list", 2);
    assert!(
        stderr.contains(&format!("\"tok\" ({})", person.line(1))),
        "{stderr}"
    );

    // Who names key and server needs no profile; who names no server is told whose it is not.
    let person = Person::with(config);
    assert_eq!(person.must_end("konektor leads list --profile tok", 0), "");
    let person = person.without_server();
    let dry = "konektor leads create --first-name Budi --dry-run --profile tok";
    assert_eq!(person.must_end(dry, 0), format!("warning: {told}\n"));

    let mut person = Person::with(config);
    person.api = person.api.on_a_terminal(80);
    let stderr = person.must_end("konektor config set profile tok", 0);
    assert_eq!(
        stderr,
        "switched to profile tok; unknown profile \"tok\", did you mean \"toko\"?\n"
    );
}

#[test]
fn a_wrong_setting_does_not_stop_what_does_not_need_it() {
    let folder = tempfile::tempdir().unwrap();
    let leads = folder.path().join("leads.csv");
    std::fs::write(&leads, "firstName\nBudi\n").unwrap();
    let (import, export) = (leads.display(), leads.with_extension("json"));
    let import = format!("konektor leads import {import}");
    let export = format!("konektor leads export {}", export.display());
    let wait = profile("max-wait = \"soon\"");
    for line in [
        "konektor auth logout",
        "konektor auth logout --dry-run",
        "konektor auth login --dry-run",
        "konektor leads update CRM-1024 --status won --dry-run",
        "konektor api POST /leads -f firstName=Budi --dry-run",
        &format!("{import} --dry-run"),
        &format!("{export} --dry-run"),
    ] {
        assert!(
            !Person::with(&wait).must_end(line, 0).contains("max-wait"),
            "{line}"
        );
    }
    for line in [
        "konektor auth login",
        "konektor auth status",
        "konektor api GET /leads",
        &import,
        &export,
    ] {
        let told = Person::with(&wait).must_end(line, 2);
        assert!(told.contains("max-wait"), "{line}: {told}");
    }
    let output = profile("output = \"tabel\"");
    for line in [
        "konektor auth logout",
        "konektor auth logout --dry-run",
        "konektor auth login --dry-run",
        &format!("{export} --dry-run"),
        &export,
    ] {
        let person = Person::with(&output);
        let told = person.must_end(line, 0);
        assert!(
            told.starts_with("warning: output (") && told.contains(&person.line(3)),
            "{line}: {told}"
        );
    }
    assert!(leads.with_extension("json").exists());
}

/// A newer konektor may have settings whose names begin like those of today.
#[test]
fn only_a_misspelled_setting_is_taken_for_one() {
    for line in [
        "output-format = \"json\"",
        "max-wait-total = \"5m\"",
        "base-url-of-files = \"https://files.example\"",
        "key-store-path = \"keys\"",
    ] {
        let person = Person::with(profile(line));
        let told = person.must_end("konektor leads list", 0);
        assert!(told.starts_with("warning: unknown setting"), "{told}");
    }
    for line in [
        "ouput = \"json\"",
        "max_wait = \"5m\"",
        "maxWait = \"5m\"",
        "maxwait = \"5m\"",
        "max-wiat = \"5m\"",
    ] {
        let told = Person::with(profile(line)).must_end("konektor leads list", 2);
        assert!(told.contains("did you mean"), "{line}: {told}");
    }
}

#[test]
fn logging_out_tells_of_the_removed_key_and_of_the_variable() {
    let mut person = Person::with("").without_server();
    person.api = person.api.on_a_terminal(80);
    let file = person.folder.path().join("credentials.toml");
    std::fs::write(
        &file,
        "[default]\n\"https://konektor.id\" = \"kna_1_stored\"\n",
    )
    .unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(
        person.must_end("konektor auth logout", 0),
        "removed the key of profile default for https://konektor.id; KONEKTOR_API_KEY is still set\n"
    );
    assert_eq!(
        person.must_end("konektor auth logout", 0),
        "no saved key; KONEKTOR_API_KEY is still set\n"
    );
}
