//! The progress of an import on disk, from which it can be resumed.
//!
//! The file has a line for each row that the server has answered. A row without a line may have been sent. It is sent
//! again with the same idempotency key, so that the server repeats its answer.

use std::{
    collections::{BTreeMap, HashSet},
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use konektor_sdk::{IDEMPOTENCY_KEY_TTL, jiff::Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::input::Input;
use crate::{
    base::{atomic_file::for_owner, secret::key_id},
    error::Failure,
    session::Context,
};

/// The outcome of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Outcome {
    Created,
    Updated,
    /// The server's reasons.
    Rejected(String),
}

/// The rows that are done.
#[derive(Debug, Default)]
pub(super) struct Done {
    rows: HashSet<u64>,
    pub(super) created: u64,
    pub(super) updated: u64,
    pub(super) rejected: BTreeMap<u64, String>,
}

impl Done {
    pub(super) fn rows(&self) -> HashSet<u64> {
        self.rows.clone()
    }

    pub(super) fn count(&self) -> u64 {
        self.rows.len() as u64
    }

    fn add(&mut self, row: u64, outcome: Outcome) {
        if !self.rows.insert(row) {
            return;
        }
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Rejected(why) => {
                self.rejected.insert(row, why);
            }
        }
    }
}

/// The import's parameters; a resume must match them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Plan {
    /// The prefix of the idempotency keys of this import.
    pub(super) import: Uuid,
    sha256: String,
    server: String,
    profile: String,
    /// The id of the API key, which identifies the workspace.
    key: Option<String>,
    pub(super) rejects: PathBuf,
    pub(super) map: Vec<String>,
    pub(super) found_by: Option<String>,
}

impl Plan {
    pub(super) fn new(
        context: &Context<'_>,
        sha256: String,
        rejects: PathBuf,
        map: Vec<String>,
        found_by: Option<String>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            import: Uuid::now_v7(),
            sha256,
            server: context.settings.server().to_owned(),
            profile: context.settings.profile.text.clone(),
            key: public_key(context)?,
            rejects,
            map,
            found_by,
        })
    }

    /// Fails if the import would continue in another workspace, where it would create its leads again.
    fn ensure_belongs_to(&self, context: &Context<'_>) -> Result<(), Failure> {
        let server = context.settings.server();
        if self.server != server {
            return Err(Failure::usage(format!(
                "the import was started at {}, not at {server}",
                self.server
            )));
        }
        let key = public_key(context)?;
        let is_it = match &self.key {
            Some(_) => self.key == key,
            None => self.profile == context.settings.profile.text,
        };
        if is_it {
            return Ok(());
        }
        let with = |key: Option<&str>, profile: &str| match key {
            Some(id) => format!("the key {id} (profile {profile})"),
            None => format!("profile {profile}"),
        };
        Err(Failure::usage(format!(
            "the import was started with {}, not with {}",
            with(self.key.as_deref(), &self.profile),
            with(key.as_deref(), &context.settings.profile.text)
        ))
        .hint(format!(
            "continue with the key that it was started with: --profile {}, or that key in KONEKTOR_API_KEY",
            self.profile
        )))
    }

    /// Whether the server may have forgotten the idempotency keys.
    pub(super) fn is_forgotten(&self, now: Timestamp) -> bool {
        let began = self
            .import
            .get_timestamp()
            .and_then(|began| i64::try_from(began.to_unix().0).ok())
            .and_then(|began| Timestamp::from_second(began).ok());
        let since = |began| Duration::try_from(now.duration_since(began)).unwrap_or_default();
        began.is_none_or(|began| since(began) >= IDEMPOTENCY_KEY_TTL)
    }

    /// The idempotency key of a row, the same for every attempt.
    pub(super) fn idempotency_key(&self, row: u64) -> String {
        format!("konektor-import-{}-{row}", self.import)
    }
}

/// The id of the API key, without its secret.
fn public_key(context: &Context<'_>) -> Result<Option<String>, Failure> {
    let key = context.settings.key()?;
    Ok(key.and_then(|(key, _)| key_id(key.reveal()).map(str::to_owned)))
}

#[derive(Serialize, Deserialize)]
struct Line {
    row: u64,
    #[serde(flatten)]
    outcome: Outcome,
}

/// The open checkpoint file.
#[derive(Debug)]
pub(super) struct Checkpoint {
    path: PathBuf,
    file: File,
    pub(super) done: Done,
}

