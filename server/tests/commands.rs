//! The real program: what its commands print, refuse and leave behind.

#![expect(clippy::unwrap_used, reason = "what goes wrong here is a failed test")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
    time::Duration,
};

use konektor_server::{
    domain::search::SearchQuery,
    store::{
        SchemaPolicy, Store, Tenant,
        leads::{LeadFilter, LeadOrder},
        paging::PageStart,
    },
    vault::{MasterKey, MasterKeys, Vault},
};
use konektor_testing::{ServerProcess, program};
use rustix::process::Signal;
use serde_json::Value;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

/// A working directory with a master key of its own.
struct ScratchDir {
    directory: TempDir,
    master_key: String,
}

struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl ScratchDir {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            master_key: MasterKey::generate().to_base64().to_string(),
        }
    }

    fn command(&self) -> Command {
        let mut command = program("konektor-server");
        command.current_dir(self.directory.path());
        command
    }

    fn run(&self, arguments: &str) -> Outcome {
        let mut command = self.command();
        command.env("KONEKTOR_MASTER_KEY", &self.master_key);
        outcome(command.args(arguments.split_whitespace()))
    }

    /// One JSON object of a command that succeeds.
    fn json(&self, arguments: &str) -> Value {
        let outcome = self.run(&format!("{arguments} --json"));
        assert_eq!(outcome.code, Some(0), "{arguments}: {}", outcome.stderr);
        assert_eq!(outcome.stdout.lines().count(), 1);
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    fn workspace(&self) -> String {
        text(&self.json("workspace create --name Toko"), "workspaceId")
    }

    fn demo(&self) -> ServerProcess {
        let mut command = self.command();
        ServerProcess::start(command.args(["serve", "--demo", "--listen", "127.0.0.1:0", "--json"]))
    }

    fn mode(&self, file: &str) -> u32 {
        let path = self.directory.path().join(file);
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// The indexes of the database, and what made them.
    async fn indexes(&self) -> Vec<(String, Option<String>)> {
        let file = self.directory.path().join("konektor.db");
        let mut database = SqliteConnection::connect(&format!("sqlite:{}", file.display()))
            .await
            .unwrap();
        sqlx::query_as("select name, sql from sqlite_master where type = 'index' order by name")
            .fetch_all(&mut database)
            .await
            .unwrap()
    }

    async fn tenant(&self, workspace_id: &str) -> Tenant {
        let file = self.directory.path().join("konektor.db");
        let master_key: MasterKey = self.master_key.parse().unwrap();
        let vault = Vault::new(MasterKeys::from(&master_key));
        let url = format!("sqlite:{}", file.display());
        let store = Store::open(&url, vault, SchemaPolicy::RequireCurrent)
            .await
            .unwrap();
        let workspace = store.workspace(workspace_id).await.unwrap().unwrap();
        store.tenant(&workspace).await.unwrap()
    }

    /// Every lead of a workspace as the API shows it, oldest first.
    async fn leads(&self, workspace_id: &str) -> Vec<Value> {
        let order = LeadOrder {
            by_update: false,
            ascending: true,
        };
        let tenant = self.tenant(workspace_id).await;
        let page = tenant
            .leads(
                &LeadFilter::default(),
                order,
                &PageStart::Offset(0),
                100_000,
            )
            .await
            .unwrap();
        page.rows
            .iter()
            .map(|lead| serde_json::to_value(lead).unwrap())
            .collect()
    }
}

/// Sends a GET request and returns the status and the body of the answer.
fn get(server: &ServerProcess, path: &str, api_key: &str) -> (u16, String) {
    let address = text(&server.started, "listen");
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {api_key}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

fn list_leads(server: &ServerProcess, api_key: &str) -> (u16, Value) {
    let (status, body) = get(server, "/api/v2/agent/leads?limit=1", api_key);
    (status, serde_json::from_str(&body).unwrap())
}

fn outcome(command: &mut Command) -> Outcome {
    let output = command.output().unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn text(object: &Value, field: &str) -> String {
    object[field].as_str().unwrap().to_owned()
}

#[test]
fn keygen_makes_another_key_each_time() {
    let scratch = ScratchDir::new();
    let [one, two] = [(); 2].map(|()| scratch.run("keygen").stdout);
    assert_ne!(one, two);
    assert!(one.parse::<MasterKey>().is_ok());
    let json = text(&scratch.json("keygen"), "masterKey");
    assert!(json.parse::<MasterKey>().is_ok());
}

#[test]
fn openapi_prints_the_document() {
    let scratch = ScratchDir::new();
    let printed = scratch.run("openapi").stdout;
    assert_eq!(printed.trim_end(), konektor_spec::YAML.trim_end());
    assert_eq!(text(&scratch.json("openapi"), "openapi"), "3.0.3");
}

#[test]
fn a_missing_master_key_is_an_error_that_says_what_to_type() {
    let scratch = ScratchDir::new();
    for arguments in [&["serve"][..], &["workspace", "create", "--name", "Toko"]] {
        let outcome = outcome(scratch.command().args(arguments));
        assert_eq!(outcome.code, Some(1));
        assert_eq!(outcome.stdout, "");
        assert!(outcome.stderr.starts_with("error: there is no master key"));
        assert!(outcome.stderr.contains("export KONEKTOR_MASTER_KEY=$("));
        assert!(outcome.stderr.contains(" keygen)"));
    }
    assert!(!scratch.directory.path().join("konektor.db").exists());
}

#[test]
fn the_master_key_may_be_in_a_file_and_is_never_shown() {
    let scratch = ScratchDir::new();
    let create = |content: &str| {
        fs::write(scratch.directory.path().join("a.key"), content).unwrap();
        let mut command = scratch.command();
        command.env("KONEKTOR_MASTER_KEY_FILE", "a.key");
        outcome(command.args(["workspace", "create", "--name", "Toko"]))
    };
    assert_eq!(create(&format!("{}\n", scratch.master_key)).code, Some(0));
    let refused = create("bm90IGEga2V5");
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("KONEKTOR_MASTER_KEY_FILE"));
    assert!(refused.stderr.contains("keygen"));
    assert!(!refused.stderr.contains("bm90IGEga2V5"));
}

#[test]
fn several_master_keys_are_given_by_number_and_never_twice() {
    let scratch = ScratchDir::new();
    let with = |variables: &[(&str, &str)]| {
        let mut command = scratch.command();
        command.envs(variables.iter().copied());
        outcome(command.args(["workspace", "create", "--name", "Toko"]))
    };
    let [new, old] = [(); 2].map(|()| MasterKey::generate().to_base64());
    let both = format!("2:{},1:{}", *new, *old);
    fs::write(
        scratch.directory.path().join("a.key"),
        both.replace(',', "\n"),
    )
    .unwrap();
    for variables in [
        ("KONEKTOR_MASTER_KEYS", both.as_str()),
        ("KONEKTOR_MASTER_KEY_FILE", "a.key"),
    ] {
        assert_eq!(with(&[variables]).code, Some(0));
    }
    for (variables, hint) in [
        (
            &[
                ("KONEKTOR_MASTER_KEYS", both.as_str()),
                ("KONEKTOR_MASTER_KEY", &new),
            ][..],
            "KONEKTOR_MASTER_KEY and KONEKTOR_MASTER_KEYS are both set; unset one",
        ),
        (
            &[("KONEKTOR_MASTER_KEY", both.as_str())],
            "go into KONEKTOR_MASTER_KEYS",
        ),
        (
            &[("KONEKTOR_MASTER_KEYS", &format!("1:{},1:{}", *new, *old))],
            "two master keys have the number 1",
        ),
        (
            &[("KONEKTOR_MASTER_KEYS", &format!("0:{}", *new))],
            "1 or more",
        ),
        (
            &[("KONEKTOR_MASTER_KEY", &old)],
            "master key 2, which was not given",
        ),
    ] {
        let refused = with(variables);
        assert_eq!(refused.code, Some(1), "{hint}");
        assert!(refused.stderr.contains(hint), "{}", refused.stderr);
        assert!(!refused.stderr.contains(&**new) && !refused.stderr.contains(&**old));
    }
}

#[test]
fn encryption_status_is_a_table_for_people_and_says_what_goes_on() {
    let scratch = ScratchDir::new();
    scratch.json("migrate");
    assert!(
        scratch
            .run("encryption status")
            .stdout
            .contains("no workspaces")
    );
    let id = scratch.workspace();
    scratch.json(&format!("seed --workspace {id} --leads 20"));
    let words = scratch.run("encryption status").stdout;
    let lines: Vec<Vec<&str>> = words
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[1][..6],
        [id.as_str(), "data", "1", "1", "(given)", "20"]
    );
    assert_eq!(
        lines[2][..6],
        [id.as_str(), "index", "1", "1", "(given)", "-"]
    );
    let other = MasterKey::generate().to_base64();
    for (key, said) in [
        (None, "1 (not given)"),
        (Some(other), "1 (a different key is given)"),
    ] {
        let mut command = scratch.command();
        command.envs(key.as_ref().map(|key| ("KONEKTOR_MASTER_KEY", &***key)));
        let words = outcome(command.args(["encryption", "status"])).stdout;
        assert!(words.contains(said), "{words}");
    }
    let words = scratch.run(&format!("encryption rotate-data --workspace {id}"));
    assert_eq!(
        words.stdout.trim(),
        format!("{id}: sealed 20 rows under data key 2")
    );
    assert_eq!(words.stderr, "");
    assert_eq!(
        scratch.run("encryption rotate-master").stdout.trim(),
        "every key was already wrapped under master key 1"
    );
}

#[test]
fn another_master_key_is_refused_before_anything_is_written() {
    let mut scratch = ScratchDir::new();
    scratch.workspace();
    scratch.master_key = MasterKey::generate().to_base64().to_string();
    let refused = scratch.run("workspace create --name Other");
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("another master key"),
        "{}",
        refused.stderr
    );
    let workspaces = &scratch.json("workspace list")["workspaces"];
    assert_eq!(workspaces.as_array().map(Vec::len), Some(1));
}

