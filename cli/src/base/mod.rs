//! What knows nothing of the program: text, time, secrets, files.

pub(crate) mod atomic_file;
pub(crate) mod escape;
mod local_clock;
pub(crate) mod sanitize;
pub(crate) mod secret;

pub(crate) use local_clock::LocalClock;
