//! Reads, locks and atomically replaces the user's files.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::Path,
};

use crate::{
    base::atomic_file::{self, Readers, for_owner},
    error::Failure,
};

/// The text of a file; `None` if it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::from_file("read", path, &error)),
    }
}

/// Replaces the text of a file that only the owner can read.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    atomic_file::write(path, text.as_bytes(), Readers::Owner)
        .map_err(|error| Failure::from_file("write", path, &error))
}

/// Locks a folder against other processes, until the file is dropped.
pub(super) fn lock(folder: &Path) -> Result<File, Failure> {
    let path = folder.join(".lock");
    let lock = || {
        make_folder(folder)?;
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        for_owner(&mut options);
        let file = options.open(&path)?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|error: io::Error| Failure::from_file("write", &path, &error))
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Whether other users can read a file.
#[cfg(unix)]
pub(super) fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
pub(super) fn is_open_to_others(_: &Path) -> bool {
    false
}