#[test]
fn a_workspace_is_made_shown_moved_and_deleted() {
    let scratch = ScratchDir::new();
    let id = scratch.workspace();
    let shown = scratch.json(&format!("workspace show {id}"));
    assert_eq!(shown["name"], "Toko");
    assert_eq!(shown["plan"], "starter");
    assert_eq!(shown["requestsPerMinute"], 60);
    assert_eq!(shown["leadsPerDay"], Value::Null);
    assert_eq!(shown["timezone"], "Asia/Jakarta");
    assert_eq!(shown["currency"], "IDR");
    assert_eq!(scratch.json("workspace list")["workspaces"][0], shown);

    let moved = scratch.json(&format!(
        "workspace set-plan {id} custom --requests-per-minute 1000"
    ));
    assert_eq!(moved["requestsPerMinute"], 1000);
    let moved = scratch.json(&format!("workspace set-plan {id} trial"));
    assert_eq!(moved["requestsPerMinute"], Value::Null);

    let words = scratch.run(&format!("workspace show {id}")).stdout;
    assert!(words.contains("trial") && words.contains(&id));
    let asked = scratch.run(&format!("workspace delete {id}"));
    assert_eq!(asked.code, Some(2));
    assert!(asked.stderr.contains("--yes"));
    scratch.json(&format!("workspace delete {id} --yes"));
    let gone = scratch.run(&format!("workspace show {id}"));
    assert_eq!(gone.code, Some(1));
    assert!(gone.stderr.contains(&id) && gone.stderr.contains("workspace list"));
}