impl Checkpoint {
    /// Whether there is a checkpoint. One with a truncated first line does not count, because nothing had been sent
    /// yet.
    pub(super) fn is_there(path: &Path) -> Result<bool, Failure> {
        match File::open(path).and_then(|file| is_begun(&file)) {
            Ok(begun) => Ok(begun),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Failure::from_file("read", path, &error)),
        }
    }

    /// Creates the checkpoint of a new import.
    pub(super) fn begin(path: &Path, plan: &Plan) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::from_file("write", path, &error);
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        for_owner(&mut options);
        let mut checkpoint = Self {
            path: path.to_owned(),
            file: options.open(path).map_err(failed)?,
            done: Done::default(),
        };
        checkpoint.lock()?;
        if is_begun(&checkpoint.file).map_err(failed)? {
            return Err(Failure::usage(format!(
                "another import was started meanwhile ({})",
                path.display()
            )));
        }
        checkpoint.file.set_len(0).map_err(failed)?;
        checkpoint.write(plan)?;
        checkpoint.file.sync_all().map_err(failed)?;
        Ok(checkpoint)
    }

    /// Opens the checkpoint of a stopped import, and returns its plan.
    pub(super) fn resume(
        path: &Path,
        input: &Input,
        context: &Context<'_>,
    ) -> Result<(Plan, Self), Failure> {
        if !Self::is_there(path)? {
            return Err(Failure::usage(format!(
                "nothing to resume: no import was started in {}",
                path.display()
            ))
            .hint("run it without --resume"));
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(path)
            .map_err(|error| Failure::from_file("read", path, &error))?;
        let mut checkpoint = Self {
            path: path.to_owned(),
            file,
            done: Done::default(),
        };
        checkpoint.lock()?;
        let plan = checkpoint.read()?;
        if plan.sha256 != input.sha256 {
            return Err(Failure::usage(format!(
                "{} has changed since the import was started",
                input.name
            ))
            .hint(format!(
                "continue with the same file, or delete {} and start over",
                path.display()
            )));
        }
        plan.ensure_belongs_to(context)?;
        Ok((plan, checkpoint))
    }

    /// Fails if another process runs this import, because both would send the same rows.
    fn lock(&self) -> Result<(), Failure> {
        self.file.try_lock().map_err(|_| {
            Failure::usage(format!(
                "another konektor is running this import ({})",
                self.path.display()
            ))
        })
    }

    /// Ignores a truncated last line.
    fn read(&mut self) -> Result<Plan, Failure> {
        let failed = |error: io::Error| Failure::from_file("read", &self.path, &error);
        let broken = || Failure::other(format!("{} is not a checkpoint", self.path.display()));
        let mut reader = BufReader::new(&self.file);
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).map_err(failed)?;
        let plan = serde_json::from_slice(&line).map_err(|_| broken())?;
        let mut whole = line.len() as u64;
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line).map_err(failed)?;
            if !line.ends_with(b"\n") {
                break;
            }
            let Line { row, outcome } = serde_json::from_slice(&line).map_err(|_| broken())?;
            self.done.add(row, outcome);
            whole += length as u64;
        }
        self.file.set_len(whole).map_err(failed)?;
        Ok(plan)
    }

    /// Records the outcome of a row.
    pub(super) fn note(&mut self, row: u64, outcome: Outcome) -> Result<(), Failure> {
        let line = Line { row, outcome };
        self.write(&line)?;
        self.done.add(row, line.outcome);
        Ok(())
    }

    /// Appends a line with a single write, so that a killed process leaves complete lines.
    fn write(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.file
            .write_all(&line)
            .map_err(|error| Failure::from_file("write", &self.path, &error))
    }

    /// Syncs the file, so that it survives a power failure.
    pub(super) fn keep(&self) -> Result<(), Failure> {
        self.file
            .sync_all()
            .map_err(|error| Failure::from_file("write", &self.path, &error))
    }

    /// Deletes the checkpoint when every row is done.
    pub(super) fn finish(self) -> Result<Done, Failure> {
        std::fs::remove_file(&self.path)
            .map_err(|error| Failure::from_file("remove", &self.path, &error))?;
        Ok(self.done)
    }
}

