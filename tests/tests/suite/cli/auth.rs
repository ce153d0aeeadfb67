//! API keys and profiles: storage, precedence and secrecy.

use std::{
    io::ErrorKind,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Output, Stdio},
};

use konektor_tests::{Server, Terminal, both_engines, program};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt as _, process::Command};

use super::stderr;

/// A user with a config directory and an empty environment.
pub(super) struct Person {
    pub(super) folder: TempDir,
}

impl Person {
    pub(super) fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    pub(super) fn konektor(&self, words: &[&str]) -> Command {
        let mut konektor = program("konektor");
        konektor
            .args(words)
            .env("KONEKTOR_CONFIG_DIR", self.folder.path().join("konektor"))
            .env("HOME", self.folder.path())
            .env_remove("XDG_CACHE_HOME");
        konektor
    }

    async fn run(&self, words: &[&str]) -> Output {
        self.konektor(words).output().await.unwrap()
    }

    /// Pipes a key into `auth login`.
    async fn login(&self, key: &str, words: &[&str]) -> Output {
        let mut login = self.konektor(&[&["auth", "login"], words].concat());
        login
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut login = login.spawn().unwrap();
        let mut stdin = login.stdin.take().unwrap();
        // A command that is refused ends without reading the key.
        match stdin.write_all(format!("{key}\n").as_bytes()).await {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            written => written.unwrap(),
        }
        drop(stdin);
        login.wait_with_output().await.unwrap()
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("konektor").join(name)
    }

    /// Returns the files below the directory that contain a text.
    pub(super) fn files_with(&self, text: &str) -> Vec<PathBuf> {
        fn look(folder: &Path, text: &str, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    look(&path, text, found);
                } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(text) {
                    found.push(path);
                }
            }
        }
        let mut found = Vec::new();
        look(self.folder.path(), text, &mut found);
        found
    }
}