#[test]
fn options_of_a_workspace_are_kept() {
    let scratch = ScratchDir::new();
    let made = scratch.json(
        "workspace create --name Acme --plan custom --requests-per-minute 7 --leads-per-day 0 \
         --timezone asia/makassar --currency USD",
    );
    let shown = scratch.json(&format!("workspace show {}", text(&made, "workspaceId")));
    assert_eq!(shown["requestsPerMinute"], 7);
    assert_eq!(shown["leadsPerDay"], 0);
    assert_eq!(shown["timezone"], "Asia/Makassar");
    assert_eq!(shown["currency"], "USD");
}

#[test]
fn a_wrong_command_line_exits_with_2_and_says_what_is_right() {
    let scratch = ScratchDir::new();
    for (arguments, hint) in [
        ("", "Usage"),
        ("workspace create", "--name"),
        ("workspace create --name A --plan prow", "pro"),
        ("workspace create --name A --timezone WIB", "Asia/Jakarta"),
        ("workspace create --name A --currency rp", "IDR"),
        ("workspace create --name A --leads-per-day=-1", "-1"),
        (
            "workspace create --name A --requests-per-minute 9",
            "can only be used with plan custom",
        ),
        (
            "workspace create --name A --plan custom --requests-per-minute 0",
            "0",
        ),
        (
            "workspace set-plan ws_1 pro --requests-per-minute 9",
            "can only be used with plan custom",
        ),
        ("key create --workspace ws_1", "--all-scopes"),
        (
            "key create --workspace ws_1 --scope leads",
            "agent.leads.read",
        ),
        (
            "key create --workspace ws_1 --all-scopes --scope agent.leads.read",
            "cannot be used",
        ),
        (
            "key create --workspace ws_1 --all-scopes --ip-allow example.com",
            "CIDR",
        ),
        (
            "key create --workspace ws_1 --all-scopes --ip-allow 203.0.113.7 --ip-allow 203.0.113.0/33",
            "\"203.0.113.0/33\" is neither",
        ),
        (
            "key create --workspace ws_1 --all-scopes --ip-allow 2001:db8::/129",
            "\"2001:db8::/129\" is neither",
        ),
        (
            "serve --trusted-proxy 10.0.0.0/8,proxy.example.com",
            "\"proxy.example.com\" is neither",
        ),
        (
            "key create --workspace ws_1 --all-scopes --expires-at 2020-01-01T00:00:00Z",
            "future",
        ),
        (
            "key create --workspace ws_1 --all-scopes --expires-at tomorrow",
            "RFC 3339",
        ),
        ("seed --workspace ws_1 --leads 0", "0"),
        (
            "serve --demo --database-url sqlite:real.db",
            "konektor-demo.db",
        ),
        ("serve --public-url konektor.id", "https://"),
    ] {
        let outcome = scratch.run(arguments);
        assert_eq!(outcome.code, Some(2), "{arguments}: {}", outcome.stderr);
        assert!(
            outcome.stderr.contains(hint),
            "{arguments}: {}",
            outcome.stderr
        );
        assert_eq!(outcome.stdout, "");
    }
    assert!(!scratch.directory.path().join("konektor.db").exists());
}

