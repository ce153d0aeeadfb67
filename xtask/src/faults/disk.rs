//! The disk under SQLite is full: writes are put off, reads go on, and room is all it needs.

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

use super::{
    callers::Call,
    outage::{Outage, asks_to_come_back, is_well},
    setting::Setting,
};
use crate::{
    client::{Client, Request},
    deployment::{self, Deployment},
    process,
};

/// After so long without a write that found room there is none.
const USED_UP: Duration = Duration::from_secs(3);
const MOST: Duration = Duration::from_mins(2);

pub(super) fn run(setting: &Setting) -> Result<String> {
    let disk = Disk::mount()?;
    let deployment =
        Deployment::start(setting.program, &deployment::sqlite_url(disk.path()), None)?;
    let outage = Outage {
        lasts: Duration::from_secs(10),
        answers: |call| {
            if call.notes.is_empty() {
                is_well(call)
            } else {
                asks_to_come_back(call)
            }
        },
    };
    outage.endure(&deployment, |during| {
        let ballast = disk.path().join("ballast");
        fill(&ballast)?;
        wait_until_refused(&deployment)?;
        during()?;
        Ok(fs::remove_file(ballast)?)
    })
}

/// A file system of its own in memory, just large enough.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("konektor-disk").tempdir()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]);
        process::read(mount.arg(folder.path()))
            .context("a small disk can be mounted by root only: run this as root")?;
        Ok(Self(folder))
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

/// The files have room of their own, in the write-ahead log above all, and small writes find it for
/// longer than large ones: until that is used up, some are as good as ever.
fn wait_until_refused(deployment: &Deployment) -> Result<()> {
    let mut client = Client::of(deployment);
    let began = Instant::now();
    let mut last_ready = began;
    while last_ready.elapsed() < USED_UP {
        let ready = Request::get("/readyz");
        if is_well(&Call::make(&mut client, String::new(), &ready)) {
            last_ready = Instant::now();
        }
        let took = began.elapsed();
        ensure!(took < MOST, "writes go on although the disk is full");
        process::check_interrupted()?;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Fills the disk that this file is to be on to the last byte.
fn fill(ballast: &Path) -> Result<()> {
    let mut file = File::create(ballast)?;
    let mut zeros = repeat(0).take(1 << 30);
    let written = std::io::copy(&mut zeros, &mut file);
    let full = written.err().context("the disk does not fill")?;
    ensure!(full.kind() == ErrorKind::StorageFull, "{full}");
    // The last page may have been written in part.
    while file.write_all(&[0]).is_ok() {}
    Ok(())
}
