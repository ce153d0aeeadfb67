//! The system's keyring, which may be locked or not answer.

use std::{
    cell::Cell,
    fmt,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use keyring::{Entry, Error};

use crate::{base::secret::Key, env::Notify, error::Failure};

/// The name under which the keyring shows the keys.
const SERVICE: &str = "konektor";

/// How long to wait silently. A working keyring answers within milliseconds.
const FIRST: Duration = Duration::from_secs(3);

/// How long to wait for a person to unlock it after that.
const UNLOCKING: Duration = Duration::from_secs(27);

/// How long to wait after that if nobody can unlock it.
const UNATTENDED: Duration = Duration::from_secs(1);

pub(super) struct Keyring {
    notify: Notify,
    is_attended: bool,
    /// Whether it has timed out before.
    is_unresponsive: Cell<bool>,
}

impl Keyring {
    /// `is_attended` means that a person sees `notify` and may unlock the keyring.
    pub(super) fn new(notify: Notify, is_attended: bool) -> Self {
        Self {
            notify,
            is_attended,
            is_unresponsive: Cell::new(false),
        }
    }

    /// # Errors
    /// When it is locked or does not answer. A missing keyring has no key.
    pub(super) fn find(&self, profile: &str, server: &str) -> Result<Option<Key>, Failure> {
        match self.ask(profile, server, |entry| entry.get_password())? {
            Ok(key) => Ok(Some(Key::new(&key))),
            Err(Error::NoStorageAccess(_)) => Err(Failure::locked_keyring()),
            Err(_) => Ok(None),
        }
    }

    /// Whether there is a keyring that probably stores keys.
    ///
    /// # Errors
    /// When it is locked or does not answer.
    pub(super) fn is_there(&self, profile: &str, server: &str) -> Result<bool, Failure> {
        let answer = self.ask(profile, server, |entry| entry.get_password())?;
        is_there(&answer)
    }

    /// Stores a key. Returns false if there is no keyring.
    ///
    /// # Errors
    /// When it is locked or does not answer.
    pub(super) fn store(&self, profile: &str, server: &str, key: &Key) -> Result<bool, Failure> {
        let key = key.reveal().to_owned();
        let answer = self.ask(profile, server, move |entry| entry.set_password(&key))?;
        is_kept(&answer)
    }

    /// # Errors
    /// When it does not answer, or fails to delete the key.
    pub(super) fn delete(&self, profile: &str, server: &str) -> Result<(), Failure> {
        self.ask(profile, server, |entry| entry.delete_credential())?
            .map_err(|error| match error {
                Error::NoStorageAccess(_) => Failure::locked_keyring(),
                _ => Failure::other("could not delete the key from the keyring"),
            })
    }

    /// Asks on another thread, which is abandoned after a timeout.
    fn ask<T: Send + 'static>(
        &self,
        profile: &str,
        server: &str,
        question: impl FnOnce(Entry) -> keyring::Result<T> + Send + 'static,
    ) -> Result<keyring::Result<T>, Failure> {
        if self.is_unresponsive.get() {
            return Err(Failure::unresponsive_keyring());
        }
        let name = format!("{profile} at {server}");
        let (answer, answered) = mpsc::channel();
        let asking = move || answer.send(Entry::new(SERVICE, &name).and_then(question));
        thread::Builder::new()
            .spawn(asking)
            .map_err(|error| Failure::other(format!("cannot ask the keyring: {error}")))?;
        let first = answered.recv_timeout(FIRST);
        let last = match first {
            Err(RecvTimeoutError::Timeout) if self.is_attended => {
                (self.notify)("waiting for the keyring: it is locked or does not answer");
                answered.recv_timeout(UNLOCKING)
            }
            Err(RecvTimeoutError::Timeout) => answered.recv_timeout(UNATTENDED),
            first => first,
        };
        last.map_err(|_| {
            self.is_unresponsive.set(true);
            Failure::unresponsive_keyring()
        })
    }
}

fn is_there(answer: &keyring::Result<String>) -> Result<bool, Failure> {
    match answer {
        Ok(_) | Err(Error::NoEntry) => Ok(true),
        Err(Error::NoStorageAccess(_)) => Err(Failure::locked_keyring()),
        Err(_) => Ok(false),
    }
}

/// A locked keyring is a failure, so that the key is not silently stored elsewhere.
fn is_kept(answer: &keyring::Result<()>) -> Result<bool, Failure> {
    match answer {
        Ok(()) => Ok(true),
        Err(Error::NoStorageAccess(_)) => Err(Failure::locked_keyring()),
        Err(_) => Ok(false),
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_keyring_is_not_taken_for_none() {
        let locked = || Error::NoStorageAccess("locked".into());
        let told = Failure::locked_keyring().message().to_owned();
        for failure in [
            is_there(&Err(locked())).unwrap_err(),
            is_kept(&Err(locked())).unwrap_err(),
        ] {
            assert_eq!(failure.message(), told);
        }
        let none = || Error::PlatformFailure("no session bus".into());
        assert!(!is_there(&Err(none())).unwrap());
        assert!(!is_kept(&Err(none())).unwrap());
        assert!(is_there(&Err(Error::NoEntry)).unwrap());
        assert!(is_kept(&Ok(())).unwrap());
    }
}