#[test]
fn the_demo_does_not_take_the_database_of_the_environment() {
    let scratch = ScratchDir::new();
    let mut command = scratch.command();
    command.env("KONEKTOR_DATABASE_URL", "sqlite:real.db");
    let refused = outcome(command.args(["serve", "--demo"]));
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("KONEKTOR_DATABASE_URL"));
}

#[test]
fn a_database_that_cannot_be_opened_is_named_without_its_password() {
    let scratch = ScratchDir::new();
    for (url, hint) in [
        ("sqlite:missing/konektor.db", "missing/konektor.db"),
        ("postgres://me:hunter2@127.0.0.1:1/crm", "127.0.0.1:1/crm"),
        ("mysql://me:hunter2@localhost/crm", "sqlite: or postgres:"),
    ] {
        let refused = scratch.run(&format!("workspace list --database-url {url}"));
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains(hint), "{}", refused.stderr);
        assert!(!refused.stderr.contains("hunter2"), "{}", refused.stderr);
    }
}

#[test]
fn a_key_is_made_listed_and_revoked() {
    let scratch = ScratchDir::new();
    let workspace = scratch.workspace();
    let made = scratch.json(&format!(
        "key create --workspace {workspace} --name reports --scope agent.leads.write --scope agent.leads.read \
         --ip-allow 203.0.113.7 --ip-allow 2001:db8::/32 --expires-at 2999-01-01T07:00:00+07:00"
    ));
    let (id, key) = (text(&made, "keyId"), text(&made, "apiKey"));
    assert!(key.starts_with(&format!("kna_{id}_")));

    let list = || scratch.json(&format!("key list --workspace {workspace}"))["keys"].clone();
    let listed = list();
    assert_eq!(listed[0]["name"], "reports");
    assert_eq!(
        listed[0]["scopes"],
        serde_json::json!(["agent.leads.read", "agent.leads.write"])
    );
    assert_eq!(
        listed[0]["ipAllow"],
        serde_json::json!(["203.0.113.7/32", "2001:db8::/32"])
    );
    assert_eq!(listed[0]["expiresAt"], "2999-01-01T00:00:00.000Z");
    assert_eq!(listed[0]["revokedAt"], Value::Null);
    assert!(!listed.to_string().contains(&key));

    // In a hurry, without the master key.
    let revoked = outcome(scratch.command().args(["key", "revoke", &key]));
    assert_eq!(revoked.code, Some(0), "{}", revoked.stderr);
    assert!(list()[0]["revokedAt"].is_string());
    let again = list()[0]["revokedAt"].clone();
    scratch.json(&format!("key revoke {id}"));
    assert_eq!(list()[0]["revokedAt"], again);
    assert_eq!(scratch.run("key revoke aaaaaaaaaaaa").code, Some(1));
}

