//! Pulling one file: read, taken up again where it broke off, verified, put in its place.

use indicatif::ProgressBar;
use tonic::Status;

use super::super::select::OneRun;
use super::super::{History, Output};
use crate::model::RelativePath;
use crate::repository::ambient::{AmbientError, PartialFile, RunCopy};
use crate::services::reason_of;
use crate::wire::pb;

/// How often a read that the disk breaks off is taken up again. What becomes of a connection is the history's affair.
const ATTEMPTS: u32 = 5;

/// Pulls files of one run into a copy.
pub(super) struct Fetcher<'a> {
    pub(super) history: &'a History,
    pub(super) run: &'a OneRun,
    pub(super) copy: RunCopy,
    pub(super) force: bool,
    pub(super) bar: ProgressBar,
}

/// What a file is expected to be.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Expected<'a> {
    /// The digest that the run records; `None`: whatever the server computes.
    pub(super) sha256: Option<&'a str>,
    /// The generation that it must still have; `None`: any.
    pub(super) generation: Option<&'a str>,
}

/// A file that is in the copy now.
pub(super) enum Fetched {
    /// It stood there already.
    Kept,
    /// So many bytes were read for it.
    Pulled(u64),
}

/// Why a file was not pulled.
pub(super) enum Trouble {
    /// What the service says.
    Status(Status),
    /// Something in DIR stands in the way.
    InTheWay(&'static str),
    /// Its bytes are not those whose digest the run records.
    OtherBytes,
    /// The disk says no.
    Unwritable(AmbientError),
}

impl From<Status> for Trouble {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<AmbientError> for Trouble {
    fn from(error: AmbientError) -> Self {
        match error {
            AmbientError::NotAFile { .. } => Self::InTheWay("something else than a file stands there in DIR"),
            error if error.is_already_there() => Self::InTheWay("a file of that name appeared in DIR meanwhile"),
            other => Self::Unwritable(other),
        }
    }
}

/// A file being read.
pub(super) struct Reading {
    pub(super) header: pb::ReadArtifactResponse,
    rest: Output,
}

/// Whether a read may go on although the disk where the run is just said no.
fn is_of_the_disk(status: &Status) -> bool {
    matches!(reason_of(status).as_deref(), Some("UNREADABLE" | "IO_TROUBLE"))
}

impl Fetcher<'_> {
    /// Pulls one file.
    pub(super) async fn fetch(&self, path: &RelativePath, expected: Expected<'_>) -> Result<Fetched, Trouble> {
        let mut reading = self.open(path, 0, expected.generation, expected.sha256.is_none()).await?;
        let header = std::mem::take(&mut reading.header);
        let sha256 = expected.sha256.unwrap_or(&header.sha256);
        if let Some((size, standing)) = self.copy.standing(path)? {
            if size == header.size_bytes && standing == sha256 {
                self.bar.inc(size);
                return Ok(Fetched::Kept);
            }
            if !self.force {
                return Err(Trouble::InTheWay("another file of that name stands in DIR; --force replaces it"));
            }
        }
        let mut partial = self.copy.begin(path, &header.generation)?;
        if partial.length() > header.size_bytes {
            partial.discard()?;
            partial = self.copy.begin(path, &header.generation)?;
        }
        let mut before = partial.length();
        if before == 0 {
            self.take(&mut partial, &header.data)?;
            self.read_on(path, &header, &mut partial, Some(reading)).await?;
        } else {
            drop(reading);
            self.bar.inc(before);
            self.read_on(path, &header, &mut partial, None).await?;
            if partial.sha256() != sha256 {
                // What an earlier try left may be damaged: once more, from the beginning.
                partial.discard()?;
                partial = self.copy.begin(path, &header.generation)?;
                before = 0;
                self.read_on(path, &header, &mut partial, None).await?;
            }
        }
        if partial.sha256() != sha256 {
            partial.discard()?;
            return Err(Trouble::OtherBytes);
        }
        let pulled = partial.length().saturating_sub(before);
        partial.place(self.force)?;
        Ok(Fetched::Pulled(pulled))
    }

    /// Reads a file to its end. What breaks off is taken up again; the generation holds all parts to one file.
    async fn read_on(
        &self,
        path: &RelativePath,
        header: &pb::ReadArtifactResponse,
        partial: &mut PartialFile<'_>,
        mut reading: Option<Reading>,
    ) -> Result<(), Trouble> {
        let mut attempts = 0;
        loop {
            let next = match &mut reading {
                Some(reading) => reading.rest.message().await.map(|message| message.map(|message| message.data)),
                None => match self.open(path, partial.length(), Some(&header.generation), false).await {
                    Ok(mut again) => {
                        let data = std::mem::take(&mut again.header.data);
                        reading = Some(again);
                        Ok(Some(data))
                    }
                    Err(status) => Err(status),
                },
            };
            match next {
                Ok(Some(data)) => self.take(partial, &data)?,
                Ok(None) if partial.length() == header.size_bytes => return Ok(()),
                Ok(None) => return Err(Status::aborted("it ended before its size was reached").into()),
                Err(status) if is_of_the_disk(&status) && attempts < ATTEMPTS => {
                    attempts += 1;
                    reading = None;
                }
                Err(status) => return Err(status.into()),
            }
        }
    }

    /// Opens a file for reading from an offset on.
    pub(super) async fn open(
        &self,
        path: &RelativePath,
        offset: u64,
        generation: Option<&str>,
        compute_sha256: bool,
    ) -> Result<Reading, Status> {
        let request = pb::ReadArtifactRequest {
            run_id: self.run.run_id(),
            directory: self.run.directory(),
            path: path.to_string(),
            offset: i64::try_from(offset).unwrap_or(i64::MAX),
            limit: 0,
            expected_generation: generation.unwrap_or_default().to_owned(),
            compute_sha256,
            ..Default::default()
        };
        let mut rest = self.history.read_artifact(request).await?;
        let header = rest.message().await?.ok_or_else(|| Status::unavailable("the reply ended at once"))?;
        Ok(Reading { header, rest })
    }

    /// A file's bytes, if it has at most `cap`.
    pub(super) async fn bytes(&self, path: &RelativePath, cap: u64) -> Result<Option<Vec<u8>>, Status> {
        let mut reading = self.open(path, 0, None, false).await?;
        if reading.header.size_bytes > cap {
            return Ok(None);
        }
        let mut bytes = reading.header.data.to_vec();
        while let Some(message) = reading.rest.message().await? {
            bytes.extend_from_slice(&message.data);
        }
        Ok(Some(bytes))
    }

    fn take(&self, partial: &mut PartialFile<'_>, bytes: &[u8]) -> Result<(), AmbientError> {
        partial.write(bytes)?;
        self.bar.inc(u64::try_from(bytes.len()).unwrap_or(0));
        Ok(())
    }
}
