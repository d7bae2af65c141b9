//! The bytes of one output, read in pieces that are those of one generation of the file.

use sha2::{Digest, Sha256};

use super::error::Error;
use super::retained::LocatedRun;
use super::root::{FileIdentity, OutputFile};
use crate::model::RelativePath;

/// How many bytes a piece has at the most.
const PIECE_BYTES: usize = 256 << 10;

/// What to read of an output, and what it is expected to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadRequest {
    /// Where to start, in bytes.
    pub offset: u64,
    /// How many bytes at the most; `None`: to the end.
    pub limit: Option<u64>,
    /// The generation that the file must still have.
    pub expected_generation: Option<String>,
    /// The SHA-256 that the whole file must have, bare lower-case hex.
    pub expected_sha256: Option<String>,
    /// Compute the whole file's SHA-256 before the first byte.
    pub compute_sha256: bool,
}

/// An output being read.
#[derive(Debug)]
pub struct ArtifactReader {
    located: LocatedRun,
    file: OutputFile,
    path: RelativePath,
    media_type: String,
    /// The whole file's SHA-256, when it was computed for this generation.
    pub sha256: Option<String>,
    position: u64,
    end: u64,
    hashing: Option<(Sha256, String)>,
    /// Whether the bytes turned out to be the wrong ones: then there is no clean end any more.
    broken: bool,
}

/// A piece of an output.
#[derive(Debug)]
pub struct Piece {
    /// Where it begins, in bytes from the beginning of the file.
    pub offset: u64,
    /// The bytes.
    pub data: Vec<u8>,
}

impl LocatedRun {
    /// Opens an output for reading.
    ///
    /// # Errors
    /// [`Error::ArtifactNotFound`] for anything that is no output, whether or not it exists; [`Error::UnsafePath`] and
    /// [`Error::NotAFile`] for what is no regular file; [`Error::GenerationMismatch`], [`Error::DigestMismatch`] and
    /// [`Error::OffsetBeyondEnd`] before any byte is read.
    pub fn read(self, path: RelativePath, request: &ReadRequest) -> Result<ArtifactReader, Error> {
        self.check_run_id()?;
        let file = self.open_output(&path).map_err(|error| Error::of_path(path.as_str(), error))?;
        let identity = file.identity();
        let shown = || crate::model::printable(path.as_str(), 300);
        if request.expected_generation.as_ref().is_some_and(|expected| *expected != generation(identity)) {
            return Err(Error::GenerationMismatch { path: shown() });
        }
        let size = identity.size();
        if request.offset > size {
            return Err(Error::OffsetBeyondEnd { offset: request.offset, size });
        }
        let mut sha256 = self.root.digests.get(identity);
        // An empty file has no last piece at which a digest could still be judged.
        if sha256.is_none() && (request.compute_sha256 || size == 0) {
            let digest = whole_digest(&file, &path)?;
            self.root.digests.insert(identity, digest.clone());
            sha256 = Some(digest);
        }
        if let (Some(known), Some(expected)) = (&sha256, &request.expected_sha256)
            && known != expected
        {
            return Err(Error::DigestMismatch { path: shown() });
        }
        let end = request.limit.map_or(size, |limit| size.min(request.offset.saturating_add(limit)));
        let reads_all = request.offset == 0 && end == size;
        // Also when the digest is known: what the disk gives now need not be what it gave then.
        let hashing = request.expected_sha256.clone().filter(|_| reads_all).map(|expected| (Sha256::new(), expected));
        let media_type = self.media_type(&path);
        Ok(ArtifactReader {
            located: self,
            file,
            path,
            media_type,
            sha256,
            position: request.offset,
            end,
            hashing,
            broken: false,
        })
    }
}

impl ArtifactReader {
    /// The file's size in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.file.identity().size()
    }

    /// When the file was last modified: seconds since 1970 and nanoseconds.
    #[must_use]
    pub const fn modified(&self) -> (i64, u32) {
        self.file.identity().modified()
    }

    /// The file's generation: opaque, another one whenever the file is another or has changed.
    #[must_use]
    pub fn generation(&self) -> String {
        generation(self.file.identity())
    }

    /// The file's media type: the recorded one, else that of its name.
    #[must_use]
    pub fn media_type(&self) -> &str {
        &self.media_type
    }

    /// Where the next piece begins.
    #[must_use]
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// The next piece; `None` at the end. The end is only reached when the file is still the one that was opened, so bytes of two
    /// generations never make a whole.
    ///
    /// # Errors
    /// [`Error::Changed`] when the file changed, [`Error::DigestDiffers`] when the bytes are not the expected ones.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, Error> {
        if self.broken {
            return Err(Error::DigestDiffers { path: crate::model::printable(self.path.as_str(), 300) });
        }
        let left = self.end.saturating_sub(self.position);
        if left == 0 {
            return Ok(None);
        }
        let mut data = vec![0; usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES))];
        let count = read_full(&self.file, &mut data, self.position)
            .map_err(|error| Error::of_read(self.path.as_str(), error))?;
        let unchanged = self.file.is_unchanged().map_err(|error| Error::of_read(self.path.as_str(), error))?;
        if count < data.len() || !unchanged {
            return Err(Error::Changed { path: crate::model::printable(self.path.as_str(), 300) });
        }
        let offset = self.position;
        self.position = offset.saturating_add(u64::try_from(count).unwrap_or(0));
        self.check(&data)?;
        Ok(Some(Piece { offset, data }))
    }

    /// Adds a piece to the digest, and judges the digest at the end, before the last piece is handed out.
    fn check(&mut self, data: &[u8]) -> Result<(), Error> {
        let Some((hasher, _)) = &mut self.hashing else { return Ok(()) };
        hasher.update(data);
        if self.position < self.end {
            return Ok(());
        }
        let Some((hasher, expected)) = self.hashing.take() else { return Ok(()) };
        let digest = hex(&hasher.finalize());
        let differs = digest != expected;
        self.located.root.digests.insert(self.file.identity(), digest);
        if differs {
            self.broken = true;
            return Err(Error::DigestDiffers { path: crate::model::printable(self.path.as_str(), 300) });
        }
        Ok(())
    }
}

/// Fills the buffer as far as the file reaches.
fn read_full(file: &OutputFile, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
    let mut filled = 0_usize;
    while let Some(free) = buffer.get_mut(filled..).filter(|free| !free.is_empty()) {
        let at = offset.saturating_add(u64::try_from(filled).unwrap_or(u64::MAX));
        match file.read_at(free, at)? {
            0 => break,
            count => filled = filled.saturating_add(count),
        }
    }
    Ok(filled)
}

fn whole_digest(file: &OutputFile, path: &RelativePath) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; PIECE_BYTES];
    let mut position = 0_u64;
    loop {
        let count = read_full(file, &mut buffer, position).map_err(|error| Error::of_read(path.as_str(), error))?;
        hasher.update(buffer.get(..count).unwrap_or_default());
        position = position.saturating_add(u64::try_from(count).unwrap_or(0));
        if count < buffer.len() {
            break;
        }
    }
    if file.is_unchanged().map_err(|error| Error::of_read(path.as_str(), error))? && position == file.identity().size()
    {
        Ok(hex(&hasher.finalize()))
    } else {
        Err(Error::Changed { path: crate::model::printable(path.as_str(), 300) })
    }
}

/// The generation of a file in this state. Hashed, since it would otherwise tell inode numbers.
pub(super) fn generation(identity: FileIdentity) -> String {
    hex(Sha256::digest(identity.to_bytes()).get(..16).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}