#[test]
fn all_scopes_are_those_of_the_document() {
    let scratch = ScratchDir::new();
    let workspace = scratch.workspace();
    scratch.json(&format!("key create --workspace {workspace} --all-scopes"));
    let keys = scratch.json(&format!("key list --workspace {workspace}"));
    let known: Vec<_> = konektor_spec::Spec::builtin()
        .scopes()
        .iter()
        .map(|scope| scope.name.as_str())
        .collect();
    assert_eq!(keys["keys"][0]["scopes"], serde_json::json!(known));
}

#[tokio::test]
async fn one_seed_makes_the_same_leads_in_two_workspaces() {
    let scratch = ScratchDir::new();
    let workspaces = [scratch.workspace(), scratch.workspace()];
    for workspace in &workspaces {
        let made = scratch.json(&format!(
            "seed --workspace {workspace} --leads 300 --seed 7"
        ));
        assert_eq!(made["leads"], 300);
    }
    let mut all = Vec::new();
    for workspace in &workspaces {
        let mut leads = scratch.leads(workspace).await;
        assert_eq!(leads.len(), 300);
        for lead in &mut leads {
            let lead = lead.as_object_mut().unwrap();
            // Ids differ; times do when an hour ends between the two.
            lead.retain(|field, _| !["id", "createdAt", "updatedAt"].contains(&field.as_str()));
        }
        all.push(leads);
    }
    assert!(all[0] == all[1]);
}

#[tokio::test]
async fn another_seed_adds_leads_and_the_same_one_changes_nothing() {
    let scratch = ScratchDir::new();
    let workspace = scratch.workspace();
    scratch.json(&format!(
        "seed --workspace {workspace} --leads 200 --seed 7"
    ));
    let before = scratch.leads(&workspace).await;
    let refused = scratch.run(&format!(
        "seed --workspace {workspace} --leads 500 --seed 7"
    ));
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("--seed"), "{}", refused.stderr);
    assert!(scratch.leads(&workspace).await == before);
    scratch.json(&format!(
        "seed --workspace {workspace} --leads 100 --seed 8"
    ));
    assert_eq!(scratch.leads(&workspace).await.len(), 300);
}

