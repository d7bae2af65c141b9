//! A run's artifact manifest, streamed from its package in two passes over one descriptor, with what stands on disk beside it.

use std::ops::ControlFlow;

use super::decode::{ManifestError, ManifestPresence, read_manifest};
use super::error::Error;
use super::layout;
use super::reports::UnsafeRefs;
use super::retained::{FoundFile, LocatedRun, RetainedRun};
use super::root::{GateError, OutputFile};
use super::unlisted::{ListedPaths, visit_unlisted};
use crate::model::{ArtifactEntry, DirectoryName, Marker};

/// How many refused entries a refusal names.
const NAMED_REFUSALS: u64 = 20;

/// A manifest that passed its first pass: counted, and every path's syntax checked.
#[derive(Debug)]
pub struct Manifest {
    located: LocatedRun,
    package: Option<OutputFile>,
    /// The run; `None` for a directory without a readable summary.
    pub run: Option<RetainedRun>,
    /// All markers, sorted.
    pub markers: Vec<Marker>,
    /// How many entries there are.
    pub entry_count: u64,
    /// The sum of the recorded sizes in bytes.
    pub total_bytes: u64,
}

/// One row of a manifest stream.
#[derive(Debug)]
pub struct ManifestRow {
    /// The path to show: relative to the run, escaped when it cannot be asked for, empty when the recorded one is refused.
    pub shown_path: String,
    /// The recorded facts; for an unlisted file the size found.
    pub size_bytes: Option<u64>,
    /// The recorded SHA-256.
    pub sha256: Option<String>,
    /// The recorded media type, else one from the file name.
    pub media_type: String,
    /// The extension that produced it.
    pub extension_id: Option<String>,
    /// Evidence items that refer to it.
    pub evidence_refs: Vec<String>,
    /// What stands on disk.
    pub state: RowState,
    /// Whether it was found on disk and the manifest does not name it.
    pub unlisted: bool,
}

/// What stands on disk for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowState {
    /// A regular file of the recorded size, or of any size where none is recorded.
    Present,
    /// A regular file of another size.
    OtherSize,
    /// Nothing.
    Missing,
    /// Something that is never served.
    NotRegular,
    /// Something the server cannot look at.
    Unreadable,
    /// The recorded path is refused.
    UnsafePath,
    /// A name that no request can spell.
    Unaddressable,
}

impl LocatedRun {
    /// Makes the first pass over the run's package.
    ///
    /// # Errors
    /// [`Error::UnsafeRefs`] when paths are refused and `unsafe_refs` is [`UnsafeRefs::Refuse`]; [`Error::DocumentMalformed`],
    /// [`Error::DocumentTooLarge`], [`Error::ItemTooLarge`] for a package that cannot be read; those of [`LocatedRun::retained`] for
    /// a run asked for by id.
    pub fn manifest(self, unsafe_refs: UnsafeRefs) -> Result<Manifest, Error> {
        let run = match self.retained() {
            Ok(run) => Some(run),
            Err(error) if self.is_asked_by_run_id() => return Err(error),
            Err(_) => None,
        };
        let package = match self.handle.open(&layout::path(layout::ASSESSMENT_PACKAGE)) {
            Ok(file) => Some(file),
            Err(GateError::NotFound) => None,
            Err(error) => return Err(Error::of_path(layout::ASSESSMENT_PACKAGE, error)),
        };
        let mut markers = run.as_ref().map_or_else(|| self.disk_markers(), |run| run.markers.clone());
        let mut survey = Survey::default();
        if let Some(package) = &package {
            let presence = pass(package, &mut |entry| {
                survey.add(&self, &entry);
                ControlFlow::Continue(())
            })?;
            if presence == ManifestPresence::Missing {
                markers.push(Marker::ArtifactManifestMissing);
            }
        }
        if survey.refused > 0 {
            if unsafe_refs == UnsafeRefs::Refuse {
                return Err(survey.refusal());
            }
            markers.push(Marker::UnsafeReportRef);
        }
        markers.sort_unstable();
        markers.dedup();
        let Survey { entries: entry_count, bytes: total_bytes, .. } = survey;
        Ok(Manifest { located: self, package, run, markers, entry_count, total_bytes })
    }
}

/// What the first pass finds.
#[derive(Debug, Default)]
struct Survey {
    entries: u64,
    bytes: u64,
    refused: u64,
    named: Vec<String>,
}

