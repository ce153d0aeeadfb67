//! A full disk under SQLite: writes are refused, reads succeed, and writes succeed again as soon as
//! there is free space.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write, repeat},
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::{calls::Call, config::Config, outage::Outage};
use crate::{
    client::{Client, Request},
    deployment::{self, Deployment},
    process,
};

/// The disk counts as full for SQLite when no probe has succeeded for this long.
const REFUSED_FOR: Duration = Duration::from_secs(3);
const REFUSAL_TIMEOUT: Duration = Duration::from_mins(2);

/// Fills the disk during load, checks the responses, and frees the space again.
pub(super) fn run(config: &Config) -> Result<String> {
    let disk = Disk::mount()?;
    let deployment = Deployment::start(config.program, &deployment::sqlite_url(disk.path()), None)?;
    let outage = Outage {
        duration: Duration::from_secs(10),
        is_expected: |call| {
            let is_read = call.notes.is_empty();
            if is_read {
                call.is_success()
            } else {
                call.is_retryable()
            }
        },
    };
    outage.run(&deployment, |observe| {
        let filler = disk.path().join("filler");
        fill(&filler)?;
        wait_until_refused(&deployment)?;
        observe()?;
        Ok(fs::remove_file(filler)?)
    })
}

/// A small tmpfs.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("konektor-disk").tempdir()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]);
        process::read(mount.arg(directory.path()))
            .context("could not mount a tmpfs; this check must run as root")?;
        Ok(Self(directory))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        process::succeeds(Command::new("umount").arg(self.path()));
    }
}

/// Waits until SQLite can no longer write.
///
/// The database files, especially the write-ahead log, still have free pages when the disk is full.
/// Small writes succeed until those are used up.
fn wait_until_refused(deployment: &Deployment) -> Result<()> {
    let mut client = Client::new(deployment);
    let started = Instant::now();
    let mut last_ready = started;
    while last_ready.elapsed() < REFUSED_FOR {
        let ready = Request::get("/readyz");
        if Call::send(&mut client, String::new(), &ready).is_success() {
            last_ready = Instant::now();
        }
        ensure!(
            started.elapsed() < REFUSAL_TIMEOUT,
            "writes still succeed although the disk is full"
        );
        process::check_interrupted()?;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Writes to a new file until its disk is full.
fn fill(path: &Path) -> Result<()> {
    let mut file = File::create(path)?;
    let mut zeros = repeat(0).take(1 << 30);
    let written = std::io::copy(&mut zeros, &mut file);
    let error = written.err().context("the disk is larger than 1 GiB")?;
    ensure!(error.kind() == ErrorKind::StorageFull, "{error}");
    // `copy` fails when a whole buffer does not fit: the last page may have free bytes.
    while file.write_all(&[0]).is_ok() {}
    Ok(())
}