#[tokio::test]
async fn seeded_leads_are_found_by_every_index() {
    let scratch = ScratchDir::new();
    let workspace = scratch.workspace();
    let indexes = scratch.indexes().await;
    // Enough for them to be built anew.
    scratch.json(&format!("seed --workspace {workspace} --leads 5000"));
    assert_eq!(scratch.indexes().await, indexes);
    let tenant = scratch.tenant(&workspace).await;
    let leads = scratch.leads(&workspace).await;
    assert_eq!(leads.len(), 5_000);
    let lead = leads
        .iter()
        .find(|lead| {
            ["phone", "email", "externalRef", "lastName"]
                .iter()
                .all(|field| lead[field].is_string())
        })
        .unwrap();
    for field in ["id", "uniqueCode", "externalRef", "phone"] {
        let found = tenant.lead(&text(lead, field)).await.unwrap().unwrap();
        assert_eq!(found.id, text(lead, "id"), "{field}");
    }
    for search in [
        text(lead, "email"),
        text(lead, "phone"),
        format!(
            "{} {}",
            text(lead, "firstName"),
            &text(lead, "lastName")[..3]
        ),
    ] {
        let filter = LeadFilter {
            search: Some(SearchQuery::parse(&search)),
            ..LeadFilter::default()
        };
        let order = LeadOrder {
            by_update: true,
            ascending: false,
        };
        let page = tenant.leads(&filter, order, &PageStart::Offset(0), 5_000);
        let found = page.await.unwrap().rows;
        assert!(found.iter().any(|found| found.id == text(lead, "id")));
        assert!(found.len() < 500);
    }
}

#[tokio::test]
async fn seeding_that_is_killed_leaves_every_index_and_no_lead() {
    let scratch = ScratchDir::new();
    let workspace = scratch.workspace();
    let indexes = scratch.indexes().await;
    let mut seeding = scratch
        .command()
        .env("KONEKTOR_MASTER_KEY", &scratch.master_key)
        .args(["seed", "--leads", "1000000", "--workspace", &workspace])
        .spawn()
        .unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    seeding.kill().unwrap();
    seeding.wait().unwrap();
    assert_eq!(scratch.indexes().await, indexes);
    assert!(scratch.leads(&workspace).await.is_empty());
    scratch.json(&format!("seed --workspace {workspace} --leads 10"));
}

#[test]
fn the_demo_is_made_once_and_each_start_has_a_new_key() {
    let scratch = ScratchDir::new();
    let first = scratch.demo();
    let key = text(&first.started, "apiKey");
    let workspace = first.started["workspaceId"].clone();
    assert_eq!(first.started["engine"], "SQLite");
    assert_eq!(first.started["database"], "konektor-demo.db");
    let (status, leads) = list_leads(&first, &key);
    assert_eq!(status, 200);
    let total = leads["pagination"]["total"].as_u64().unwrap();
    assert!((1_900..2_100).contains(&total));
    assert_eq!(get(&first, "/api/v2/agent/leads/CRM-1024", &key).0, 200);
    assert_eq!(scratch.mode("konektor-demo.master-key"), 0o600);

    // A port that is taken is an error, and the key of the server that has it stays good.
    let address = text(&first.started, "listen");
    let refused = outcome(
        scratch
            .command()
            .args(["serve", "--demo", "--listen", &address]),
    );
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains(&address) && refused.stderr.contains("--listen"));
    assert_eq!(list_leads(&first, &key).0, 200);
    let elsewhere = ScratchDir::new();
    let refused = outcome(
        elsewhere
            .command()
            .args(["serve", "--demo", "--listen", &address]),
    );
    assert_eq!(refused.code, Some(1));
    assert_eq!(elsewhere.directory.path().read_dir().unwrap().count(), 0);
    first.stop();

    let second = scratch.demo();
    assert_eq!(second.started["workspaceId"], workspace);
    assert_eq!(list_leads(&second, &key).0, 401);
    let (status, leads) = list_leads(&second, &text(&second.started, "apiKey"));
    assert_eq!(status, 200);
    assert_eq!(leads["pagination"]["total"].as_u64(), Some(total));
}

