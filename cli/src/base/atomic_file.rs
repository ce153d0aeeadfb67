//! Replaces files atomically: a reader sees the old content or the new, never a part.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    Owner,
    /// Everyone the umask permits.
    Everyone,
}

/// A temporary file beside its target. [`commit`](Self::commit) renames it to the target; otherwise it is removed when
/// dropped.
pub(crate) struct AtomicFile {
    target: PathBuf,
    file: NamedTempFile,
}

impl AtomicFile {
    /// Creates a file that will replace `path`, or the target of a link there.
    ///
    /// # Errors
    /// When no file can be created in the target's folder.
    pub(crate) fn create(path: &Path, readers: Readers) -> io::Result<Self> {
        let target = follow_links(path);
        let folder = target
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let mut builder = tempfile::Builder::new();
        builder.prefix(".konektor-");
        #[cfg(unix)]
        let permissions = {
            use std::os::unix::fs::PermissionsExt as _;

            fs::Permissions::from_mode(match readers {
                Readers::Owner => 0o600,
                Readers::Everyone => 0o666,
            })
        };
        #[cfg(unix)]
        builder.permissions(permissions);
        #[cfg(not(unix))]
        let _ = readers; // Other systems derive the permissions from the folder.
        let file = builder.tempfile_in(folder)?;
        Ok(Self { target, file })
    }

    /// The file to write to.
    pub(crate) fn as_file(&self) -> &File {
        self.file.as_file()
    }

    /// Replaces the target.
    ///
    /// # Errors
    /// When the file cannot be synced or renamed.
    pub(crate) fn commit(self) -> io::Result<()> {
        self.file.as_file().sync_all()?;
        self.file
            .persist(self.target)
            .map_err(|error| error.error)?;
        Ok(())
    }
}

/// Replaces the text of a file.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn write(path: &Path, text: &[u8], readers: Readers) -> io::Result<()> {
    let file = AtomicFile::create(path, readers)?;
    file.as_file().write_all(text)?;
    file.commit()
}

/// Lets only the owner read a new file.
pub(crate) fn for_owner(options: &mut OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options; // Other systems derive the permissions from the folder.
}

/// Follows symbolic links, with which people keep a file elsewhere. The target need not exist yet.
fn follow_links(path: &Path) -> PathBuf {
    // Linux follows the same number.
    const MAX_LINKS: usize = 40;

    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(target) = fs::read_link(&path) else {
            break;
        };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
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
            write(&link, text.as_bytes(), Readers::Owner).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
            assert_eq!(fs::read_to_string(&link).unwrap(), text);
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
        assert!(fs::read(&one).is_err());
        assert!([&one, &other].contains(&&follow_links(&one)));
    }

    #[test]
    fn an_abandoned_file_leaves_the_old_one_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("leads.csv");
        fs::write(&path, "old").unwrap();
        let file = AtomicFile::create(&path, Readers::Everyone).unwrap();
        file.as_file().write_all(b"half").unwrap();
        drop(file);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
