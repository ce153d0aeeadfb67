//! `konektor auth`

pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod status;

use konektor_sdk::{ErrorKind, Workspace};

use crate::{error::Failure, session::Call};

/// Checks the key of a call by reading its workspace. `None` if the key is valid but may not read the workspace.
async fn try_out(call: &Call<'_>) -> Result<Option<Workspace>, Failure> {
    match call
        .send_logged(call.client.workspace().show().send_with_meta())
        .await
    {
        Ok((workspace, _)) => Ok(Some(workspace)),
        Err(error) if error.kind() == ErrorKind::Forbidden => Ok(None),
        Err(error) => Err(call.explain(&error)),
    }
}
