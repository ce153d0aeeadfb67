//! Caches what tables show of a workspace, so that a list of leads costs one request.

use std::{fs, path::PathBuf};

use konektor_sdk::{
    Workspace,
    jiff::{SignedDuration, Timestamp},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    base::{
        atomic_file::{self, Readers},
        secret::key_id,
    },
    env::Environment,
};

/// How long an entry is valid. Currencies and time zones seldom change.
const TTL: SignedDuration = SignedDuration::from_hours(24);

/// The cache of one workspace; without a cache folder it stores nothing.
pub(crate) struct WorkspaceCache {
    file: Option<PathBuf>,
    now: Timestamp,
}

/// What tables show of a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CachedWorkspace {
    pub(crate) currency: String,
    pub(crate) timezone: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(flatten)]
    workspace: CachedWorkspace,
    known_since: Timestamp,
}

impl CachedWorkspace {
    pub(crate) fn new(workspace: &Workspace) -> Self {
        Self {
            currency: workspace.currency.clone(),
            timezone: workspace.timezone.clone(),
        }
    }
}

impl WorkspaceCache {
    /// The cache for the workspace of a key at a server.
    pub(crate) fn new(environment: &Environment<'_>, server: &str, key: Option<&str>) -> Self {
        let file = || {
            let name = format!("workspace-{}.json", fingerprint(server, key_id(key?)?));
            Some(folder(environment)?.join(name))
        };
        Self {
            file: file(),
            now: (environment.now)(),
        }
    }

    /// The cached workspace; `None` if there is none, it is too old or cannot be read.
    pub(crate) fn workspace(&self) -> Option<CachedWorkspace> {
        let entry: Entry = serde_json::from_slice(&fs::read(self.file.as_ref()?).ok()?).ok()?;
        let age = self.now.duration_since(entry.known_since);
        (SignedDuration::ZERO..TTL)
            .contains(&age)
            .then_some(entry.workspace)
    }

    /// Stores the workspace. A failure is ignored: the next command asks the server.
    pub(crate) fn store(&self, workspace: &CachedWorkspace) {
        let entry = Entry {
            workspace: workspace.clone(),
            known_since: self.now,
        };
        if let (Some(file), Ok(text)) = (&self.file, serde_json::to_vec(&entry)) {
            // Without a cache, the next command asks the server.
            let _ = file
                .parent()
                .map_or(Ok(()), fs::create_dir_all)
                .and_then(|()| atomic_file::write(file, &text, Readers::Owner));
        }
    }
}

fn fingerprint(server: &str, key_id: &str) -> String {
    let digest = Sha256::digest(format!("{server}\n{key_id}"));
    let bytes = digest[..8].try_into().unwrap_or_default();
    format!("{:016x}", u64::from_be_bytes(bytes))
}

/// <https://specifications.freedesktop.org/basedir-spec/latest/>
fn folder(environment: &Environment<'_>) -> Option<PathBuf> {
    let variable = |name| (environment.variable)(name).map(PathBuf::from);
    variable("XDG_CACHE_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| Some(variable("HOME")?.join(".cache")))
        .filter(|path| path.is_absolute())
        .map(|path| path.join("konektor"))
}
