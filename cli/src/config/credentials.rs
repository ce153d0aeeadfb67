//! API keys, in the system's keyring or in a file that only the owner can read.
//!
//! A key belongs to a profile and a server, so that it is never sent to another server.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
};

use toml_edit::{DocumentMut, Item, Table, value};

use super::{keyring::Keyring, store};
use crate::{base::secret::Key, error::Failure};

/// The stores of API keys.
#[derive(Debug)]
pub(crate) struct Credentials {
    folder: PathBuf,
    keyring: Option<Rc<Keyring>>,
}

/// Where a key is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyLocation {
    Keyring,
    File,
}

impl Credentials {
    pub(super) fn new(folder: &Path, keyring: Option<Rc<Keyring>>) -> Self {
        Self {
            folder: folder.to_owned(),
            keyring,
        }
    }

    /// The profiles with keys in the file; none if it cannot be read.
    pub(super) fn profiles(&self) -> Vec<String> {
        let document = self.read().unwrap_or_default();
        document.iter().map(|(name, _)| name.to_owned()).collect()
    }

    /// The key of a profile for a server.
    ///
    /// # Errors
    /// When the file cannot be read or other users can read it, or the keyring is locked or does not answer.
    pub(crate) fn find(
        &self,
        profile: &str,
        server: &str,
    ) -> Result<Option<(Key, KeyLocation)>, Failure> {
        if let Some(key) = self.in_file(profile, server)? {
            return Ok(Some((key, KeyLocation::File)));
        }
        let Some(keyring) = &self.keyring else {
            return Ok(None);
        };
        let key = keyring.find(profile, server)?;
        Ok(key.map(|key| (key, KeyLocation::Keyring)))
    }

    /// Where a new key would probably be stored.
    ///
    /// # Errors
    /// When the keyring is locked or does not answer.
    pub(crate) fn place(&self, profile: &str, server: &str) -> Result<KeyLocation, Failure> {
        let has_keyring = match &self.keyring {
            Some(keyring) => keyring.is_there(profile, server)?,
            None => false,
        };
        Ok(if has_keyring {
            KeyLocation::Keyring
        } else {
            KeyLocation::File
        })
    }

    /// Stores a key, in the keyring if there is one.
    ///
    /// # Errors
    /// When the file cannot be written, or the keyring is locked or does not answer.
    pub(crate) fn store(
        &self,
        profile: &str,
        server: &str,
        key: &Key,
    ) -> Result<KeyLocation, Failure> {
        let is_kept = match &self.keyring {
            Some(keyring) => keyring.store(profile, server, key)?,
            None => false,
        };
        if is_kept {
            self.change(|document| remove(document, profile, server))?;
            return Ok(KeyLocation::Keyring);
        }
        self.change(|document| {
            if document.get(profile).is_none() {
                document[profile] = Item::Table(Table::new());
            }
            document[profile][server] = value(key.reveal());
        })?;
        Ok(KeyLocation::File)
    }

    /// Deletes a key from all stores, and returns whether there was one.
    ///
    /// # Errors
    /// When the file cannot be written, or the keyring is locked, does not answer or fails to delete the key.
    pub(crate) fn delete(&self, profile: &str, server: &str) -> Result<bool, Failure> {
        let in_file = self.in_file(profile, server)?.is_some();
        if in_file {
            self.change(|document| remove(document, profile, server))?;
        }
        match &self.keyring {
            Some(keyring) if keyring.find(profile, server)?.is_some() => {
                keyring.delete(profile, server)?;
                Ok(true)
            }
            _ => Ok(in_file),
        }
    }

    /// The name of a store in messages.
    pub(crate) fn where_is(&self, place: KeyLocation) -> String {
        match place {
            KeyLocation::Keyring => "keyring".to_owned(),
            KeyLocation::File => self.path().display().to_string(),
        }
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.join("credentials.toml")
    }

    fn in_file(&self, profile: &str, server: &str) -> Result<Option<Key>, Failure> {
        let path = self.path();
        if store::is_open_to_others(&path) {
            return Err(Failure::open_to_others(&path));
        }
        let document = self.read()?;
        let keys = document.get(profile);
        let key = keys.and_then(|keys| keys.get(server)?.as_str());
        Ok(key.map(Key::new))
    }

    fn read(&self) -> Result<DocumentMut, Failure> {
        let path = self.path();
        let text = store::read(&path)?.unwrap_or_default();
        // The parser's message could quote a key.
        text.parse()
            .map_err(|_| Failure::usage(format!("{} is not TOML", path.display())))
    }

    fn change(&self, change: impl FnOnce(&mut DocumentMut)) -> Result<(), Failure> {
        let _lock = store::lock(&self.folder)?;
        let mut document = self.read()?;
        let before = document.to_string();
        change(&mut document);
        let after = document.to_string();
        if after == before {
            return Ok(());
        }
        store::write(&self.path(), &after)
    }
}

fn remove(document: &mut DocumentMut, profile: &str, server: &str) {
    let Some(keys) = document.get_mut(profile).and_then(Item::as_table_mut) else {
        return;
    };
    keys.remove(server);
    if keys.is_empty() {
        document.remove(profile);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "https://konektor.id";

    fn text(key: Option<(Key, KeyLocation)>) -> Option<String> {
        key.map(|(key, _)| key.reveal().to_owned())
    }

    #[test]
    fn a_key_is_for_its_profile_and_its_server_alone() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Credentials::new(folder.path(), None);
        keys.store("toko", SERVER, &Key::new(" kna_1_secret\n"))
            .unwrap();
        assert_eq!(
            text(keys.find("toko", SERVER).unwrap()).as_deref(),
            Some("kna_1_secret")
        );
        for (profile, server) in [("other", SERVER), ("toko", "https://other.example")] {
            assert!(keys.find(profile, server).unwrap().is_none());
        }
    }

    #[test]
    fn what_is_forgotten_is_gone_from_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let keys = Credentials::new(folder.path(), None);
        keys.store("toko", SERVER, &Key::new("kna_1_secret"))
            .unwrap();
        assert!(keys.delete("toko", SERVER).unwrap());
        assert!(!keys.delete("toko", SERVER).unwrap());
        assert_eq!(std::fs::read_to_string(keys.path()).unwrap(), "");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_alone_and_not_used_otherwise() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let keys = Credentials::new(&folder.path().join("new"), None);
        keys.store("toko", SERVER, &Key::new("kna_1_secret"))
            .unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&keys.path()), 0o600);
        assert_eq!(mode(&folder.path().join("new")), 0o700);

        std::fs::set_permissions(keys.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
        let failure = keys.find("toko", SERVER).unwrap_err();
        assert!(failure.lines().join("\n").contains("chmod 600"));
    }
}
