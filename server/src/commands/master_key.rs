//! Where the master key comes from.

use std::{
    env, fs,
    io::{self, ErrorKind, Write},
    path::Path,
};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::program;
use crate::vault::MasterKey;

const VARIABLE: &str = "KONEKTOR_MASTER_KEY";
const FILE_VARIABLE: &str = "KONEKTOR_MASTER_KEY_FILE";

/// The operator's key: `KONEKTOR_MASTER_KEY`, or else the content of the file `KONEKTOR_MASTER_KEY_FILE`.
///
/// No option of the command line holds it, for others on the machine can read those.
pub(super) fn from_environment() -> Result<MasterKey> {
    if let Some(text) = env::var_os(VARIABLE) {
        let text = Zeroizing::new(text.into_string().unwrap_or_default());
        return text.parse().context(VARIABLE);
    }
    match env::var_os(FILE_VARIABLE) {
        Some(path) => read(Path::new(&path)).context(FILE_VARIABLE),
        None => bail!(missing()),
    }
}

/// The key in a file, which is made, for its owner only, when there is none.
pub(super) fn kept_in(path: &Path) -> Result<MasterKey> {
    if !path.exists() {
        let key = MasterKey::generate();
        create(path, &key).with_context(|| format!("cannot write {}", path.display()))?;
    }
    read(path)
}

fn read(path: &Path) -> Result<MasterKey> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    Zeroizing::new(text)
        .parse()
        .with_context(|| shown.to_string())
}

/// Writes the file whole or not at all; one that somebody else made in the meantime stays.
fn create(path: &Path, key: &MasterKey) -> io::Result<()> {
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // Made with mode 0600.
    let mut file = NamedTempFile::new_in(directory)?;
    writeln!(file, "{}", *key.to_base64())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

fn missing() -> String {
    let program = program();
    format!(
        "there is no master key, which encrypts the personal data in the database\n\n\
         Make one, keep it safe (without it the data cannot be read), and try again:\n  \
         export {VARIABLE}=$({program} keygen)\n\
         or keep it in a file:\n  \
         (umask 077; {program} keygen > konektor.key)\n  \
         export {FILE_VARIABLE}=konektor.key"
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_for_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.key");
        let first = kept_in(&path).unwrap().to_base64();
        let again = kept_in(&path).unwrap().to_base64();
        assert_eq!(first, again);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_file_that_another_process_made_first_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.key");
        fs::write(&path, "theirs").unwrap();
        create(&path, &MasterKey::generate()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    }
}
