//! Holds a document back until it is complete.

use std::{
    fs::File,
    io::{self, Seek as _, Write},
};

/// More than this goes to an unnamed temporary file, which is deleted when the program ends.
const IN_MEMORY: usize = 8 * 1024 * 1024;

/// Holds what is written until [`release`](Self::release).
pub(crate) struct Spool {
    in_memory: Vec<u8>,
    limit: usize,
    file: Option<File>,
}

impl Spool {
    pub(crate) fn new() -> Self {
        Self {
            in_memory: Vec::new(),
            limit: IN_MEMORY,
            file: None,
        }
    }

    /// Writes everything to a stream.
    pub(crate) fn release(self, to: &mut impl Write) -> io::Result<()> {
        if let Some(mut file) = self.file {
            file.rewind().map_err(|error| in_temporary_file(&error))?;
            io::copy(&mut file, to)?;
        }
        to.write_all(&self.in_memory)
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.in_memory.extend_from_slice(bytes);
        if self.in_memory.len() < self.limit {
            return Ok(bytes.len());
        }
        if self.file.is_none() {
            // Without a temporary file, everything stays in memory.
            match tempfile::tempfile() {
                Ok(file) => self.file = Some(file),
                Err(_) => self.limit = usize::MAX,
            }
        }
        if let Some(file) = &mut self.file {
            file.write_all(&self.in_memory)
                .map_err(|error| in_temporary_file(&error))?;
            self.in_memory.clear();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Says in the error that the temporary file failed, not the output.
fn in_temporary_file(error: &io::Error) -> io::Error {
    let folder = std::env::temp_dir();
    let message = format!("the temporary file in {}: {error}", folder.display());
    io::Error::new(error.kind(), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_temporary_folder_is_named() {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut spool = Spool {
            limit: 1,
            file: Some(full),
            ..Spool::new()
        };
        let error = spool.write(b"[]").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let folder = std::env::temp_dir().display().to_string();
        let told = error.to_string();
        assert!(
            told.starts_with("the temporary file in ") && told.contains(&folder),
            "{told}"
        );
    }

    #[test]
    fn all_of_it_comes_out_in_its_order_wherever_it_was() {
        for (limit, has_file) in [(usize::MAX, false), (100, true), (1, true)] {
            let mut spool = Spool {
                limit,
                ..Spool::new()
            };
            let mut written = Vec::new();
            for number in 0..1000 {
                let line = format!("{number}\n");
                spool.write_all(line.as_bytes()).unwrap();
                written.extend_from_slice(line.as_bytes());
            }
            assert_eq!(spool.file.is_some(), has_file);
            let mut released = Vec::new();
            spool.release(&mut released).unwrap();
            assert_eq!(released, written);
        }
    }
}
