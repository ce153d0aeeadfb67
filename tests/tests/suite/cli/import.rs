//! `konektor leads import`, interrupted and resumed.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use konektor_tests::{Server, Terminal, both_engines, signal};
use rustix::process::Signal;
use serde_json::json;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{konektor, stderr};

/// A directory with a file to import.
struct ImportDir {
    folder: TempDir,
    file: PathBuf,
}

impl ImportDir {
    fn with(name: &str, text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        Self { folder, file }
    }

    fn import(&self, server: &Server, flags: &[&str]) -> Command {
        let mut import = konektor(server, &["leads", "import"]);
        import.arg(&self.file).args(flags);
        import
    }

    async fn imported(&self, server: &Server, flags: &[&str]) -> Output {
        self.import(server, flags).output().await.unwrap()
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// Writes rows without a unique field: each one that is sent twice creates two leads.
fn many(rows: usize) -> String {
    let mut text = "First Name,Email\n".to_owned();
    for number in 0..rows {
        writeln!(text, "Lead {number},lead{number}@example.com").unwrap();
    }
    text
}

fn must_end(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
}

fn answer(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn total(server: &Server) -> i64 {
    server.list(&[("limit", "1")]).await.total()
}

/// Returns the distinct first names and the number of leads.
async fn names(server: &Server) -> (BTreeSet<String>, usize) {
    let (mut names, mut leads, mut cursor) = (BTreeSet::new(), 0, String::new());
    loop {
        let mut query = vec![("limit", "100")];
        if !cursor.is_empty() {
            query.push(("cursor", &cursor));
        }
        let page = server.list(&query).await;
        leads += page.rows().len();
        names.extend(page.each("firstName").into_iter().map(str::to_owned));
        match page.next_cursor() {
            Some(next) => next.clone_into(&mut cursor),
            None => return (names, leads),
        }
    }
}

/// Returns the number of rows in the checkpoint.
fn rows_done(checkpoint: &Path) -> usize {
    let text = std::fs::read_to_string(checkpoint).unwrap_or_default();
    text.matches('\n').count().saturating_sub(1)
}

/// Waits until some rows are imported.
async fn until(child: &mut Child, checkpoint: &Path, rows: usize) {
    while rows_done(checkpoint) < rows {
        if let Some(status) = child.try_wait().unwrap() {
            panic!("it ended too early: {status}");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

both_engines! {
    async fn rows_make_leads_and_change_those_that_are_there(server) {
        server.lead(json!({"firstName": "Budi", "phone": "081234567890", "notes": "Stays"})).await;
        let dir = ImportDir::with("kontak.csv", "\u{feff}Nama;PHONE;estimated_value;Status\nBudi Santoso;0812-3456-7890;5000000;Won\nSiti;+62 857 1111 2222;;\n");
        let done = dir.imported(&server, &["--map", "Nama=first name", "-o", "json"]).await;
        must_end(&done, 0);
        assert_eq!(stderr(&done), "");
        assert_eq!(answer(&done), json!({"file": dir.file, "rows": 2, "created": 1, "updated": 1, "rejected": 0, "rejects": null, "errors": []}));
        let budi = server.find("081234567890").await.data().clone();
        assert_eq!([&budi["firstName"], &budi["status"], &budi["notes"]], ["Budi Santoso", "won", "Stays"]);
        assert_eq!(budi["estimatedValue"], 5_000_000);
        assert_eq!(total(&server).await, 2);
        assert_eq!(std::fs::read_dir(dir.folder.path()).unwrap().count(), 1, "nothing is left behind");
    }

    async fn bad_rows_are_kept_with_their_lines_and_good_ones_are_sent(server) {
        server.lead(json!({"firstName": "Ani", "uniqueCode": "KNK-TAKEN", "phone": "081100000001"})).await;
        let text = "firstName,email,notes,phone\nBudi,budi@example.com,\"two\nlines\",\n\nSiti,siti@,=1+1,\nRudi,rudi@example.com,,\n,nobody@example.com,,\n";
        let dir = ImportDir::with("leads.csv", text);
        let done = dir.imported(&server, &["-o", "json"]).await;
        must_end(&done, 3);
        assert_eq!(stderr(&done), "line 5: email: Invalid email\nline 7: firstName: Required\n");
        let rejects = dir.beside("leads.rejects.csv");
        let answer = answer(&done);
        assert_eq!([&answer["created"], &answer["rejected"]], [2, 2]);
        assert_eq!(answer["rejects"], json!(rejects));
        assert_eq!(
            std::fs::read_to_string(&rejects).unwrap(),
            "firstName,email,notes,phone,importLine,importError\nSiti,siti@,=1+1,,5,email: Invalid email\n,nobody@example.com,,,7,firstName: Required\n"
        );
        // Corrected rejects can be imported.
        let mended = std::fs::read_to_string(&rejects).unwrap().replace("siti@,", "siti@example.com,").replace("\n,nobody", "\nNobody,nobody");
        std::fs::write(&rejects, mended).unwrap();
        let again = konektor(&server, &["leads", "import"]).arg(&rejects).output().await.unwrap();
        must_end(&again, 0);
        assert_eq!(total(&server).await, 5);
    }

    async fn what_only_the_server_can_refuse_is_rejected_too(server) {
        server.lead(json!({"firstName": "Ani", "uniqueCode": "KNK-1", "phone": "081100000001"})).await;
        let rows = "{\"firstName\": \"Budi\", \"uniqueCode\": \"KNK-2\", \"phone\": \"081100000001\"}\n\n{\"id\": \"lead_nowhere\", \"status\": \"won\"}\n{\"firstName\": \"Siti\", \"age\": 5}\n{oops\n{\"firstName\": \"Rudi\"}\n";
        let dir = ImportDir::with("leads.ndjson", rows);
        let done = dir.imported(&server, &[]).await;
        must_end(&done, 3);
        let rejects = std::fs::read_to_string(dir.beside("leads.rejects.ndjson")).unwrap();
        let rejects: Vec<serde_json::Value> = rejects.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let lines: Vec<_> = rejects.iter().map(|row| row["importLine"].as_u64().unwrap()).collect();
        assert_eq!(lines, [1, 3, 4, 5]);
        assert!(rejects[0]["importError"].as_str().unwrap().starts_with("phone: "), "{rejects:?}");
        assert_eq!(rejects[0]["firstName"], "Budi");
        assert_eq!(rejects[2]["importError"], "age: Unknown field");
        assert_eq!(rejects[3]["text"], "{oops");
        assert_eq!(total(&server).await, 2);
    }

    async fn an_import_that_is_killed_again_and_again_makes_every_lead_once(server) {
        const ROWS: usize = 300;
        let dir = ImportDir::with("leads.csv", &many(ROWS));
        let checkpoint = dir.beside("leads.csv.checkpoint");
        let mut flags: &[&str] = &[];
        for stop in [20, 90, 170, 240] {
            let mut import = dir.import(&server, flags).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
            until(&mut import, &checkpoint, stop).await;
            signal(&import, Signal::KILL);
            import.wait().await.unwrap();
            flags = &["--resume"];
        }
        let left = rows_done(&checkpoint);
        assert!(left < ROWS, "it was killed before the end");
        let done = dir.imported(&server, &["--resume", "-o", "json"]).await;
        must_end(&done, 0);
        assert_eq!([&answer(&done)["rows"], &answer(&done)["created"]], [ROWS, ROWS]);
        let (names, leads) = names(&server).await;
        assert_eq!((names.len(), leads), (ROWS, ROWS), "no duplicate, no gap");
        assert!(!checkpoint.exists());
    }

    async fn ctrl_c_stops_it_where_it_can_go_on(server) {
        const ROWS: usize = 300;
        let dir = ImportDir::with("leads.csv", &many(ROWS));
        let checkpoint = dir.beside("leads.csv.checkpoint");
        let mut import = dir.import(&server, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        until(&mut import, &checkpoint, 30).await;
        signal(&import, Signal::INT);
        let stopped = import.wait_with_output().await.unwrap();
        must_end(&stopped, 130);
        assert_eq!(stopped.stdout, b"");
        let told = stderr(&stopped);
        assert!(told.starts_with("error: stopped after row "), "{told}");
        let go_on = told.lines().find_map(|line| line.trim().strip_prefix("continue with: konektor ")).unwrap();
        let words: Vec<_> = go_on.split(' ').collect();
        let done = konektor(&server, &words).output().await.unwrap();
        must_end(&done, 0);
        let (names, leads) = names(&server).await;
        assert_eq!((names.len(), leads), (ROWS, ROWS));
    }

    async fn a_server_that_goes_away_stops_it_where_it_can_go_on(server) {
        let mut server = server;
        let dir = ImportDir::with("leads.csv", &many(120));
        let checkpoint = dir.beside("leads.csv.checkpoint");
        let beside = server.beside().await;
        let mut import = dir.import(&beside, &["--max-wait", "0"]).stderr(Stdio::piped()).spawn().unwrap();
        until(&mut import, &checkpoint, 20).await;
        let mut beside = beside;
        beside.stop().await;
        let stopped = import.wait_with_output().await.unwrap();
        must_end(&stopped, 8);
        assert!(stderr(&stopped).contains("nothing is lost"), "{}", stderr(&stopped));
        // A checkpoint belongs to the address of its server and cannot be resumed on another.
        let elsewhere = dir.imported(&server, &["--resume"]).await;
        must_end(&elsewhere, 2);
        let moved = std::fs::read_to_string(&checkpoint).unwrap().replace(&beside.url, &server.url);
        std::fs::write(&checkpoint, moved).unwrap();
        must_end(&dir.imported(&server, &["--resume"]).await, 0);
        let (names, leads) = names(&server).await;
        assert_eq!((names.len(), leads), (120, 120));
        server.stop().await;
    }

    async fn an_import_goes_on_only_as_it_began(server) {
        let dir = ImportDir::with("leads.csv", &many(3));
        must_end(&dir.imported(&server, &["--resume"]).await, 2);
        std::fs::write(dir.beside("leads.csv.checkpoint"), "{}\n").unwrap();
        let begun = dir.imported(&server, &[]).await;
        must_end(&begun, 2);
        assert!(stderr(&begun).contains("--resume"), "{}", stderr(&begun));
        must_end(&dir.imported(&server, &["--resume"]).await, 1);
        assert_eq!(total(&server).await, 0);
    }

    async fn an_import_goes_on_in_its_own_workspace_alone(server) {
        let dir = ImportDir::with("leads.csv", &many(200));
        let checkpoint = dir.beside("leads.csv.checkpoint");
        let mut import = dir.import(&server, &[]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        until(&mut import, &checkpoint, 10).await;
        signal(&import, Signal::KILL);
        import.wait().await.unwrap();
        let text = std::fs::read_to_string(&checkpoint).unwrap();
        assert!(!text.contains(server.key.rsplit('_').next().unwrap()), "the secret is not kept");
        let done = rows_done(&checkpoint);
        let other = dir.import(&server, &["--resume"]).env("KONEKTOR_API_KEY", "kna_other_secret").output().await.unwrap();
        must_end(&other, 2);
        assert!(stderr(&other).contains("not with the key other (profile default)"), "{}", stderr(&other));
        assert_eq!(rows_done(&checkpoint), done);
        must_end(&dir.imported(&server, &["--resume"]).await, 0);
        assert_eq!(total(&server).await, 200);
    }

    async fn rejects_never_take_the_place_of_another_file(server) {
        let dir = ImportDir::with("leads.csv", "firstName,email\nSiti,siti@\nBudi,\n");
        let rejects = dir.beside("leads.rejects.csv");
        std::fs::write(&rejects, "mine").unwrap();
        let nowhere = dir.beside("nowhere/rejects.csv");
        for (path, why) in [
            (&rejects, "already exists"),
            (&dir.file, "is the file to import"),
            (&dir.folder.path().to_owned(), "is not a regular file"),
            (&nowhere, "cannot be written"),
        ] {
            let refused = dir.imported(&server, &["--rejects", path.to_str().unwrap()]).await;
            must_end(&refused, 2);
            assert!(stderr(&refused).contains(why), "{}", stderr(&refused));
        }
        assert_eq!(std::fs::read_to_string(&rejects).unwrap(), "mine");
        assert_eq!(total(&server).await, 0);
        std::fs::remove_file(&rejects).unwrap();
        must_end(&dir.imported(&server, &[]).await, 3);
    }

    async fn an_import_that_was_killed_before_its_plan_was_kept_begins_anew(server) {
        let dir = ImportDir::with("leads.csv", &many(3));
        std::fs::write(dir.beside("leads.csv.checkpoint"), "").unwrap();
        must_end(&dir.imported(&server, &["--resume"]).await, 2);
        must_end(&dir.imported(&server, &[]).await, 0);
        assert_eq!(total(&server).await, 3);
    }

    async fn rows_about_one_lead_are_taken_in_their_order(server) {
        let mut text = "firstName,phone,notes\n".to_owned();
        for turn in 0..20 {
            for lead in 0..5 {
                writeln!(text, "Lead {lead},08120000000{lead},turn {turn}").unwrap();
            }
        }
        let dir = ImportDir::with("leads.csv", &text);
        must_end(&dir.imported(&server, &[]).await, 0);
        let all = server.list(&[("limit", "100")]).await;
        assert_eq!(all.each("notes"), ["turn 19"; 5]);
    }

    async fn a_dry_run_checks_every_row_and_sends_nothing(server) {
        let dir = ImportDir::with("leads.csv", "firstName,email\nBudi,budi@example.com\nSiti,siti@\n");
        let mut dry = dir.import(&server, &["--dry-run", "-o", "json"]);
        let done = dry.env_remove("KONEKTOR_API_KEY").output().await.unwrap();
        must_end(&done, 3);
        assert_eq!(answer(&done), json!({
            "dryRun": true, "file": dir.file, "rows": 2, "good": 1, "bad": 1,
            "errors": [{"line": 3, "error": "email: Invalid email"}],
        }));
        assert_eq!(total(&server).await, 0);
        assert_eq!(std::fs::read_dir(dir.folder.path()).unwrap().count(), 1);
        let unknown = ImportDir::with("leads.csv", "Nama\nBudi\n").imported(&server, &["--dry-run"]).await;
        must_end(&unknown, 2);
        assert!(stderr(&unknown).contains("line 1: unknown column \"Nama\""), "{}", stderr(&unknown));
    }

    async fn a_person_is_asked_and_sees_it_go_on(server) {
        let dir = ImportDir::with("leads.csv", &many(40));
        let mut import = dir.import(&server, &[]);
        import.env_remove("NO_COLOR");
        let mut terminal = Terminal::start(import.as_std(), 100);
        terminal.wait_for("Send 40 rows of ");
        terminal.wait_for("[y/N]");
        terminal.type_in("n\n");
        assert_eq!(terminal.wait(), 1);
        assert_eq!(total(&server).await, 0);

        let mut terminal = Terminal::start(import.as_std(), 100);
        terminal.wait_for("[y/N]");
        terminal.type_in("y\n");
        assert_eq!(terminal.wait(), 0, "{}", terminal.output());
        assert!(terminal.output().contains("a minute"), "{}", terminal.output());
        assert_eq!(total(&server).await, 40);
    }

    async fn stdin_is_as_good_as_a_file(server) {
        let folder = TempDir::new().unwrap();
        let mut import = konektor(&server, &["leads", "import", "-"]);
        import.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut import = import.spawn().unwrap();
        let mut stdin = import.stdin.take().unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stdin, b"[{\"firstName\": \"Budi\"}, {\"first_name\": \"Siti\", \"email\": null}]").await.unwrap();
        drop(stdin);
        must_end(&import.wait_with_output().await.unwrap(), 0);
        assert_eq!(total(&server).await, 2);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    async fn a_pipe_with_a_name_is_as_good_as_a_file(server) {
        let folder = TempDir::new().unwrap();
        let pipe = folder.path().join("pipe");
        must_end(&Command::new("mkfifo").arg(&pipe).output().await.unwrap(), 0);
        let write = "printf 'first_name,email\\nBudi,\\nSiti,siti@\\n' > pipe";
        let mut writer = Command::new("sh").args(["-c", write]).current_dir(folder.path()).kill_on_drop(true).spawn().unwrap();
        let import = konektor(&server, &["leads", "import", "pipe"]).current_dir(folder.path()).output().await;
        must_end(&import.unwrap(), 3);
        assert!(writer.wait().await.unwrap().success());
        std::fs::remove_file(pipe).unwrap();
        assert_eq!(total(&server).await, 1);
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["konektor-import.rejects.csv"]);
    }

    async fn a_resumed_import_writes_its_rejects_where_it_would_have(server) {
        let dir = ImportDir::with("leads.tsv", &many(200).replace(',', "\t").replace("lead7@", "lead7\\\\"));
        let checkpoint = dir.beside("leads.tsv.checkpoint");
        let rejects = dir.beside("bad.tsv");
        let mut import = dir.import(&server, &["--rejects", rejects.to_str().unwrap()]).stderr(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        until(&mut import, &checkpoint, 10).await;
        signal(&import, Signal::KILL);
        import.wait().await.unwrap();
        must_end(&dir.imported(&server, &["--resume"]).await, 3);
        assert_eq!(std::fs::read_to_string(&rejects).unwrap(), "First Name\tEmail\timportLine\timportError\nLead 7\tlead7\\\\example.com\t9\temail: Invalid email\n");
        assert_eq!(total(&server).await, 199);
    }
}
