//! The desktop keyring. Skipped on machines without one.

use std::{io::Write as _, process::Output};

use konektor_tests::{Server, both_engines};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;

use super::{
    auth::{Person, must_end, secret},
    stderr,
};

/// The programs that a desktop session needs.
const PROGRAMS: [&str; 3] = ["dbus-run-session", "dbus-send", "gnome-keyring-daemon"];

/// Runs a shell script in a desktop session with an unlocked keyring. Returns `None` if a program is missing.
async fn in_session(person: &Person, server: &Server, lines: &str) -> Option<Output> {
    for program in PROGRAMS {
        if Command::new(program)
            .arg("--version")
            .output()
            .await
            .is_err()
        {
            // libtest captures `eprintln!` but not this.
            let _unheard = writeln!(
                std::io::stderr(),
                "\nSKIPPED: the keyring was not tried, there is no {program} here\n"
            );
            return None;
        }
    }
    let konektor = person.konektor(&[]);
    let konektor = konektor.as_std();
    let opened =
        "printf sesame | gnome-keyring-daemon --unlock --components=secrets > /dev/null 2>&1";
    let sockets = TempDir::new().unwrap();
    let mut session = Command::new("dbus-run-session");
    session.args(["--", "sh", "-euc", &format!("{opened}\n{lines}")]);
    for (variable, value) in konektor.get_envs() {
        match value {
            Some(value) => session.env(variable, value),
            None => session.env_remove(variable),
        };
    }
    let output = session
        .env("KONEKTOR", konektor.get_program())
        .env("KONEKTOR_KEY_STORE", "keyring")
        .env("KONEKTOR_BASE_URL", &server.url)
        .env("KEY", &server.key)
        .env("XDG_RUNTIME_DIR", sockets.path())
        // Without a display no password prompt can block the test.
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("XDG_DATA_HOME")
        .output()
        .await;
    Some(output.unwrap())
}

/// Parses the output, one JSON value per line.
fn answers(output: &Output) -> Vec<Value> {
    let text = str::from_utf8(&output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Returns the row of the API key in `config list`.
fn key_row(listed: &Value) -> &Value {
    let rows = listed.as_array().unwrap();
    rows.iter().find(|row| row["name"] == "api-key").unwrap()
}

both_engines! {
    async fn a_key_is_kept_in_the_keyring_and_forgotten(server) {
        let person = Person::new();
        let Some(done) = in_session(&person, &server, r#"
            "$KONEKTOR" auth login --dry-run -o json
            printf %s "$KEY" | "$KONEKTOR" auth login -o json
            "$KONEKTOR" config list -o json
            "$KONEKTOR" workspace show -o json
            "$KONEKTOR" auth logout --dry-run -o json
            "$KONEKTOR" auth logout -o json
            "$KONEKTOR" config list -o json
            "$KONEKTOR" auth logout -o json
        "#).await else { return };
        must_end(&done, 0);
        let answers = answers(&done);
        let [would_login, login, listed, workspace, would_logout, logout, listed_after, again] = &answers[..] else {
            panic!("{answers:?}");
        };
        assert_eq!(would_login["changes"][0]["place"], "keyring");
        assert_eq!(login["keptIn"], "keyring");
        assert_eq!(key_row(listed), &json!({"name": "api-key", "value": "(secret)", "source": "keyring"}));
        assert_eq!(workspace["displayName"], "Toko Uji");
        assert_eq!(would_logout["changes"][0]["place"], "keyring");
        assert_eq!(logout["forgotten"], true);
        assert_eq!(key_row(listed_after)["value"], "-");
        assert_eq!(again["forgotten"], false);
        // The keyring stores it encrypted in its own file.
        assert!(person.files_with(secret(&server)).is_empty());
        assert!(!person.file("credentials.toml").exists());
    }

    async fn a_locked_keyring_is_told_and_not_taken_for_an_empty_one(server) {
        let person = Person::new();
        let Some(done) = in_session(&person, &server, r#"
            printf %s "$KEY" | "$KONEKTOR" auth login -o json
            dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \
                org.freedesktop.Secret.Service.Lock array:objpath:/org/freedesktop/secrets/collection/login > /dev/null
            "$KONEKTOR" config list -o json
            "$KONEKTOR" skill show > /dev/null
            "$KONEKTOR" workspace show
        "#).await else { return };
        must_end(&done, 4);
        assert!(stderr(&done).contains("error: the keyring is locked"), "{}", stderr(&done));
        let answers = answers(&done);
        assert!(key_row(&answers[1])["source"].as_str().unwrap().contains("locked"), "{answers:?}");
    }
}
