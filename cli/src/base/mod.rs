//! What knows nothing of the program: text, time, files.

pub(crate) mod escape;
mod local_clock;
pub(crate) mod sanitize;

pub(crate) use local_clock::LocalClock;