/// Whether the file contains more than a truncated plan. Unknown content counts, so that it is not overwritten.
fn is_begun(file: &File) -> io::Result<bool> {
    const START: &[u8] = b"{\"import\":";
    let mut line = Vec::new();
    BufReader::new(file).read_until(b'\n', &mut line)?;
    let is_cut_off = line.starts_with(START) || START.starts_with(&line);
    Ok(line.ends_with(b"\n") || !is_cut_off)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            import: Uuid::now_v7(),
            sha256: "abc".to_owned(),
            server: "https://konektor.id".to_owned(),
            profile: "default".to_owned(),
            key: Some("3fJx".to_owned()),
            rejects: PathBuf::from("leads.rejects.csv"),
            map: vec!["Nama=firstName".to_owned()],
            found_by: None,
        }
    }

    fn again(path: &Path) -> (Plan, Checkpoint) {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(path)
            .unwrap();
        let mut checkpoint = Checkpoint {
            path: path.to_owned(),
            file,
            done: Done::default(),
        };
        (checkpoint.read().unwrap(), checkpoint)
    }

    #[test]
    fn what_is_noted_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leads.csv.checkpoint");
        let plan = plan();
        let mut checkpoint = Checkpoint::begin(&path, &plan).unwrap();
        checkpoint.note(1, Outcome::Created).unwrap();
        checkpoint
            .note(3, Outcome::Rejected("email: Invalid email".to_owned()))
            .unwrap();
        drop(checkpoint);

        let (read, mut checkpoint) = again(&path);
        assert_eq!(read, plan);
        assert!(checkpoint.done.rows() == HashSet::from([1, 3]));
        assert_eq!(checkpoint.done.rejected[&3], "email: Invalid email");
        checkpoint.note(2, Outcome::Updated).unwrap();
        drop(checkpoint);

        let (_, checkpoint) = again(&path);
        let done = checkpoint.finish().unwrap();
        assert_eq!((done.count(), done.created, done.updated), (3, 1, 1));
        assert!(!path.exists());
    }

    #[test]
    fn a_line_that_was_cut_off_is_none_and_the_next_one_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let mut checkpoint = Checkpoint::begin(&path, &plan()).unwrap();
        checkpoint.note(1, Outcome::Created).unwrap();
        drop(checkpoint);
        let whole = std::fs::read(&path).unwrap();
        for cut in 1..10 {
            let mut text = whole.clone();
            text.extend_from_slice(&br#"{"row":2,"created":null}"#[..cut + 10]);
            std::fs::write(&path, &text).unwrap();
            let (_, mut checkpoint) = again(&path);
            assert_eq!(checkpoint.done.count(), 1);
            checkpoint.note(2, Outcome::Updated).unwrap();
            drop(checkpoint);
            assert_eq!(again(&path).1.done.count(), 2);
        }
    }

    #[test]
    fn a_plan_that_was_cut_off_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        assert!(!Checkpoint::is_there(&path).unwrap());
        drop(Checkpoint::begin(&path, &plan()).unwrap());
        assert!(Checkpoint::is_there(&path).unwrap());
        let whole = std::fs::read(&path).unwrap();
        for cut in [0, 1, 5, 40, whole.len() - 1] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            assert!(!Checkpoint::is_there(&path).unwrap());
            let plan = plan();
            drop(Checkpoint::begin(&path, &plan).unwrap());
            assert_eq!(again(&path).0, plan);
        }
        std::fs::write(&path, "somebody's notes").unwrap();
        assert!(Checkpoint::is_there(&path).unwrap());
    }

    #[test]
    fn the_server_forgets_an_import_after_a_day() {
        let plan = plan();
        let after = |hours| Timestamp::now() + Duration::from_hours(hours);
        assert!(!plan.is_forgotten(after(23)));
        assert!(plan.is_forgotten(after(25)));
    }

    #[test]
    fn two_programs_never_do_one_import() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let first = Checkpoint::begin(&path, &plan()).unwrap();
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .open(&path)
            .unwrap();
        let second = Checkpoint {
            path: path.clone(),
            file,
            done: Done::default(),
        };
        assert!(second.lock().is_err());
        drop(first);
        assert!(second.lock().is_ok());
    }

    #[test]
    fn a_row_has_the_same_idempotency_key_every_time_and_no_other_row_has_it() {
        let (one, other) = (plan(), plan());
        assert_eq!(one.idempotency_key(7), one.idempotency_key(7));
        assert_ne!(one.idempotency_key(7), one.idempotency_key(8));
        assert_ne!(one.idempotency_key(7), other.idempotency_key(7));
    }
}