impl Survey {
    fn add(&mut self, located: &LocatedRun, entry: &ArtifactEntry) {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(entry.size_bytes.unwrap_or(0));
        if let Err(error) = located.resolve(&entry.path) {
            self.refused += 1;
            if self.refused <= NAMED_REFUSALS {
                self.named.push(format!("entry {} ({error})", self.entries));
            }
        }
    }

    fn refusal(&self) -> Error {
        let message = format!(
            "{} of the manifest's {} paths are refused: {}; ask to have unsafe paths reported to see the others",
            self.refused,
            self.entries,
            self.named.join(", ")
        );
        Error::UnsafeRefs { message }
    }
}

/// One pass over the package. Both passes read the same descriptor, which must not have changed by the end.
fn pass(
    package: &OutputFile,
    visit: &mut dyn FnMut(ArtifactEntry) -> ControlFlow<()>,
) -> Result<ManifestPresence, Error> {
    let document = || layout::ASSESSMENT_PACKAGE.to_owned();
    if package.identity().size() > layout::MAX_PACKAGE_BYTES {
        return Err(Error::DocumentTooLarge { document: document(), cap_bytes: layout::MAX_PACKAGE_BYTES });
    }
    let outcome = read_manifest(package.reader(), visit);
    if !package.is_unchanged().map_err(|error| Error::of_read(layout::ASSESSMENT_PACKAGE, error))? {
        return Err(Error::Changed { path: document() });
    }
    outcome.map_err(|error| match error {
        ManifestError::Malformed(detail) => Error::DocumentMalformed { document: document(), detail },
        ManifestError::EntryTooLarge => Error::ItemTooLarge { document: document(), detail: error.to_string() },
        ManifestError::Read(source) => Error::of_read(layout::ASSESSMENT_PACKAGE, source),
    })
}

impl Manifest {
    /// The directory's name.
    #[must_use]
    pub const fn directory(&self) -> &DirectoryName {
        self.located.directory()
    }

    /// Makes the second pass: hands every entry to `visit` with what stands on disk now, and with `include_unlisted` the files beyond
    /// the manifest after them. Returns whether the walk for those stopped at a bound, or was not made because the manifest has too many
    /// entries to tell other files from.
    ///
    /// # Errors
    /// As the first pass, and [`Error::Changed`] when the package changed since then.
    pub fn visit(
        &self,
        include_unlisted: bool,
        visit: &mut dyn FnMut(ManifestRow) -> ControlFlow<()>,
    ) -> Result<bool, Error> {
        let mut listed = if include_unlisted { ListedPaths::with_room_for(self.entry_count) } else { None };
        let mut stopped = false;
        if let Some(package) = &self.package {
            pass(package, &mut |entry| {
                let row = self.row(entry);
                if let Some(listed) = &mut listed {
                    listed.add(&row.shown_path);
                }
                let flow = visit(row);
                stopped = flow.is_break();
                flow
            })?;
        }
        match listed {
            Some(listed) if !stopped => visit_unlisted(&self.located, listed, visit),
            Some(_) => Ok(false),
            None => Ok(include_unlisted && !stopped),
        }
    }

    fn row(&self, entry: ArtifactEntry) -> ManifestRow {
        let path = self.located.resolve(&entry.path).ok();
        let state = match &path {
            None => RowState::UnsafePath,
            Some(path) => match FoundFile::from_look(self.located.look_at_output(path)) {
                FoundFile::Present(found) if entry.size_bytes.is_some_and(|size| size != found.size()) => {
                    RowState::OtherSize
                }
                FoundFile::Present(_) => RowState::Present,
                FoundFile::Missing => RowState::Missing,
                FoundFile::NotRegular => RowState::NotRegular,
                FoundFile::Unreadable => RowState::Unreadable,
                FoundFile::UnsafePath => RowState::UnsafePath,
            },
        };
        let shown_path = path.map(|path| path.as_str().to_owned()).unwrap_or_default();
        ManifestRow {
            media_type: entry.media_type.unwrap_or_else(|| layout::media_type(&shown_path).to_owned()),
            shown_path,
            size_bytes: entry.size_bytes,
            sha256: entry.sha256,
            extension_id: entry.extension_id,
            evidence_refs: entry.evidence_refs,
            state,
            unlisted: false,
        }
    }
}
