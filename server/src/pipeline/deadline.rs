//! How long the database is waited for.

use tokio::time::{Instant, timeout_at};

use crate::{error::Error, store::WriteProgress};

/// Waits for `work`, which needs the database, until `deadline`. `progress` is how far its write has come, if there is
/// one: a write that may have happened is not reported as one that has not.
pub(crate) async fn before<T, E: From<Error>>(
    deadline: Instant,
    progress: Option<&WriteProgress>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    if let Ok(result) = timeout_at(deadline, work).await {
        return result;
    }
    let cause = anyhow::anyhow!("the database did not answer in time");
    Err(if progress.is_none_or(WriteProgress::give_up) {
        Error::Unavailable(cause).into()
    } else {
        Error::OutcomeUnknown(cause).into()
    })
}
