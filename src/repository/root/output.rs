//! An opened output of a run.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

use super::GateError;
use super::identity::{self, FileIdentity};

/// A regular file of a run, opened for reading. Holding it is the proof that it stood inside the run.
#[derive(Debug)]
pub struct OutputFile {
    file: File,
    identity: FileIdentity,
}

impl OutputFile {
    /// Takes an opened file, if it is a regular one.
    pub(super) fn from_opened(opened: OwnedFd) -> Result<Self, GateError> {
        let identity = identity::of_regular_file(opened.as_fd())?;
        Ok(Self { file: File::from(opened), identity })
    }

    /// The file's identity when it was opened.
    #[must_use]
    pub const fn identity(&self) -> FileIdentity {
        self.identity
    }

    /// Whether the file is still as it was when it was opened.
    ///
    /// # Errors
    /// Passing trouble of the system.
    pub fn is_unchanged(&self) -> std::io::Result<bool> {
        let stat = rustix::fs::fstat(&self.file)?;
        Ok(FileIdentity::from_stat(&stat) == self.identity)
    }

    /// Reads at an offset; 0 at the end of the file.
    ///
    /// # Errors
    /// What the system says.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
        loop {
            match self.file.read_at(buffer, offset) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                answer => return answer,
            }
        }
    }

    /// Reads the whole file, as long as it was when it was opened, if it has at most `cap` bytes; `None` when it has more.
    ///
    /// # Errors
    /// What the system says.
    pub fn read_capped(&self, cap: u64) -> std::io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        Ok(self.read_capped_into(cap, &mut bytes)?.then_some(bytes))
    }

    /// As [`Self::read_capped`], into memory that is used again; tells whether the file has at most `cap` bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn read_capped_into(&self, cap: u64, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
        bytes.clear();
        if self.identity.size() > cap {
            return Ok(false);
        }
        bytes.resize(usize::try_from(self.identity.size()).unwrap_or(0), 0);
        let mut filled = 0_usize;
        while let Some(free) = bytes.get_mut(filled..).filter(|free| !free.is_empty()) {
            let count = self.read_at(free, u64::try_from(filled).unwrap_or(u64::MAX))?;
            if count == 0 {
                break;
            }
            filled = filled.saturating_add(count);
        }
        bytes.truncate(filled);
        Ok(true)
    }

    /// A reader from the beginning, with a position of its own.
    #[must_use]
    pub const fn reader(&self) -> OutputReader<'_> {
        self.reader_from(0)
    }

    /// A reader from an offset, with a position of its own. Beyond the end there is nothing to read.
    #[must_use]
    pub const fn reader_from(&self, offset: u64) -> OutputReader<'_> {
        OutputReader { file: self, position: offset }
    }
}

impl AsFd for OutputFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Reads an [`OutputFile`] onward from some offset.
#[derive(Debug)]
pub struct OutputReader<'a> {
    file: &'a OutputFile,
    position: u64,
}

impl std::io::Read for OutputReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read_at(buffer, self.position)?;
        self.position = self.position.saturating_add(u64::try_from(count).unwrap_or(0));
        Ok(count)
    }
}
