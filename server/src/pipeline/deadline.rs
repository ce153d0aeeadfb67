//! The time limit for work that needs the database.

use tokio::time::{Instant, timeout_at};

use crate::{error::Error, store::WriteProgress};

/// Does `work` until `deadline`. `progress` is that of its write, if it has one: after a timeout it decides whether the
/// write has certainly not happened or may have.
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
