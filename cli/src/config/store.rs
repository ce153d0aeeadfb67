//! Small files of one user: read, locked, and replaced as a whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::error::Failure;

/// What is in a file; None when there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>, Failure> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::from_file("read", path, &error)),
    }
}

/// Puts a text in the place of a file. Readers see the old one or the new one, and it is for its owner alone.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let file_itself = behind_links(path);
    let folder = file_itself.parent().unwrap_or(path);
    let replace = || {
        // Made with mode 0600.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(&file_itself)?;
        Ok(())
    };
    replace().map_err(|error: io::Error| Failure::from_file("write", path, &error))
}

/// Where a link leads, which people have put there to keep the file elsewhere; it need not be there yet.
fn behind_links(path: &Path) -> PathBuf {
    // As many as Linux follows.
    const MOST: usize = 40;

    let mut path = path.to_owned();
    for _ in 0..MOST {
        let Ok(target) = fs::read_link(&path) else {
            break;
        };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

/// Keeps other programs from changing what is in a folder, until the file is dropped.
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

/// Lets nobody but the owner read a file that is made.
pub(crate) fn for_owner(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

/// Whether others than the owner may read a file.
#[cfg(unix)]
pub(super) fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
pub(super) fn is_open_to_others(_: &Path) -> bool {
    false
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_link_stays_and_what_it_leads_to_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (link, between) = (
            folder.path().join("config.toml"),
            folder.path().join("between"),
        );
        let elsewhere = folder.path().join("dotfiles");
        let file = elsewhere.join("konektor.toml");
        fs::create_dir(&elsewhere).unwrap();
        symlink("between", &link).unwrap();
        symlink(&file, &between).unwrap();

        for text in ["first", "second"] {
            write(&link, text).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
            assert_eq!(read(&link).unwrap().as_deref(), Some(text));
        }
        assert!(link.is_symlink() && between.is_symlink() && !file.is_symlink());
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let left = fs::read_dir(&elsewhere).unwrap().count();
        assert_eq!(left, 1, "nothing but the file is left beside it");
    }

    #[test]
    fn links_in_a_circle_end() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        symlink(&one, &other).unwrap();
        symlink(&other, &one).unwrap();
        assert!(read(&one).is_err());
        assert!([&one, &other].contains(&&behind_links(&one)));
    }
}
