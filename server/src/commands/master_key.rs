//! Sources of the master keys.

use std::{
    env, fs,
    io::{self, ErrorKind, Write},
    path::Path,
};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use super::usage::program;
use crate::vault::{MasterKey, MasterKeys};

const ONE: &str = "KONEKTOR_MASTER_KEY";
const SEVERAL: &str = "KONEKTOR_MASTER_KEYS";
const FILE: &str = "KONEKTOR_MASTER_KEY_FILE";

/// The operator's master keys. Fails if there is none.
pub(super) fn from_environment() -> Result<MasterKeys> {
    from_environment_if_set()?.map_or_else(|| bail!(missing()), Ok)
}

/// The operator's master keys, from `KONEKTOR_MASTER_KEY`, `KONEKTOR_MASTER_KEYS` or the file
/// `KONEKTOR_MASTER_KEY_FILE`. Setting two of these variables is an error, because it must be certain which key seals.
///
/// There is no option for a key, because other users of the machine can read command lines.
pub(super) fn from_environment_if_set() -> Result<Option<MasterKeys>> {
    let set: Vec<_> = [ONE, SEVERAL, FILE]
        .into_iter()
        .filter_map(|name| Some((name, env::var_os(name)?)))
        .collect();
    let [(name, value)] = set.as_slice() else {
        let [(first, _), (second, _), ..] = set.as_slice() else {
            return Ok(None);
        };
        bail!("{first} and {second} are both set; unset one, and put several keys into {SEVERAL}");
    };
    if *name == FILE {
        return read(Path::new(value)).context(FILE).map(Some);
    }
    let text = Zeroizing::new(value.clone().into_string().unwrap_or_default());
    if *name == ONE && text.contains([':', ',']) {
        bail!(
            "{ONE} is one key without a number; several keys, or a key with its number, go into {SEVERAL}"
        );
    }
    text.parse().context(*name).map(Some)
}

/// Reads the master keys from a file. Creates the file with a new key, readable only by its owner, if it does not
/// exist.
pub(super) fn read_or_create(path: &Path) -> Result<MasterKeys> {
    if !path.exists() {
        let key = MasterKey::generate();
        create(path, &key).with_context(|| format!("cannot write {}", path.display()))?;
    }
    read(path)
}

fn read(path: &Path) -> Result<MasterKeys> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    Zeroizing::new(text)
        .parse()
        .with_context(|| shown.to_string())
}

/// Writes the whole file or nothing. A file that another process created meanwhile stays.
fn create(path: &Path, key: &MasterKey) -> io::Result<()> {
    let directory = path
        .parent()
        .filter(|directory| !directory.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    // The file has mode 0600.
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
         export {ONE}=$({program} keygen)\n\
         or keep it in a file:\n  \
         (umask 077; {program} keygen > konektor.key)\n  \
         export {FILE}=konektor.key"
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
        assert_eq!(read_or_create(&path).unwrap().sealing_id(), 1);
        let first = fs::read(&path).unwrap();
        read_or_create(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), first);
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
