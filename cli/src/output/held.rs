//! A document that is held back until it is whole.

use std::io::{self, Seek as _, Write};

use tempfile::SpooledTempFile;

/// More than this goes to a file without a name, which nobody else can open and which is gone with the program.
const IN_MEMORY: usize = 8 * 1024 * 1024;

/// What is written here is seen by nobody until it is [released](Self::release).
pub(crate) struct Held(SpooledTempFile);

impl Held {
    pub(crate) fn new() -> Self {
        Self(SpooledTempFile::new(IN_MEMORY))
    }

    /// Writes all of it.
    pub(crate) fn release(mut self, to: &mut impl Write) -> io::Result<()> {
        self.0.rewind()?;
        io::copy(&mut self.0, to)?;
        Ok(())
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