#[test]
fn the_demo_says_what_to_type_next() {
    let scratch = ScratchDir::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut child = scratch
        .command()
        .args(["serve", "--demo", "--listen", &address.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines: Vec<_> = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .take(8)
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let version = "Konektor Agent API 2.0";
    assert_eq!(
        lines[0],
        format!("{version} · http://{address} · SQLite konektor-demo.db")
    );
    assert!(lines[2].starts_with("  workspace  Toko Budi Online · pro · 2,0"));
    assert!(lines[3].contains("kna_") && lines[3].contains("shown this once"));
    assert!(lines[5].contains(&format!(
        "export KONEKTOR_BASE_URL=http://{address} KONEKTOR_API_KEY=kna_"
    )));
    assert!(lines[7].ends_with("/api/v2/agent/SKILL.md"));
}

#[test]
fn the_demos_database_without_its_key_is_an_error_that_says_what_to_do() {
    let scratch = ScratchDir::new();
    fs::write(scratch.directory.path().join("konektor-demo.db"), "").unwrap();
    let refused = outcome(scratch.command().args(["serve", "--demo"]));
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("konektor-demo.master-key"));
    assert!(
        !scratch
            .directory
            .path()
            .join("konektor-demo.master-key")
            .exists()
    );
}

#[test]
fn a_demo_that_fails_leaves_no_files() {
    let scratch = ScratchDir::new();
    let directory = scratch.directory.path();
    // The demo's database cannot be opened: its WAL is a directory.
    fs::create_dir(directory.join("konektor-demo.db-wal")).unwrap();
    let failed = outcome(
        scratch
            .command()
            .args(["serve", "--demo", "--listen", "127.0.0.1:0"]),
    );
    assert_eq!(failed.code, Some(1), "{}", failed.stderr);
    let left = directory.read_dir().unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["konektor-demo.db-wal"]);
}

#[test]
fn what_commands_change_works_at_once_in_a_running_server_which_ends_in_good_order() {
    let scratch = ScratchDir::new();
    let workspace = scratch.workspace();
    fs::write(scratch.directory.path().join("a.key"), &scratch.master_key).unwrap();
    let mut command = scratch.command();
    command
        .env("KONEKTOR_MASTER_KEY_FILE", "a.key")
        .env("KONEKTOR_LISTEN", "127.0.0.1:0")
        .env("KONEKTOR_PUBLIC_URL", "https://crm.example.com/")
        .args(["serve", "--json"]);
    let server = ServerProcess::start(&mut command);
    assert_eq!(server.started["url"], "https://crm.example.com");
    assert_eq!(server.started["database"], "konektor.db");
    assert_eq!(server.started["apiKey"], Value::Null);

    let made = scratch.json(&format!("key create --workspace {workspace} --all-scopes"));
    let key = text(&made, "apiKey");
    assert_eq!(list_leads(&server, &key).0, 200);
    scratch.json(&format!("seed --workspace {workspace} --leads 10"));
    assert_eq!(list_leads(&server, &key).1["pagination"]["total"], 10);
    scratch.json(&format!("workspace set-plan {workspace} trial"));
    assert_eq!(list_leads(&server, &key).0, 403);
    scratch.json(&format!("key revoke {}", text(&made, "keyId")));
    assert_eq!(list_leads(&server, &key).0, 401);
    server.stop_with(Signal::INT);
}

#[test]
fn settings_are_shown_with_their_origin_and_without_passwords() {
    let scratch = ScratchDir::new();
    let file = scratch.directory.path().join("konektor.toml");
    fs::write(&file, "[database]\nacquire_timeout = '250ms'\n").unwrap();
    let mut command = scratch.command();
    command
        .env("KONEKTOR_CONFIG", "konektor.toml")
        .env("KONEKTOR_DATABASE_URL", "postgres://me:secret@db/crm")
        .args(["config", "show", "--listen", "127.0.0.1:0"]);
    let shown = outcome(&mut command);
    assert_eq!(shown.code, Some(0), "{}", shown.stderr);
    assert!(!shown.stdout.contains("secret"), "{}", shown.stdout);
    let lines: Vec<Vec<_>> = shown
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    for line in [
        ["database.acquire_timeout", "250ms", "konektor.toml"],
        ["database.url", "db/crm", "KONEKTOR_DATABASE_URL"],
        ["listen", "127.0.0.1:0", "--listen"],
        ["requests.concurrent", "64", "default"],
    ] {
        assert!(lines.contains(&line.to_vec()), "{}", shown.stdout);
    }

    fs::write(&file, "[database]\nacquire_timeout = 'soon'\n").unwrap();
    let refused = outcome(&mut command);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused
            .stderr
            .contains("database.acquire_timeout (konektor.toml)")
    );
}