pub(super) fn must_end(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Returns the secret part of a key.
pub(super) fn secret(server: &Server) -> &str {
    server.key.rsplit('_').next().unwrap()
}

both_engines! {
    async fn a_key_is_tried_and_kept_for_its_owner_alone(server) {
        let person = Person::new();
        let done = person.login(&server.key, &["--base-url", &server.url, "-o", "json"]).await;
        must_end(&done, 0);
        assert_eq!(json_of(&done), json!({"profile": "default", "server": server.url, "workspace": "Toko Uji", "keptIn": "file"}));
        assert_eq!(mode(&person.file("credentials.toml")), 0o600);
        assert_eq!(mode(&person.file("config.toml")), 0o600);
        assert_eq!(mode(&person.file("")), 0o700);
        must_end(&person.run(&["leads", "list"]).await, 0);
        let status = person.run(&["auth", "status", "-o", "json"]).await;
        assert_eq!(json_of(&status)["keySource"], "credentials file");
        assert_eq!(json_of(&status)["workspace"], "Toko Uji");

        must_end(&person.run(&["auth", "logout"]).await, 0);
        assert_eq!(person.files_with(secret(&server)), Vec::<PathBuf>::new());
        must_end(&person.run(&["leads", "list"]).await, 4);
    }

    async fn a_key_that_the_server_does_not_take_is_not_kept(server) {
        let person = Person::new();
        for key in ["kna_unknown_key", "not a key", ""] {
            let refused = person.login(key, &["--base-url", &server.url]).await;
            assert!(matches!(refused.status.code(), Some(2 | 4)), "{}", stderr(&refused));
            assert!(!person.file("credentials.toml").exists());
        }
        let unreachable = person.login(&server.key, &["--base-url", "http://127.0.0.1:1"]).await;
        must_end(&unreachable, 8);
        assert_eq!(person.files_with(secret(&server)), Vec::<PathBuf>::new());
    }

    async fn a_key_without_the_scope_to_look_is_a_good_one(server) {
        let key = server.key_with(&server.workspace, &["agent.leads.read"], |_| ()).await;
        let person = Person::new();
        must_end(&person.login(&key, &["--base-url", &server.url]).await, 0);
        must_end(&person.run(&["leads", "list"]).await, 0);
    }

    async fn a_key_goes_to_no_other_server(server) {
        let person = Person::new();
        must_end(&person.login(&server.key, &["--base-url", &server.url]).await, 0);
        let other = server.beside().await;
        must_end(&person.run(&["leads", "list", "--base-url", &other.url]).await, 4);
    }

    async fn a_person_types_the_key_and_nobody_sees_it(server) {
        let person = Person::new();
        let mut terminal = Terminal::start(person.konektor(&["auth", "login", "--base-url", &server.url]).as_std(), 100);
        terminal.wait_for("API key for ");
        terminal.type_in(&format!("{}\n", server.key));
        assert_eq!(terminal.wait(), 0, "{}", terminal.output());
        let shown = terminal.output();
        assert!(shown.contains("Toko Uji") && !shown.contains(secret(&server)), "{shown}");
        must_end(&person.run(&["leads", "list"]).await, 0);

        for told_to_end in [false, true] {
            let mut terminal = Terminal::start(person.konektor(&["auth", "login", "--base-url", &server.url]).as_std(), 100);
            terminal.wait_for("API key for ");
            if told_to_end {
                terminal.signal(Signal::TERM);
            } else {
                terminal.type_in("\u{3}");
            }
            assert_eq!(terminal.wait(), 130, "{}", terminal.output());
            assert!(terminal.is_cooked(), "the terminal is as it was before");
        }
    }

    async fn a_flag_wins_over_the_environment_that_over_the_profile(server) {
        let person = Person::new();
        let nowhere = "http://127.0.0.1:1";
        let values = async |words: &[&str], environment: &[(&str, &str)]| {
            let mut list = person.konektor(&[&["config", "list", "-o", "json"], words].concat());
            list.envs(environment.iter().copied());
            let listed = json_of(&list.output().await.unwrap());
            let row = listed.as_array().unwrap().iter().find(|row| row["name"] == "base-url").unwrap().clone();
            (row["value"].as_str().unwrap().to_owned(), row["source"].as_str().unwrap().to_owned())
        };
        let pair = |value: &str, source: &str| (value.to_owned(), source.to_owned());
        assert_eq!(values(&[], &[]).await, pair("https://konektor.id", "default"));
        must_end(&person.run(&["config", "set", "base-url", &server.url, "--profile", "toko"]).await, 0);
        assert_eq!(values(&[], &[]).await.1, "default");
        assert_eq!(values(&["--profile", "toko"], &[]).await, pair(&server.url, "profile toko"));
        assert_eq!(values(&[], &[("KONEKTOR_PROFILE", "toko")]).await, pair(&server.url, "profile toko"));
        must_end(&person.run(&["config", "set", "profile", "toko"]).await, 0);
        assert_eq!(values(&[], &[]).await, pair(&server.url, "profile toko"));
        let environment = [("KONEKTOR_BASE_URL", nowhere)];
        assert_eq!(values(&[], &environment).await, pair(nowhere, "environment KONEKTOR_BASE_URL"));
        assert_eq!(values(&["--base-url", "http://127.0.0.1:2"], &environment).await, pair("http://127.0.0.1:2", "flag --base-url"));

        // Requests use the listed values.
        must_end(&person.login(&server.key, &[]).await, 0);
        must_end(&person.run(&["workspace", "show"]).await, 0);
        let mut elsewhere = person.konektor(&["skill", "show"]);
        must_end(&elsewhere.env("KONEKTOR_BASE_URL", nowhere).output().await.unwrap(), 8);
        let got = person.run(&["config", "get", "base-url"]).await;
        assert_eq!(String::from_utf8(got.stdout).unwrap(), format!("{}\n", server.url));
        let path = person.run(&["config", "path"]).await;
        assert_eq!(String::from_utf8(path.stdout).unwrap().trim_end(), person.file("config.toml").display().to_string());
        must_end(&person.run(&["config", "set", "output", "json"]).await, 0);
        let shown = person.run(&["workspace", "show"]).await;
        assert_eq!(json_of(&shown)["displayName"], "Toko Uji");
        let refused = person.run(&["leads", "get", "nobody"]).await;
        assert_eq!(serde_json::from_slice::<Value>(&refused.stderr).unwrap()["code"], "NOT_FOUND");
    }

    async fn a_setting_that_is_none_is_told_with_its_place(server) {
        let person = Person::new();
        for (words, told) in [
            (&["config", "set", "max-wait", "soon"][..], "max-wait"),
            (&["config", "set", "output", "xml"], "output"),
            (&["config", "set", "profile", "a b"], "profile"),
            (&["config", "get", "colour"], "colour"),
        ] {
            let refused = person.run(words).await;
            must_end(&refused, 2);
            assert!(stderr(&refused).contains(told), "{}", stderr(&refused));
        }
        let mut waiting = person.konektor(&["leads", "list", "--base-url", &server.url]);
        let refused = waiting.env("KONEKTOR_API_KEY", &server.key).env("KONEKTOR_MAX_WAIT", "soon").output().await.unwrap();
        must_end(&refused, 2);
        assert!(stderr(&refused).contains("environment KONEKTOR_MAX_WAIT"), "{}", stderr(&refused));
        std::fs::create_dir_all(person.file("")).unwrap();
        std::fs::write(person.file("config.toml"), "[profiles.default]\nbase_url = \"http://127.0.0.1:1\"\n").unwrap();
        let refused = person.run(&["leads", "list"]).await;
        must_end(&refused, 2);
        assert!(stderr(&refused).contains("base_url"), "{}", stderr(&refused));
    }

    async fn a_base_url_with_a_secret_is_refused_wherever_it_stands(server) {
        let person = Person::new();
        let with_password = server.url.replace("://", "://toko:hunter2@");
        for (url, why) in [
            (with_password.as_str(), "may not hold a user name or password"),
            ("https://konektor.id/?token=hunter2", "may not have a query or fragment"),
            ("https://konektor.id/#hunter2", "may not have a query or fragment"),
            ("http://hunter2.example", "would send the key unencrypted"),
            ("https://konektor.id/kna_1_hunter2", "contains an API key"),
        ] {
            let config = format!("[profiles.kept]\nbase-url = \"{url}\"\n");
            std::fs::create_dir_all(person.file("")).unwrap();
            std::fs::write(person.file("config.toml"), config).unwrap();
            let mut by_variable = person.konektor(&["config", "list"]);
            by_variable.env("KONEKTOR_BASE_URL", url);
            for (listed, place) in [
                (by_variable.output().await.unwrap(), "environment KONEKTOR_BASE_URL"),
                (person.run(&["config", "list", "--profile", "kept"]).await, "profile kept"),
            ] {
                must_end(&listed, 0);
                let told = String::from_utf8_lossy(&listed.stdout);
                assert!(told.contains(why) && told.contains(place), "{told}");
                assert!(!told.contains("hunter2") && !stderr(&listed).contains("hunter2"), "{told}");
            }
            let mut by_variable = person.konektor(&["leads", "list"]);
            by_variable.env("KONEKTOR_BASE_URL", url);
            for (refused, place) in [
                (person.run(&["leads", "list", "--base-url", url]).await, "flag --base-url"),
                (person.run(&["config", "list", "--base-url", url]).await, "flag --base-url"),
                (by_variable.output().await.unwrap(), "environment KONEKTOR_BASE_URL"),
                (person.run(&["leads", "list", "--profile", "kept"]).await, "profile kept"),
                (person.run(&["config", "get", "base-url", "--profile", "kept"]).await, "profile kept"),
                (person.run(&["config", "set", "base-url", url]).await, "base-url"),
                (person.login(&server.key, &["--base-url", url]).await, "flag --base-url"),
            ] {
                must_end(&refused, 2);
                let told = stderr(&refused);
                assert!(told.contains(why) && told.contains(place), "{told}");
                assert!(!told.contains("hunter2") && refused.stdout.is_empty(), "{told}");
            }
            assert!(!person.file("credentials.toml").exists());
        }
    }

    async fn what_is_kept_here_can_be_tried_without_keeping_it(server) {
        let person = Person::new();
        must_end(&person.login(&server.key, &["--base-url", &server.url]).await, 0);
        let files = || {
            let names = ["config.toml", "credentials.toml"];
            names.map(|name| std::fs::read_to_string(person.file(name)).unwrap())
        };
        let before = files();
        let beside = || std::fs::read_dir(person.folder.path()).unwrap().count();
        let beside_before = beside();
        let leads = person.folder.path().join("leads.csv");
        let pages = person.folder.path().join("man1");
        for (words, place, change) in [
            (&["config", "set", "output", "json"][..], person.file("config.toml"), "set output of profile default to json"),
            (&["config", "set", "base-url", ""], person.file("config.toml"), "remove base-url from profile default"),
            (&["config", "set", "profile", "toko"], person.file("config.toml"), "use profile toko"),
            (&["auth", "logout"], person.file("credentials.toml"), &format!("remove the key of profile default for {}", server.url)),
            (&["skill", "install"], person.folder.path().join(".claude/skills/konektor-agent-api/SKILL.md"), &format!("write the guide of {}", server.url)),
            (&["man", pages.to_str().unwrap()], pages.clone(), "write a manual page for each command"),
            (&["leads", "export", leads.to_str().unwrap()], leads.clone(), "write the leads that match the filters, as json"),
        ] {
            let tried = person.run(&[words, &["--dry-run", "-o", "json"]].concat()).await;
            must_end(&tried, 0);
            let changes = json!([{"place": place.display().to_string(), "change": change}]);
            assert_eq!(json_of(&tried), json!({"dryRun": true, "changes": changes}), "{words:?}");
        }
        let tried = person.run(&["auth", "login", "--profile", "toko", "--dry-run", "-o", "json"]).await;
        must_end(&tried, 0);
        assert_eq!(json_of(&tried)["changes"], json!([
            {"place": person.file("credentials.toml"), "change": "store the key of profile toko for https://konektor.id, if the server accepts it"},
            {"place": person.file("config.toml"), "change": "create profile toko"},
        ]));
        assert_eq!(files(), before);
        assert_eq!(beside(), beside_before, "nothing new is beside the folder of the config");

        // Do not ask for a key that is not stored.
        must_end(&person.run(&["auth", "logout", "--profile", "nobody", "--dry-run"]).await, 0);
        must_end(&person.run(&["leads", "list"]).await, 0);
    }

    async fn a_key_appears_nowhere_but_in_its_file(server) {
        let person = Person::new();
        let import = person.folder.path().join("leads.csv");
        std::fs::write(&import, "firstName,email\nBudi,budi@example.com\nSiti,siti@\n").unwrap();
        let import = import.to_str().unwrap();
        let mut ran = vec![person.login(&server.key, &["--base-url", &server.url, "--verbose"]).await];
        for words in [
            &["config", "list"][..],
            &["config", "list", "-o", "json"],
            &["auth", "status", "--verbose"],
            &["doctor", "--verbose"],
            &["doctor", "-o", "json"],
            &["leads", "list", "--verbose"],
            &["leads", "create", "--first-name", "Budi", "--dry-run", "--verbose"],
            &["leads", "get", "nobody", "--verbose", "-o", "json"],
            &["leads", "import", import, "--dry-run"],
            &["leads", "import", import, "--verbose"],
            &["leads", "export", "-", "--verbose"],
            &["api", "GET", "/workspace", "--verbose"],
            &["api", "POST", "/leads", "-f", "firstName=Budi", "--dry-run"],
            &["api", "GET", "/nowhere", "--verbose"],
            &["leads", "list", "--base-url", "http://127.0.0.1:1", "--verbose"],
            &["skill", "show", "--verbose"],
            &["help", "environment"],
        ] {
            ran.push(person.run(words).await);
        }
        for words in [&["leads", "list", "--verbose"][..], &["config", "list"], &["doctor"], &["auth", "logout"]] {
            ran.push(person.konektor(words).env("KONEKTOR_API_KEY", &server.key).output().await.unwrap());
            ran.push(person.konektor(words).env("KONEKTOR_API_KEY", format!("{}\u{1}", server.key)).output().await.unwrap());
        }
        for output in &ran {
            for text in [&output.stdout, &output.stderr] {
                assert!(!String::from_utf8_lossy(text).contains(secret(&server)), "{}", String::from_utf8_lossy(text));
            }
        }
        ran.push(person.login(&server.key, &["--base-url", &server.url]).await);
        assert_eq!(person.files_with(secret(&server)), [person.file("credentials.toml")]);
    }

    async fn api_sends_any_request_and_ends_as_it_went(server) {
        let person = Person::new();
        must_end(&person.login(&server.key, &["--base-url", &server.url]).await, 0);
        let created = person.run(&["api", "post", "/leads", "-f", "firstName=Budi", "-f", "phone=081234567890", "-f", "estimatedValue=5000000"]).await;
        must_end(&created, 0);
        assert_eq!(json_of(&created)["data"]["estimatedValue"], 5_000_000);
        let upsert = ["api", "POST", "/api/v2/agent/leads/upsert", "-f", "match.by=phone", "-f", "match.value=081234567890", "-f", "lead.status=won"];
        must_end(&person.run(&upsert).await, 0);
        let list = person.run(&["api", "GET", "/leads", "-f", "status=won"]).await;
        assert_eq!(json_of(&list)["pagination"]["total"], 1);
        let mut patch = person.konektor(&["api", "PATCH", "/leads/081234567890", "--input", "-"]);
        patch.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut patch = patch.spawn().unwrap();
        patch.stdin.take().unwrap().write_all(b"{\"status\": \"lost\"}").await.unwrap();
        must_end(&patch.wait_with_output().await.unwrap(), 0);
        assert_eq!(server.find("081234567890").await.data()["status"], "lost");
        for (words, code) in [
            (&["api", "GET", "/leads/nobody"][..], 5),
            (&["api", "POST", "/leads"], 6),
            (&["api", "GET", "leads"], 2),
            (&["api", "GET", "/leads", "-f", "status"], 2),
            (&["api", "POST", "/leads", "--input", "nowhere.json"], 1),
        ] {
            let refused = person.run(words).await;
            must_end(&refused, code);
            assert_eq!(refused.stdout, b"");
        }
    }

    async fn the_doctor_finds_what_is_wrong(server) {
        let person = Person::new();
        let checks = async |words: &[&str]| {
            let output = person.run(&[&["doctor", "-o", "json"], words].concat()).await;
            let states: Vec<_> = json_of(&output).as_array().unwrap().iter().map(|row| format!("{} {}", row["check"].as_str().unwrap(), row["state"].as_str().unwrap())).collect();
            (output.status.code(), states)
        };
        let (code, states) = checks(&["--base-url", &server.url]).await;
        assert_eq!(code, Some(4));
        assert!(states.contains(&"key fail".to_owned()) && states.contains(&"server ok".to_owned()), "{states:?}");
        must_end(&person.login(&server.key, &["--base-url", &server.url]).await, 0);
        let (code, states) = checks(&[]).await;
        assert_eq!(code, Some(0));
        assert!(states.contains(&"key ok".to_owned()) && states.contains(&"rate limit ok".to_owned()), "{states:?}");
        let (code, states) = checks(&["--base-url", "http://127.0.0.1:1"]).await;
        assert_eq!(code, Some(8));
        assert!(states.contains(&"server fail".to_owned()), "{states:?}");
    }

    async fn a_dry_run_shows_what_would_be_sent_and_sends_nothing(server) {
        let person = Person::new();
        for (words, method, path, body) in [
            (&["leads", "create", "--first-name", "Budi", "--estimated-value", "5"][..], "POST", "/leads", json!({"firstName": "Budi", "estimatedValue": 5})),
            (&["leads", "update", "CRM 1/2", "--status", "won", "--clear", "email"], "PATCH", "/leads/CRM%201%2F2", json!({"status": "won", "email": null})),
            (
                &["leads", "upsert", "--match-by", "phone", "--match-value", "081234567890", "--status", "won", "--create-if-missing", "false"],
                "POST", "/leads/upsert",
                json!({"match": {"by": "phone", "value": "081234567890"}, "lead": {"status": "won"}, "createIfMissing": false}),
            ),
            (&["support", "ticket", "create", "--subject", "A question", "--message", "How?"], "POST", "/support/tickets", json!({"subject": "A question", "message": "How?"})),
        ] {
            let done = person.run(&[words, &["--dry-run", "-o", "json", "--base-url", &server.url]].concat()).await;
            must_end(&done, 0);
            let url = format!("{}/api/v2/agent{path}", server.url);
            assert_eq!(json_of(&done), json!({"dryRun": true, "method": method, "url": url, "body": body}));
        }
        let bad = person.run(&["leads", "create", "--first-name", "Budi", "--email", "budi@", "--dry-run"]).await;
        must_end(&bad, 6);
        assert_eq!(stderr(&bad), "error: email: Invalid email\n");
        assert_eq!(server.list(&[]).await.total(), 0);
    }
}
